/** `tcplab flow FILE`: a conversation of a capture as a ladder; `--list`: all conversations. */
import { writeFileSync } from 'node:fs';
import { Analyser } from '../../analyse/analyser.js';
import { conversationTable, summaryRecord } from '../../analyse/conversation-list.js';
import { ladderMarkdown, ladderMermaid } from '../../draw/ladder-mermaid.js';
import { ladderSvg } from '../../draw/ladder-svg.js';
import { ladderText } from '../../draw/ladder-text.js';
import { analyseCapture, type ChoiceOptions, chosenOf, transcribe } from './conversation-choice.js';
import { CommandError, Exit } from './errors.js';
import { columnsOf, isAsciiOnly } from './terminal.js';

export interface FlowOptions extends ChoiceOptions {
  list?: boolean;
  json?: boolean;
  format?: string;
  output?: string;
  absolute?: boolean;
  timeScale?: boolean;
  all?: boolean;
}

const FORMATS = ['text', 'svg', 'mermaid', 'md'] as const;
type Format = (typeof FORMATS)[number];
const DEFAULT_COLUMNS = 100;

export async function flow(file: string, o: FlowOptions): Promise<number> {
  if (o.list === true) return list(file, o);
  const format = o.format ?? 'text';
  if (!isFormat(format))
    throw new CommandError(
      Exit.usage,
      `--format is one of ${FORMATS.join(', ')}, not '${format}'`,
      `tcplab flow --format svg ${file} -o flow.svg`,
    );
  const [conv, { rows, left }] = await transcribe(file, o);
  if (left > 0) process.stderr.write(`tcplab: the last ${left} packets are left out\n`);
  const text = draw();
  if (o.output === undefined || o.output === '-') process.stdout.write(text);
  else writeFileSync(o.output, text);
  return Exit.ok;

  function draw(): string {
    switch (format as Format) {
      case 'svg':
        return ladderSvg(conv, rows, o);
      case 'mermaid':
        return ladderMermaid(conv, rows, o);
      case 'md':
        return ladderMarkdown(conv, rows, o);
      case 'text':
        return ladderText(conv, rows, {
          ...o,
          columns: columnsOf(process.stdout) ?? DEFAULT_COLUMNS,
          ascii: isAsciiOnly(),
        });
    }
  }
}

const isFormat = (text: string): text is Format => (FORMATS as readonly string[]).includes(text);

async function list(file: string, o: FlowOptions): Promise<number> {
  const analyser = new Analyser();
  await analyseCapture(file, o, (packet, headers) => analyser.read(packet, headers));
  const all = chosenOf(analyser, file, o);
  if (o.json === true)
    for (const conv of all) process.stdout.write(`${JSON.stringify(summaryRecord(conv))}\n`);
  else process.stdout.write(conversationTable(all));
  return Exit.ok;
}
