/** `tcplab graph KIND FILE`: a conversation of a capture as a picture (SVG). */
import { writeFileSync } from 'node:fs';
import type { Conversation } from '../../analyse/conversation.js';
import { busierDirection } from '../../analyse/transcript.js';
import { other } from '../../analyse/explain/names.js';
import { drawGraph, GRAPH_KINDS, type GraphKind } from '../../draw/graphs.js';
import { type ChoiceOptions, transcribe } from './conversation-choice.js';
import { CommandError, Exit } from './errors.js';

export interface GraphOptions extends ChoiceOptions {
  output?: string;
  /** Whose data: client or server. */
  from?: string;
}

export async function graph(kind: string, file: string, o: GraphOptions): Promise<number> {
  if (!(GRAPH_KINDS as readonly string[]).includes(kind))
    throw new CommandError(
      Exit.usage,
      `there is no graph '${kind}': it is one of ${GRAPH_KINDS.join(', ')}`,
      `tcplab graph tcptrace ${file} -o graph.svg`,
    );
  if (o.from !== undefined && o.from !== 'client' && o.from !== 'server')
    throw new CommandError(Exit.usage, `--from is client or server, not '${o.from}'`);
  const [conversation, transcript] = await transcribe(file, o);
  const direction = directionOf(conversation, o.from);
  const svg = drawGraph(kind as GraphKind, { conversation, rows: transcript.rows, direction });
  if (o.output === undefined || o.output === '-') process.stdout.write(svg);
  else writeFileSync(o.output, svg);
  return Exit.ok;
}

function directionOf(conv: Conversation, from: string | undefined): 0 | 1 {
  if (from === undefined) return busierDirection(conv);
  return from === 'client' ? conv.client : other(conv.client);
}
