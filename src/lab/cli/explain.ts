/** `tcplab explain FILE`: the conversations of a capture in plain words. */
import type { Conversation } from '../../analyse/conversation.js';
import { Analyser } from '../../analyse/analyser.js';
import { explain as explainConversation } from '../../analyse/explain/explanation.js';
import { explanationMarkdown, explanationText } from '../../analyse/explain/render.js';
import { analyseCapture, chosenOf, type ChoiceOptions } from './conversation-choice.js';
import { CommandError, Exit } from './errors.js';
import { columnsOf } from './terminal.js';

export interface ExplainOptions extends ChoiceOptions {
  json?: boolean;
  markdown?: boolean;
  /** Most conversations to explain. */
  limit?: number;
}

const DEFAULT_LIMIT = 10;
const DEFAULT_COLUMNS = 100;

export async function explainCapture(file: string, o: ExplainOptions): Promise<number> {
  if (o.json === true && o.markdown === true)
    throw new CommandError(Exit.usage, '--json and --markdown exclude each other');
  const analyser = new Analyser();
  await analyseCapture(file, o, (packet, headers) => analyser.read(packet, headers));
  const chosen = chosenOf(analyser, file, o);
  const most = o.limit ?? DEFAULT_LIMIT;
  // The most interesting ones, in the order of the file.
  const shown = new Set([...chosen].sort((a, b) => trouble(b) - trouble(a)).slice(0, most));
  const columns = Math.min(columnsOf(process.stdout) ?? DEFAULT_COLUMNS, DEFAULT_COLUMNS);
  let isFirst = true;
  for (const conv of chosen) {
    if (!shown.has(conv)) continue;
    const explanation = explainConversation(conv);
    if (o.json === true) process.stdout.write(`${JSON.stringify(explanation)}\n`);
    else if (o.markdown === true) process.stdout.write(explanationMarkdown(explanation));
    else process.stdout.write((isFirst ? '' : '\n') + explanationText(explanation, columns));
    isFirst = false;
  }
  if (chosen.length > shown.size)
    process.stderr.write(
      `tcplab: ${chosen.length - shown.size} of ${chosen.length} conversations are left ` +
        `out, those ` +
        `with the least trouble; --limit ${chosen.length} shows all, tcplab flow --list ` +
        `${file} lists them\n`,
    );
  return Exit.ok;
}

/** Resets, retransmissions, closed windows and unanswered SYNs weigh most, then packets. */
function trouble(conv: Conversation): number {
  const [a, b] = conv.directions;
  const isUnanswered = a.packets === 0 || b.packets === 0;
  const marks =
    conv.countOf('retransmission') +
    conv.countOf('fastRetransmission') +
    10 * conv.countOf('zeroWindow') +
    100 * Math.min(1, a.resets + b.resets) +
    (isUnanswered ? 100 : 0);
  return 1000 * marks + Math.min(conv.packets, 999);
}
