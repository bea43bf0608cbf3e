/** The screen of `tcplab top` as lines of text. Pure: no terminal. */
import { durationText } from '../../base/quantities.js';
import { type Sort, sorted, type TopData, type TopRow } from './top-data.js';

export interface ScreenOptions {
  readonly name: string;
  readonly sort: Sort;
  readonly columns: number;
  /** Lines; Infinity for all rows. */
  readonly rows: number;
  readonly ascii: boolean;
  readonly bold: (text: string) => string;
  /** The keys are of use on a terminal only. */
  readonly keys: boolean;
}

const BARS = { utf8: '▁▂▃▄▅▆▇█', ascii: '_.-=+*%#' } as const;
const SPARK = 10;

/** Bars relative to the largest value; a blank for none yet, the lowest bar for zero. */
export function sparkline(values: readonly number[], width: number, ascii: boolean): string {
  const bars = ascii ? BARS.ascii : BARS.utf8;
  const shown = values.slice(-width);
  const most = Math.max(...shown, 0);
  const text = shown
    .map((n) => bars[most === 0 ? 0 : Math.ceil((n / most) * (bars.length - 1))]!)
    .join('');
  return text.padStart(width);
}

/** `0`, `812`, `1.2K`, `34M`: bits a second. */
export function rateText(bytes: number): string {
  let n = bytes * 8;
  for (const unit of ['', 'K', 'M', 'G']) {
    if (n < 999.5 || unit === 'G')
      return `${n >= 99.5 || unit === '' ? n.toFixed(0) : n.toPrecision(2)}${unit}`;
    n /= 1000;
  }
  return '';
}

interface Column {
  readonly title: string;
  readonly text: (row: TopRow, ascii: boolean) => string;
  readonly left?: true;
  readonly sort?: Sort;
}

const COLUMNS: readonly Column[] = [
  { title: 'State', text: (r) => r.state, left: true },
  { title: 'Local', text: (r) => r.local, left: true },
  { title: 'Peer', text: (r) => r.peer, left: true, sort: 'address' },
  { title: 'In bit/s', text: (r) => rateText(r.inRate), sort: 'rate' },
  { title: 'Out bit/s', text: (r) => rateText(r.outRate), sort: 'rate' },
  { title: 'RTT', text: (r) => (r.rtt === 0 ? '-' : durationText(r.rtt)), sort: 'rtt' },
  { title: 'cwnd', text: (r) => String(r.cwnd), sort: 'cwnd' },
  { title: 'Flight', text: (r) => String(r.unacked) },
  { title: 'Retr', text: (r) => String(r.retransmissions), sort: 'retrans' },
  { title: 'Send-Q', text: (r) => String(r.sendQ) },
  { title: 'Rate', text: (r, ascii) => sparkline(r.history, SPARK, ascii), left: true },
];

/** In the order in which a narrow terminal loses them. */
const LESS_NEEDED = ['Send-Q', 'Local', 'Flight', 'Rate', 'In bit/s'];
const GAP = '  ';
const HEAD_LINES = 5;

export function screenLines(data: TopData, o: ScreenOptions): string[] {
  const rows = sorted(data.rows, o.sort).slice(0, Math.max(0, o.rows - HEAD_LINES));
  const columns = fitting(
    COLUMNS.map((c) => filled(c, rows, o)),
    o.columns,
  );
  const line = (i: number): string =>
    columns
      .map((c) => c.cells[i]!)
      .join(GAP)
      .trimEnd()
      .slice(0, o.columns);
  return [...head(data, o), o.bold(line(0)), ...rows.map((_, i) => line(i + 1))];
}

interface Filled {
  readonly column: Column;
  readonly width: number;
  /** The title, then a cell for each row, all of the same width. */
  readonly cells: readonly string[];
}

function filled(column: Column, rows: readonly TopRow[], { sort, ascii }: ScreenOptions): Filled {
  const title = column.sort === sort ? `${column.title}${ascii ? '*' : '▾'}` : column.title;
  const texts = [title, ...rows.map((row) => column.text(row, ascii))];
  const width = Math.max(...texts.map((text) => text.length));
  const pad = (text: string): string =>
    column.left === true ? text.padEnd(width) : text.padStart(width);
  return { column, width, cells: texts.map(pad) };
}

/** Without the columns that a narrow terminal can do without. */
function fitting(all: readonly Filled[], most: number): readonly Filled[] {
  let columns = all;
  for (const title of LESS_NEEDED) {
    const width = columns.reduce((n, c) => n + c.width + GAP.length, -GAP.length);
    if (width <= most) break;
    columns = columns.filter((c) => c.column.title !== title);
  }
  return columns;
}

function head(d: TopData, o: ScreenOptions): string[] {
  const states = Object.entries(d.states)
    .filter(([state]) => state !== 'LISTEN')
    .map(([state, n]) => `${n} ${state}`);
  const perSecond = (n: number): string => n.toFixed(n > 0 && n < 10 ? 1 : 0);
  return [
    `tcplab top: ${o.name}   connections: ${states.length === 0 ? 'none' : states.join(', ')}`,
    `in ${rateText(d.inRate)}bit/s   out ${rateText(d.outRate)}bit/s   ` +
      sparkline(d.history, 2 * SPARK, o.ascii).trimStart(),
    `segments in ${perSecond(d.segmentsIn)}/s   out ${perSecond(d.segmentsOut)}/s   ` +
      `retransmitted ${perSecond(d.retransmissions)}/s   opened ${perSecond(d.opened)}/s`,
    o.keys ? 'keys: q quit; sort by r rate, t RTT, c cwnd, x retransmissions, a address' : '',
  ].map((text) => text.slice(0, o.columns));
}
