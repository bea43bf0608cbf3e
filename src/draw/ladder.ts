/** What all forms of the ladder have in common: the words of a step, and long runs in short. */
import type { Conversation } from '../analyse/conversation.js';
import { MEANINGS } from '../analyse/explain/meanings.js';
import { TcpFlag } from '../wire/tcp.js';
import { endpoints, other, plural } from '../analyse/explain/names.js';
import { markNames } from '../analyse/marks.js';
import type { Row } from '../analyse/transcript.js';
import { flagsText } from '../wire/flags-text.js';

export interface LadderOptions {
  /** Absolute sequence numbers: tcpdump's -S. */
  readonly absolute?: boolean;
  /** Shows each packet of a long transfer. */
  readonly all?: boolean;
  /** The distance of steps follows the time between them. */
  readonly timeScale?: boolean;
}

/** A packet, or a run of packets without anything special. */
export interface Run {
  readonly rows: readonly Row[];
}

/** Fewer are not worth a summary. */
const SHORT_RUN = 8;
/** Shown before and after a summary. */
const EDGE_ROWS = 2;

/** Runs of plain data and ACKs are put together, unless all packets are wanted. */
export function* runsOf(rows: readonly Row[], all = false): Generator<Run> {
  let from = 0;
  while (from < rows.length) {
    let to = from;
    while (to < rows.length && isPlain(rows[to]!)) to++;
    if (all || to - from < SHORT_RUN + 2 * EDGE_ROWS) {
      const end = Math.max(to, from + 1);
      for (; from < end; from++) yield { rows: [rows[from]!] };
      continue;
    }
    for (let i = from; i < from + EDGE_ROWS; i++) yield { rows: [rows[i]!] };
    yield { rows: rows.slice(from + EDGE_ROWS, to - EDGE_ROWS) };
    for (let i = to - EDGE_ROWS; i < to; i++) yield { rows: [rows[i]!] };
    from = to;
  }
}

const { ACK, PSH, SYN, FIN, RST } = TcpFlag;
const PLAIN_FLAGS = ACK | PSH;
const isPlain = (row: Row): boolean =>
  row.marks === 0 && !row.isLost && row.repeats === 0 && (row.flags & ~PLAIN_FLAGS) === 0;

/** `34 segments with 49,232 bytes from the client, 17 ACKs of the server`. */
export function runText(run: Run, conv: Conversation): string {
  const parts: string[] = [];
  for (const end of [conv.client, other(conv.client)]) {
    const mine = run.rows.filter((row) => row.direction === end);
    const data = mine.filter((row) => row.length > 0);
    const who = end === conv.client ? 'client' : 'server';
    if (data.length > 0)
      parts.push(
        `${data.length} segments, ${data.reduce((sum, row) => sum + row.length, 0)} bytes ` +
          `of the ${who}`,
      );
    const acks = mine.length - data.length;
    if (acks > 0) parts.push(`${acks} ${acks === 1 ? 'ACK' : 'ACKs'} of the ${who}`);
  }
  return parts.join(', ');
}

/** `[P.]  seq 1:1449  ack 1  win 64256`. */
export function stepParts(row: Row, { absolute = false }: LadderOptions): string[] {
  const parts = [`[${flagsText(row.flags)}]`];
  const seq = absolute ? row.absoluteSeq : row.from;
  const isNumbered = row.length > 0 || (row.flags & (SYN | FIN | RST)) !== 0;
  if (row.length > 0) parts.push(`seq ${seq}:${(seq + row.length) % 4_294_967_296}`);
  else if (isNumbered) parts.push(`seq ${seq}`);
  if ((row.flags & ACK) !== 0) parts.push(`ack ${absolute ? row.absoluteAck : row.acked}`);
  parts.push(`win ${row.window}`);
  if (row.length > 0) parts.push(`len ${row.length}`);
  if (row.options !== '') parts.push(`<${row.options}>`);
  if (row.sack.length > 0)
    parts.push(`<sack ${row.sack.map(([left, right]) => `${left}:${right}`).join(' ')}>`);
  return parts;
}

/** What is special about a step: Wireshark's words, and the frame that it repeats. */
export function remarks(row: Row): string[] {
  const texts = markNames(row.marks).map((name) => MEANINGS[name].title);
  if (row.gap > 0) texts.push(`${plural(row.gap, 'byte')} before it not in the capture`);
  if (row.repeats > 0) texts.push(`repeats frame ${row.repeats}`);
  if (row.isLost) texts.push((row.flags & SYN) === 0 ? 'did not arrive' : 'no answer');
  return texts;
}

/** The names over the lifelines, client first. */
export function heads(conv: Conversation): readonly [string, string] {
  const names = endpoints(conv);
  return [names[conv.client], names[other(conv.client)]];
}

/** True for a step from left to right. */
export const goesRight = (row: Row, conv: Conversation): boolean => row.direction === conv.client;

export const secondsText = (nanos: number): string => (nanos / 1e9).toFixed(6);

/** The states of client and server after the step, where they changed; '' for no change. */
export function stateChanges(
  row: Row,
  before: Row | null,
  conv: Conversation,
): readonly [client: string, server: string] {
  const change = (end: 0 | 1): string => {
    const now = row.states[end];
    const was = before?.states[end];
    return now === was || now === 'unknown' ? '' : now;
  };
  return [change(conv.client), change(other(conv.client))];
}
