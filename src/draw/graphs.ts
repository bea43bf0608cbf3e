/**
 * The graphs of a conversation, with Wireshark's names and meanings. Each shows the data of one
 * direction; what the other side says about it (ACKs, windows, SACK) is drawn with it.
 *
 *     stevens      sequence numbers over time
 *     tcptrace     segments as bars between the ACK line and the line of the window's edge
 *     throughput   bits a second that were sent, and new ones among them (goodput)
 *     rtt          from each segment to its ACK
 *     window       the window that the receiver offers, and what of it is in flight
 *     cwnd         bytes in flight, the largest amount of each round trip, losses and what limits
 */
import { type Conversation, type Limit, LIMITS } from '../analyse/conversation.js';
import { endpoints, other } from '../analyse/explain/names.js';
import { ANY_RETRANSMISSION, Mark } from '../analyse/marks.js';
import { numbersOf, type Row } from '../analyse/transcript.js';
import { TcpFlag } from '../wire/tcp.js';
import { Plot } from './plot.js';
import type { Unit } from './scale.js';
import type { Colour } from './svg.js';

export const GRAPH_KINDS = ['stevens', 'tcptrace', 'throughput', 'rtt', 'window', 'cwnd'] as const;
export type GraphKind = (typeof GRAPH_KINDS)[number];

const TITLES: Readonly<Record<GraphKind, string>> = {
  stevens: 'Sequence numbers (Stevens)',
  tcptrace: 'Sequence numbers (tcptrace)',
  throughput: 'Throughput',
  rtt: 'Round-trip time',
  window: 'Window scaling',
  cwnd: 'Congestion: bytes in flight and what limits the sender',
};

export interface GraphData {
  readonly conversation: Conversation;
  readonly rows: readonly Row[];
  /** Whose data is drawn. */
  readonly direction: 0 | 1;
}

export function drawGraph(kind: GraphKind, data: GraphData): string {
  switch (kind) {
    case 'stevens':
      return stevens(data);
    case 'tcptrace':
      return tcptrace(data);
    case 'throughput':
      return throughput(data);
    case 'rtt':
      return roundTrips(data);
    case 'window':
      return windows(data);
    case 'cwnd':
      return congestion(data);
  }
}

const seconds = (row: Row): number => row.time / 1e9;
/** Also without its original, which a capture at the receiver does not hold. */
const isAgain = (row: Row): boolean => row.repeats > 0 || (row.marks & ANY_RETRANSMISSION) !== 0;
const again = (row: Row): string =>
  `frame ${row.number} ${row.repeats > 0 ? `repeats ${row.repeats}` : 'was sent again'}`;
const endOf = (row: Row): number => row.from + numbersOf(row);
const isData = (row: Row): boolean => numbersOf(row) > 0;

function plotOf(
  kind: GraphKind,
  { conversation, rows, direction }: GraphData,
  yTitle: string,
  yUnit: Unit,
  highest: number,
  hasRibbon = false,
): Plot {
  const names = endpoints(conversation);
  return new Plot({
    title: TITLES[kind],
    subtitle:
      `data from ${names[direction]} to ${names[other(direction)]}, stream ` +
      `${conversation.index}`,
    yTitle,
    yUnit,
    seconds: [0, rows.length === 0 ? 1 : Math.max(seconds(rows.at(-1)!), 1e-6)],
    values: [0, highest * 1.05 || 1],
    hasRibbon,
  });
}

const most = (values: Iterable<number>): number => {
  let highest = 0;
  for (const value of values) if (value > highest) highest = value;
  return highest;
};

function stevens(data: GraphData): string {
  const sent = data.rows.filter((row) => row.direction === data.direction && isData(row));
  const plot = plotOf('stevens', data, 'sequence number', 'bytes', most(sent.map(endOf)));
  const points = sent.map((row) => [seconds(row), row.from] as const);
  plot.curve(points, 'data');
  plot.dots(points, 'data');
  plot.describe({ text: 'segment, at its first byte', colour: 'data', shape: 'dot' });
  return plot.toString();
}

function tcptrace(data: GraphData): string {
  const { rows, direction } = data;
  const sent = rows.filter((row) => row.direction === direction && isData(row));
  const heard = rows.filter(
    (row) => row.direction !== direction && (row.flags & TcpFlag.ACK) !== 0,
  );
  // The window is often far above the data; it is cut where it would hide them.
  const highest = Math.max(most(sent.map(endOf)), most(heard.map((row) => row.acked)));
  const edges = heard.map((row) => [seconds(row), row.acked + row.window] as const);
  const top = Math.min(1.3 * highest, Math.max(highest, most(edges.map(([, limit]) => limit))));
  const plot = plotOf('tcptrace', data, 'sequence number', 'bytes', top);
  plot.curve(
    edges.map(([t, limit]) => [t, Math.min(limit, top)] as const),
    'window',
    { isStepped: true },
  );
  plot.curve(
    heard.map((row) => [seconds(row), row.acked] as const),
    'ack',
    { isStepped: true },
  );
  plot.bars(
    sent.filter((row) => !isAgain(row)).map((row) => [seconds(row), row.from, endOf(row)] as const),
    'data',
  );
  plot.bars(
    sent.filter(isAgain).map((row) => [seconds(row), row.from, endOf(row)] as const),
    'again',
    3,
  );
  plot.bars(
    heard.flatMap((row) => row.sack.map(([l, r]) => [seconds(row), l, r] as const)),
    'sack',
    1,
  );
  for (const row of sent.filter(isAgain))
    plot.sign('R', seconds(row), endOf(row), 'again', again(row));
  for (const row of sent.filter((one) => one.isLost))
    plot.sign('cross', seconds(row), row.from, 'loss', `frame ${row.number} was lost`);
  for (const row of heard.filter(({ marks }) => (marks & Mark.zeroWindow) !== 0))
    plot.sign('triangle', seconds(row), row.acked, 'loss', `frame ${row.number}: window 0`);
  plot.describe(
    { text: 'segment', colour: 'data', shape: 'bar' },
    { text: 'ACK', colour: 'ack', shape: 'line' },
    { text: "window's edge", colour: 'window', shape: 'line' },
  );
  if (heard.some((row) => row.sack.length > 0))
    plot.describe({ text: 'SACK block', colour: 'sack', shape: 'bar' });
  if (sent.some(isAgain)) plot.describe({ text: 'sent again', colour: 'again', shape: 'R' });
  if (sent.some((row) => row.isLost))
    plot.describe({ text: 'lost', colour: 'loss', shape: 'cross' });
  describeZero(plot, heard);
  return plot.toString();
}

function describeZero(plot: Plot, heard: readonly Row[]): void {
  if (heard.some(({ marks }) => (marks & Mark.zeroWindow) !== 0))
    plot.describe({ text: 'window 0', colour: 'loss', shape: 'triangle' });
}

/** Averages over this many pieces of the whole time. */
const PIECES = 120;

function throughput(data: GraphData): string {
  const sent = data.rows.filter((row) => row.direction === data.direction && row.length > 0);
  const end = data.rows.length === 0 ? 1 : Math.max(seconds(data.rows.at(-1)!), 1e-6);
  const piece = end / PIECES;
  const all = new Float64Array(PIECES + 1);
  const fresh = new Float64Array(PIECES + 1);
  for (const row of sent) {
    const at = Math.min(PIECES, Math.floor(seconds(row) / piece));
    all[at]! += row.length;
    if (!isAgain(row)) fresh[at]! += row.length;
  }
  // The last packet alone would make a piece of its own.
  all[PIECES - 1]! += all[PIECES]!;
  fresh[PIECES - 1]! += fresh[PIECES]!;
  const series = (bytes: Float64Array): (readonly [number, number])[] => {
    const points: (readonly [number, number])[] = [];
    for (let i = 0; i < PIECES; i++) points.push([i * piece, (bytes[i]! * 8) / piece]);
    points.push([end, (bytes[PIECES - 1]! * 8) / piece]);
    return points;
  };
  const plot = plotOf(
    'throughput',
    data,
    `bits a second, averages over ${timeText(piece)}`,
    'bits/s',
    most(series(all).map(([, y]) => y)),
  );
  plot.curve(series(all), 'again', { isStepped: true });
  plot.curve(series(fresh), 'data', { isStepped: true });
  const mean = (sent.reduce((sum, row) => sum + row.length, 0) * 8) / end;
  plot.curve(
    [
      [0, mean],
      [end, mean],
    ],
    'soft',
    { isDashed: true },
  );
  plot.describe(
    { text: 'goodput: new data', colour: 'data', shape: 'line' },
    { text: 'throughput: with what was sent again', colour: 'again', shape: 'line' },
    { text: 'mean', colour: 'soft', shape: 'dashes' },
  );
  return plot.toString();
}

const timeText = (s: number): string =>
  s >= 1 ? `${Number(s.toPrecision(3))} s` : `${Number((s * 1000).toPrecision(3))} ms`;

function roundTrips(data: GraphData): string {
  const { conversation, rows, direction } = data;
  const answers = rows.filter((row) => row.direction !== direction && row.acksFrame > 0);
  const points = answers.map((row) => [seconds(row), row.ackRtt / 1e9] as const);
  const initial = conversation.initialRtt > 0 ? conversation.initialRtt / 1e9 : 0;
  const plot = plotOf(
    'rtt',
    data,
    'from a segment to its ACK',
    'seconds',
    Math.max(initial, most(points.map(([, rtt]) => rtt))),
  );
  plot.curve(points, 'data');
  plot.dots(points, 'data', 2.2);
  plot.describe({
    text: 'round trip of a segment, when its ACK came',
    colour: 'data',
    shape: 'dot',
  });
  if (initial > 0) {
    plot.curve(
      [
        [0, initial],
        [plot.x.to, initial],
      ],
      'soft',
      { isDashed: true },
    );
    plot.describe({ text: 'of the handshake', colour: 'soft', shape: 'dashes' });
  }
  return plot.toString();
}

function windows(data: GraphData): string {
  const { rows, direction } = data;
  const offered = rows
    .filter((row) => row.direction !== direction && (row.flags & TcpFlag.RST) === 0)
    .map((row) => [seconds(row), row.window] as const);
  const flight = flightOf(data);
  const highest = Math.max(most(offered.map(([, w]) => w)), most(flight.map(([, b]) => b)));
  const plot = plotOf('window', data, 'bytes', 'bytes', highest);
  plot.curve(offered, 'window', { isStepped: true });
  plot.curve(flight, 'data', { isStepped: true });
  const heard = rows.filter((one) => one.direction !== direction);
  for (const row of heard)
    if ((row.marks & Mark.zeroWindow) !== 0)
      plot.sign('triangle', seconds(row), 0, 'loss', `frame ${row.number}: window 0`);
  plot.describe(
    { text: 'receive window', colour: 'window', shape: 'line' },
    { text: 'bytes in flight', colour: 'data', shape: 'line' },
  );
  describeZero(plot, heard);
  return plot.toString();
}

/** Bytes in flight after each segment and each ACK: sent, and neither acknowledged nor reported. */
function flightOf({ rows, direction }: GraphData): (readonly [number, number])[] {
  const points: (readonly [number, number])[] = [];
  let next = 0;
  let acked = 0;
  let reported: (readonly [left: number, right: number])[] = [];
  for (const row of rows) {
    if (row.direction === direction) next = Math.max(next, endOf(row));
    else if ((row.flags & TcpFlag.ACK) !== 0) {
      acked = Math.max(acked, row.acked);
      if (reported.length + row.sack.length > 0)
        reported = joined([...reported, ...row.sack], acked);
    }
    const sacked = reported.reduce((sum, [left, right]) => sum + right - left, 0);
    points.push([seconds(row), Math.max(0, next - acked - sacked)]);
  }
  return points;
}

/** The ranges above `from`, joined where they touch. An ACK has room for four of them only. */
function joined(
  ranges: readonly (readonly [number, number])[],
  from: number,
): (readonly [number, number])[] {
  const result: [number, number][] = [];
  for (const [left, right] of [...ranges].sort((x, y) => x[0] - y[0])) {
    if (right <= from) continue;
    const last = result.at(-1);
    if (last !== undefined && left <= last[1]) last[1] = Math.max(last[1], right);
    else result.push([Math.max(left, from), right]);
  }
  return result;
}

const LIMIT_COLOURS: Readonly<Record<Limit, Colour>> = {
  handshake: 'soft',
  application: 'idle',
  network: 'data',
  receiver: 'window',
  loss: 'loss',
  closing: 'grid',
};

function congestion(data: GraphData): string {
  const { conversation, rows, direction } = data;
  const flight = flightOf(data);
  const offered = rows
    .filter((row) => row.direction !== direction && (row.flags & TcpFlag.RST) === 0)
    .map((row) => [seconds(row), row.window] as const);
  const envelope = envelopeOf(flight, conversation.initialRtt / 1e9);
  const highest = most(envelope.map(([, b]) => b));
  // A large window says nothing about congestion, and would make the rest invisible.
  const top = Math.min(2 * highest, Math.max(highest, most(offered.map(([, w]) => w))));
  const plot = plotOf('cwnd', data, 'bytes', 'bytes', top, true);
  plot.curve(
    offered.map(([t, w]) => [t, Math.min(w, top)] as const),
    'window',
    { isStepped: true },
  );
  plot.curve(flight, 'data', { isStepped: true });
  plot.curve(envelope, 'again', { isStepped: true });
  for (const row of rows) {
    if (row.direction !== direction || !isAgain(row)) continue;
    const isFast = (row.marks & Mark.fastRetransmission) !== 0;
    const isTimeout = (row.marks & Mark.retransmission) !== 0;
    if (isFast || isTimeout)
      plot.sign(
        isFast ? 'cross' : 'triangle',
        seconds(row),
        0,
        'loss',
        `${isFast ? 'fast retransmission' : 'retransmission'}: ${again(row)}`,
      );
  }
  plot.describe(
    { text: 'bytes in flight', colour: 'data', shape: 'line' },
    {
      text: 'most in flight in a round trip (cwnd is at least that)',
      colour: 'again',
      shape: 'line',
    },
    {
      text:
        most(offered.map(([, w]) => w)) > top ? 'receive window (goes on above)' : 'receive window',
      colour: 'window',
      shape: 'line',
    },
  );
  const has = (mark: number): boolean =>
    rows.some((row) => row.direction === direction && (row.marks & mark) !== 0);
  if (has(Mark.fastRetransmission))
    plot.describe({ text: 'fast retransmission', colour: 'loss', shape: 'cross' });
  if (has(Mark.retransmission))
    plot.describe({ text: 'retransmission', colour: 'loss', shape: 'triangle' });
  const stretches = ribbonOf(rows);
  plot.ribbon('limited by', stretches);
  for (const limit of LIMITS)
    if (stretches.some(([, , , name]) => name === limit))
      plot.describe({ text: limit, colour: LIMIT_COLOURS[limit], shape: 'box' });
  return plot.toString();
}

/** The most of each round trip. */
function envelopeOf(
  points: readonly (readonly [number, number])[],
  roundTrip: number,
): (readonly [number, number])[] {
  const end = points.at(-1)?.[0] ?? 0;
  const piece = Math.max(roundTrip > 0 ? roundTrip : 0, end / 400, 1e-6);
  const result: (readonly [number, number])[] = [];
  let i = 0;
  while (i < points.length) {
    const from = points[i]![0];
    let highest = 0;
    for (; i < points.length && points[i]![0] < from + piece; i++)
      highest = Math.max(highest, points[i]![1]);
    result.push([from, highest]);
  }
  if (result.length > 0) result.push([end, result.at(-1)![1]]);
  return result;
}

function ribbonOf(rows: readonly Row[]): (readonly [number, number, Colour, string])[] {
  const stretches: [number, number, Colour, string][] = [];
  for (let i = 1; i < rows.length; i++) {
    const row = rows[i]!;
    const from = seconds(rows[i - 1]!);
    const to = seconds(row);
    if (!(to > from)) continue;
    const last = stretches.at(-1);
    if (last !== undefined && last[3] === row.limit && last[1] >= from) last[1] = to;
    else stretches.push([from, to, LIMIT_COLOURS[row.limit], row.limit]);
  }
  return stretches;
}
