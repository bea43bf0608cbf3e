/** The ladder as Mermaid's `sequenceDiagram`, and as a table in Markdown. */
import type { Conversation } from '../analyse/conversation.js';
import type { Row } from '../analyse/transcript.js';
import {
  goesRight,
  heads,
  type LadderOptions,
  remarks,
  runsOf,
  runText,
  secondsText,
  stateChanges,
  stepParts,
} from './ladder.js';

export function ladderMermaid(
  conv: Conversation,
  rows: readonly Row[],
  o: LadderOptions = {},
): string {
  const [client, server] = heads(conv);
  const lines = [
    'sequenceDiagram',
    `  participant C as client ${client}`,
    `  participant S as server ${server}`,
  ];
  for (const run of runsOf(rows, o.all)) {
    if (run.rows.length > 1) {
      lines.push(`  Note over C,S: ${plain(runText(run, conv))}`);
      continue;
    }
    const row = run.rows[0]!;
    const [from, to] = goesRight(row, conv) ? ['C', 'S'] : ['S', 'C'];
    // -x is an arrow that ends in a cross.
    const arrow = row.isLost ? '-x' : '->>';
    lines.push(
      `  ${from}${arrow}${to}: ${plain(`${secondsText(row.time)} ${stepParts(row, o).join(' ')}`)}`,
    );
    const special = remarks(row);
    if (special.length > 0) lines.push(`  Note over C,S: ${plain(special.join(', '))}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Mermaid ends a line at `;` and takes `#` for an entity. */
const plain = (text: string): string =>
  text.replaceAll(';', ',').replaceAll('#', '').replaceAll('<', '(').replaceAll('>', ')');

export function ladderMarkdown(
  conv: Conversation,
  rows: readonly Row[],
  o: LadderOptions = {},
): string {
  const [client, server] = heads(conv);
  const lines = [
    `Client ${client}, server ${server}.`,
    '',
    '| frame | time (s) | | segment | what it is | client | server |',
    '| ---: | ---: | :-: | --- | --- | --- | --- |',
  ];
  let before: Row | null = null;
  for (const run of runsOf(rows, o.all)) {
    const row = run.rows[0]!;
    if (run.rows.length > 1) {
      lines.push(
        `| ${row.number}-${run.rows.at(-1)!.number} | ${secondsText(row.time)} | … | ` +
          `${runText(run, conv)} | | | |`,
      );
      before = run.rows.at(-1)!;
      continue;
    }
    const right = goesRight(row, conv);
    const sign = row.isLost ? '✗' : right ? '→' : '←';
    const states = stateChanges(row, before, conv);
    lines.push(
      `| ${row.number} | ${secondsText(row.time)} | ${sign} | ` +
        `\`${stepParts(row, o).join(' ')}\` | ` +
        `${remarks(row).join('; ')} | ${states[0]} | ${states[1]} |`,
    );
    before = row;
  }
  return `${lines.join('\n')}\n`;
}
