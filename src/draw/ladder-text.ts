/**
 * The ladder for a terminal, as observe/ladder.ts draws that of a living stack: client on the left,
 * server on the right, time downwards.
 */
import { toAscii } from '../base/ascii.js';
import type { Conversation } from '../analyse/conversation.js';
import { duration } from '../analyse/explain/names.js';
import { wrapText } from '../analyse/explain/render.js';
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

export interface TextLadderOptions extends LadderOptions {
  readonly columns?: number;
  readonly ascii?: boolean;
}

const TIME_COLUMNS = 13;
const MOST_WIDTH = 74;
const LEAST_WIDTH = 40;
/** Room for a state on the right. */
const STATE_COLUMNS = 16;
/** Blank lines for a pause, at most. */
const MOST_BLANKS = 12;

export function ladderText(
  conv: Conversation,
  rows: readonly Row[],
  o: TextLadderOptions = {},
): string {
  return new TextLadder(conv, rows, o).toString();
}

class TextLadder {
  private readonly lines: string[] = [];
  private readonly conv: Conversation;
  private readonly rows: readonly Row[];
  private readonly o: TextLadderOptions;
  private readonly width: number;
  /** Nanoseconds for a blank line of the time scale. */
  private readonly blank: number;

  constructor(conv: Conversation, rows: readonly Row[], o: TextLadderOptions) {
    this.conv = conv;
    this.rows = rows;
    this.o = o;
    const columns = o.columns ?? 100;
    this.width = Math.max(
      LEAST_WIDTH,
      Math.min(MOST_WIDTH, columns - TIME_COLUMNS - 3 - STATE_COLUMNS),
    );
    this.blank = Math.max(1, (rows.at(-1)?.time ?? 0) / 60);
  }

  toString(): string {
    this.head();
    let before: Row | null = null;
    for (const run of runsOf(this.rows, this.o.all)) {
      const row = run.rows[0]!;
      if (before !== null) this.pause(row.time - before.time);
      if (run.rows.length > 1) this.summary(run.rows, runText(run, this.conv));
      else this.step(row, before);
      before = run.rows.at(-1)!;
    }
    const text = `${this.lines.join('\n')}\n`;
    return this.o.ascii === true ? toAscii(text) : text;
  }

  private head(): void {
    const [left, right] = heads(this.conv);
    const between = this.width + 2;
    const pad = ' '.repeat(TIME_COLUMNS);
    this.lines.push(
      pad + 'client' + 'server'.padStart(between - 6),
      pad +
        (left.length + right.length + 1 > between
          ? left
          : left + right.padStart(between - left.length)),
    );
    if (left.length + right.length + 1 > between) this.lines.push(pad + right.padStart(between));
    this.row('', '', '');
  }

  private row(time: string, between: string, beside: string): void {
    const pad = ' '.repeat(Math.max(0, this.width - [...between].length));
    this.lines.push(
      `${time.padStart(TIME_COLUMNS - 2)}  │${between}${pad}│${beside === '' ? '' : ` ${beside}`}`,
    );
  }

  private step(row: Row, before: Row | null): void {
    const right = goesRight(row, this.conv);
    const [client, server] = stateChanges(row, before, this.conv);
    const parts = wrapText(stepParts(row, this.o).join('  '), this.width - 2, 1, 6);
    this.row(secondsText(row.time), parts[0]!, '');
    for (const line of parts.slice(1)) this.row('', line, '');
    this.row(`#${row.number}`, this.arrow(right, row.isLost), server);
    if (client !== '') this.row('', ` ${client}`, '');
    const special = remarks(row);
    if (special.length > 0)
      for (const line of wrapText(`· ${special.join('; ')}`, this.width - 1, 3, 5))
        this.row('', line, '');
    this.row('', '', '');
  }

  private summary(rows: readonly Row[], text: string): void {
    for (const [i, line] of wrapText(`… ${text}`, this.width - 1, 3, 5).entries())
      this.row(i === 0 ? secondsText(rows[0]!.time) : '', line, '');
    this.row(`#${rows[0]!.number}-${rows.at(-1)!.number}`, '', '');
    this.row('', '', '');
  }

  /** A silence; with the time scale also blank lines for it. */
  private pause(nanos: number): void {
    if (this.o.timeScale === true) {
      const blanks = Math.min(MOST_BLANKS, Math.round(nanos / this.blank));
      for (let i = 0; i < blanks; i++) this.row('', '', '');
    }
    if (nanos > 3 * this.blank) {
      const text = `${duration(nanos)}`;
      const side = Math.max(1, Math.floor((this.width - text.length - 2) / 2));
      this.row(
        '',
        `${'·'.repeat(side)} ${text} ${'·'.repeat(this.width - side - text.length - 2)}`,
        '',
      );
      this.row('', '', '');
    }
  }

  private arrow(right: boolean, isLost: boolean): string {
    const n = this.width - 1;
    if (!isLost) return right ? ` ${'─'.repeat(n - 1)}▶` : `◀${'─'.repeat(n - 1)} `;
    const half = Math.floor(n / 2);
    return right
      ? ` ${'─'.repeat(half - 1)}✗${' '.repeat(n - half)}`
      : `${' '.repeat(n - half)}✗${'─'.repeat(half - 1)} `;
  }
}
