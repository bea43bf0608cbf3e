/** All conversations of a capture as a table, with the columns of `tshark -z conv,tcp`. */
import type { Conversation } from './conversation.js';
import { firstToReset } from './explain/ending.js';
import { byteCount, endpoints, other } from './explain/names.js';

export interface ConversationRecord {
  readonly stream: number;
  readonly client: string;
  readonly server: string;
  readonly packetsFromServer: number;
  readonly bytesFromServer: number;
  readonly packetsFromClient: number;
  readonly bytesFromClient: number;
  readonly start: number;
  readonly duration: number;
  readonly retransmissions: number;
  /** How it ended: closed, reset, refused, no answer, open. */
  readonly end: string;
}

export function summaryRecord(conv: Conversation): ConversationRecord {
  const { client } = conv;
  const names = endpoints(conv);
  const c = conv.directions[client];
  const s = conv.directions[other(client)];
  return {
    stream: conv.index,
    client: names[client],
    server: names[other(client)],
    packetsFromServer: s.packets,
    bytesFromServer: s.payload,
    packetsFromClient: c.packets,
    bytesFromClient: c.payload,
    start: conv.firstTime / 1e9,
    duration: conv.duration,
    retransmissions:
      conv.countOf('retransmission') +
      conv.countOf('fastRetransmission') +
      conv.countOf('spuriousRetransmission'),
    end: endOf(conv),
  };
}

function endOf(conv: Conversation): string {
  const { client } = conv;
  const c = conv.directions[client];
  const s = conv.directions[other(client)];
  const resetter = firstToReset(conv);
  if (resetter !== null) {
    if (c.hasSyn && !s.hasSyn && resetter !== client) return 'refused';
    return `reset by ${resetter === client ? 'client' : 'server'}`;
  }
  if (c.hasSyn && s.packets === 0) return 'no answer';
  if (c.finFrame > 0 && s.finFrame > 0) return 'closed';
  if (c.finFrame > 0) return 'closed by client';
  return s.finFrame > 0 ? 'closed by server' : 'open';
}

const COLUMNS = ['stream', 'client', 'server', '<- packets', '<- bytes', '-> packets', '-> bytes'];
const MORE = ['start', 'duration', 'resent', 'end'];

export function conversationTable(all: readonly Conversation[]): string {
  const rows = [
    [...COLUMNS, ...MORE],
    ...all.map((conv) => {
      const r = summaryRecord(conv);
      return [
        String(r.stream),
        r.client,
        r.server,
        String(r.packetsFromServer),
        byteCount(r.bytesFromServer),
        String(r.packetsFromClient),
        byteCount(r.bytesFromClient),
        r.start.toFixed(6),
        r.duration.toFixed(4),
        String(r.retransmissions),
        r.end,
      ];
    }),
  ];
  const widths = rows[0]!.map((_, i) =>
    rows.reduce((widest, row) => Math.max(widest, row[i]!.length), 0),
  );
  const isLeft = (i: number): boolean => i === 1 || i === 2 || i === widths.length - 1;
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => (isLeft(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
