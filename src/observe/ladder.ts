/**
 * Draws a conversation as a ladder: two lifelines, the peer on the left and our stack on the right,
 * time downwards.
 *
 *     0.000000  │ [S] seq 0 (1861182580) win 64240                     │
 *               │ ────────────────────────────────────────────────────▶│  LISTEN → SYN-RECEIVED
 *               │   · its initial sequence number is 1861182580; ...   │
 *
 * The arrow of a packet that the link dropped ends in a cross half way. Sequence numbers are
 * relative, with the absolute ones in brackets. Steps are printed as they arrive; when the
 * connection changes, a new head is printed.
 */
import type { Micros } from '../base/time.js';
import { toAscii } from '../base/ascii.js';
import type { EventSink, SegmentData } from './events.js';
import { Explainer } from './explain.js';
import type { PaintKind } from './live.js';
import { isOutgoing, segmentOf, type Step, StepBuilder } from './steps.js';
import { compactOptions, timeText } from './text.js';

export interface LadderOptions {
  /** Name of the left side; default `kernel`. */
  readonly left?: string;
  /** Name of the right side; default `our stack`. */
  readonly right?: string;
  /**
   * Columns of the terminal, which every line must fit. By default the lifelines are 80 columns
   * apart, with the states to the right of them.
   */
  readonly columns?: number;
  /** Use ASCII characters only; default false. */
  readonly ascii?: boolean;
  /** Print sentences under each step; default true. */
  readonly why?: boolean;
  readonly paint?: (kind: PaintKind, text: string) => string;
}

const TIME_COLUMNS = 11;
/**
 * Limits of the columns between the lifelines: wider is hard to read, narrower does not fit a
 * segment.
 */
const MOST_WIDTH = 78;
const LEAST_WIDTH = 40;
/** Connections to remember. Beyond this all are forgotten, and their times start at zero again. */
const MAX_CONNECTIONS = 10_000;

export class Ladder {
  readonly sink: EventSink;
  private readonly print: (line: string) => void;
  private readonly left: string;
  private readonly right: string;
  /** Columns between the lifelines. */
  private readonly width: number;
  private readonly columns: number;
  private readonly plain: (text: string) => string;
  private readonly why: boolean;
  private readonly paint: (kind: PaintKind, text: string) => string;
  private readonly explainer = new Explainer();
  private readonly steps = new StepBuilder((step) => {
    this.show(step);
  });
  /** The connection whose head was printed last, and the start time of each connection. */
  private current = '';
  private readonly began = new Map<string, Micros>();

  constructor(print: (line: string) => void, options: LadderOptions = {}) {
    this.plain = options.ascii === true ? toAscii : (text) => text;
    this.print = (line) => {
      print(this.plain(line));
    };
    this.left = options.left ?? 'kernel';
    this.right = options.right ?? 'our stack';
    this.columns = options.columns ?? Infinity;
    this.width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, this.columns - TIME_COLUMNS - 2));
    this.why = options.why ?? true;
    this.paint = options.paint ?? ((_kind, text) => text);
    this.sink = this.steps.add;
  }

  /** Draws all steps so far. */
  flush(): void {
    this.steps.flush();
  }

  private show(step: Step): void {
    const reasons = this.explainer.why(step);
    if (step.group_id === '') return; // not TCP: not part of a conversation
    const start = this.began.get(step.group_id) ?? step.time;
    if (this.began.size >= MAX_CONNECTIONS) this.began.clear();
    this.began.set(step.group_id, start);
    if (this.current !== step.group_id) this.head(step.group_id);
    const time = timeText(step.time - start).padStart(TIME_COLUMNS - 2);
    const segment = segmentOf(step);
    const states = this.states(step);
    if (segment === null) {
      const name = step.main === null ? '' : `${step.main.name} `;
      const beside = this.fitsBeside(states);
      this.row(this.paint('time', time), ` ${name}${beside ? '' : states}`, beside ? states : '');
    } else {
      const [first, ...rest] = this.label(segment);
      this.row(this.paint('time', time), ` ${first!}`, '');
      for (const line of rest) this.row('', ` ${line}`, '');
      this.row('', this.arrow(step, segment), this.fitsBeside(states) ? states : '');
      if (!this.fitsBeside(states))
        this.row('', states.padStart(this.width - 1 + states.length - visibleLength(states)), '');
    }
    if (this.why) for (const reason of reasons) this.sentence(reason);
    this.row('', '', '');
  }

  /** True if the states fit on the terminal to the right of our lifeline. */
  private fitsBeside(states: string): boolean {
    return states === '' || TIME_COLUMNS + this.width + 4 + visibleLength(states) <= this.columns;
  }

  private head(id: string): void {
    this.current = id;
    const [ours, theirs] = id.split(' ') as [string, string];
    const between = this.width + 2;
    const pair = (a: string, b: string): string => a + b.padStart(between - a.length);
    this.print('');
    this.print(' '.repeat(TIME_COLUMNS) + pair(this.left, this.right));
    this.print(' '.repeat(TIME_COLUMNS) + pair(theirs, ours));
    this.row('', '', '');
  }

  /**
   * Prints one line: time, lifeline, `between`, lifeline, `beside`. `time` may contain colour
   * codes, because its width is known.
   */
  private row(time: string, between: string, beside: string): void {
    const lead = time === '' ? ' '.repeat(TIME_COLUMNS) : `${time}  `;
    const pad = ' '.repeat(Math.max(0, this.width - visibleLength(between)));
    this.print(`${lead}│${between}${pad}│${beside === '' ? '' : `  ${beside}`}`);
  }

  private arrow(step: Step, segment: SegmentData): string {
    const out = isOutgoing(step);
    const n = this.width - 1;
    if (!isLost(step, segment)) return out ? `◀${'─'.repeat(n - 1)} ` : ` ${'─'.repeat(n - 1)}▶`;
    const half = Math.floor(n / 2);
    const cross = this.paint('drop', '✗');
    return out
      ? `${' '.repeat(n - half)}${cross}${'─'.repeat(half - 1)} `
      : ` ${'─'.repeat(half - 1)}${cross}${' '.repeat(n - half)}`;
  }

  /** Flags and numbers; what does not fit is on more lines. */
  private label(s: SegmentData): string[] {
    const parts = [`[${s.flags}]`, `seq ${s.relSeq} (${s.seq})`];
    if (s.flags.includes('.')) parts.push(`ack ${s.relAck} (${s.ack})`);
    parts.push(`win ${s.window}`);
    if (s.length > 0) parts.push(`len ${s.length}`);
    const options = compactOptions(s);
    if (options !== '') parts.push(`<${options}>`);
    return wrap(parts.join('  '), this.width - 2, '     ');
  }

  private sentence(reason: string): void {
    for (const line of wrap(this.plain(`· ${reason}`), this.width - 4, '  '))
      this.row('', this.paint('why', `   ${line}`), '');
  }

  private states(step: Step): string {
    const path: string[] = [];
    for (const e of [...step.causes, ...step.effects]) {
      if (e.name !== 'tcp:state_changed') continue;
      if (path.at(-1) !== e.data.from) path.push(e.data.from);
      path.push(e.data.to);
    }
    return path.length === 0 ? '' : this.paint('state', this.plain(path.join(' → ')));
  }
}

/** True if the link dropped the packet, or all parts of it. */
function isLost(step: Step, segment: SegmentData): boolean {
  if (step.main?.name === 'link:dropped') return true;
  const drops = step.link.filter((event) => event.name === 'link:dropped');
  const lost = drops.reduce((sum, event) => sum + (event.data.segment?.length ?? 0), 0);
  return drops.length > 0 && lost >= segment.length;
}

// eslint-disable-next-line no-control-regex -- ESC starts the sequences that set colours
const COLOUR = /\u001b\[[0-9;]*m/g;

/** Width on the screen in columns, without the sequences that set colours. */
const visibleLength = (text: string): number => [...text.replaceAll(COLOUR, '')].length;

/** Wraps at spaces; lines after the first are indented. A word longer than a line is split. */
export function wrap(text: string, width: number, indent: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.trim() !== '' && visibleLength(line) + 1 + visibleLength(word) > width) {
      lines.push(line);
      line = indent + word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
    while (visibleLength(line) > width && line.trim().length > width - indent.length) {
      lines.push(line.slice(0, width));
      line = indent + line.slice(width);
    }
  }
  lines.push(line);
  return lines;
}
