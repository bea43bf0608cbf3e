/**
 * The segments of one conversation as rows, for ladders and graphs: what was sent again points to
 * its original, and originals that did not arrive are marked.
 */
import { type Seq, seqDiff } from '../base/seq.js';
import type { Headers } from '../capture/headers.js';
import { TcpFlag } from '../wire/tcp.js';
import { type Conversation, type Limit, LIMITS } from './conversation.js';
import type { EndStateName } from './end-state.js';
import { ANY_RETRANSMISSION, Mark } from './marks.js';
import type { SeenSegment } from './segment.js';

export interface Row {
  readonly number: number;
  /** Nanoseconds since the first packet of the conversation. */
  readonly time: number;
  readonly direction: 0 | 1;
  readonly flags: number;
  /**
   * Sequence and acknowledgement number, relative to the first of each direction. They do not wrap:
   * after 4 GB they go on.
   */
  readonly from: number;
  readonly acked: number;
  /** As they are in the packet. */
  readonly absoluteSeq: number;
  readonly absoluteAck: number;
  readonly length: number;
  /** In bytes. */
  readonly window: number;
  readonly marks: number;
  /** -1 if unknown. */
  readonly inFlight: number;
  readonly acksFrame: number;
  /** Nanoseconds; NaN if the segment acknowledges no other one to its end. */
  readonly ackRtt: number;
  /** Edges of SACK blocks, relative. */
  readonly sack: readonly (readonly [left: number, right: number])[];
  /** Options of a SYN: `mss 1460,sackOK,TS,ws 7`. */
  readonly options: string;
  /** The frame that this one repeats; 0 for none. */
  readonly repeats: number;
  /** Bytes before this segment that the capture does not hold. */
  readonly gap: number;
  /** States of A and B after the segment. */
  readonly states: readonly [EndStateName, EndStateName];
  /** What the time before it went to, and whose sending was limited. */
  readonly limit: Limit;
  readonly limitedEnd: 0 | 1;
  /** It did not arrive: it was sent again before an ACK, or the link dropped it on purpose. */
  isLost: boolean;
}

/** So many earlier rows are searched for an original. */
const SEARCHED_ROWS = 20_000;

export class Transcript {
  readonly rows: Row[] = [];
  /** Rows beyond `limit` are counted only. */
  left = 0;
  private readonly limit: number;
  /** The last number of each direction, and how far it is from the first. */
  private readonly anchors = new Int32Array(2);
  private readonly offsets = new Float64Array(2).fill(NaN);

  constructor(limit = Infinity) {
    this.limit = limit;
  }

  add(seg: SeenSegment, h: Headers, isDropped = false): void {
    if (this.rows.length >= this.limit) {
      this.left++;
      return;
    }
    const conv = seg.conversation!;
    const original = this.originalOf(seg);
    if (original !== null && seg.isRepeat && !this.isAnswered(original)) original.isLost = true;
    const toPeer = seg.direction === 0 ? 1 : 0;
    const from = this.offset(conv, seg.direction, seg.seq);
    const sack: [number, number][] = [];
    for (let i = 0; i < h.sackCount; i++)
      sack.push([
        this.offset(conv, toPeer, h.sackEdges[2 * i]!),
        this.offset(conv, toPeer, h.sackEdges[2 * i + 1]!),
      ]);
    const previous = this.lastOf(seg.direction);
    this.rows.push({
      number: seg.number,
      time: seg.time - conv.firstTime,
      direction: seg.direction,
      flags: seg.flags,
      from,
      acked: (seg.flags & TcpFlag.ACK) === 0 ? 0 : this.offset(conv, toPeer, seg.ack),
      absoluteSeq: seg.seq >>> 0,
      absoluteAck: seg.ack >>> 0,
      length: seg.length,
      window: seg.window,
      marks: seg.marks,
      inFlight: seg.inFlight,
      acksFrame: seg.acksFrame,
      ackRtt: seg.ackRtt,
      sack,
      options: optionsOf(seg, h),
      repeats: original?.number ?? 0,
      gap: (seg.marks & Mark.lostSegment) !== 0 ? Math.max(0, from - previous) : 0,
      states: [conv.states.of(0), conv.states.of(1)],
      limit: LIMITS[conv.lastLimit % LIMITS.length]!,
      limitedEnd: conv.lastLimit < LIMITS.length ? 0 : 1,
      isLost: isDropped,
    });
  }

  /** A number of a direction without wrapping: as near as possible to the one before. */
  private offset(conv: Conversation, direction: 0 | 1, number: Seq): number {
    const { anchors, offsets } = this;
    if (Number.isNaN(offsets[direction])) {
      anchors[direction] = conv.directions[direction].base;
      offsets[direction] = 0;
    }
    const offset = offsets[direction]! + seqDiff(number, anchors[direction]!);
    anchors[direction] = number;
    offsets[direction] = offset;
    return offset;
  }

  /** The last row that holds the first byte of what `seg` sends again. */
  private originalOf(seg: SeenSegment): Row | null {
    if (!seg.isRepeat && (seg.marks & ANY_RETRANSMISSION) === 0) return null;
    const { rows } = this;
    const stop = Math.max(0, rows.length - SEARCHED_ROWS);
    for (let i = rows.length - 1; i >= stop; i--) {
      const row = rows[i]!;
      if (row.direction !== seg.direction) continue;
      const offset = seqDiff(seg.seq, row.absoluteSeq | 0);
      if (offset >= 0 && offset < numbersOf(row)) return row;
    }
    return null;
  }

  /** True if the other side has acknowledged the row to its end. */
  private isAnswered(original: Row): boolean {
    const to = original.from + numbersOf(original);
    for (let i = this.rows.length - 1; i >= 0 && this.rows[i] !== original; i--) {
      const row = this.rows[i]!;
      if (row.direction === original.direction) continue;
      if (row.acked >= to) return true;
      if (row.sack.some(([left, right]) => left <= original.from && right >= to)) return true;
    }
    return false;
  }

  private lastOf(direction: 0 | 1): number {
    let most = 0;
    for (let i = this.rows.length - 1; i >= 0; i--) {
      const row = this.rows[i]!;
      if (row.direction !== direction) continue;
      most = Math.max(most, row.from + numbersOf(row));
      if (row.marks === 0) break;
    }
    return most;
  }
}

/** Sequence numbers that a row takes: its payload, SYN and FIN. */
export function numbersOf({ flags, length }: Pick<Row, 'flags' | 'length'>): number {
  return length + ((flags & TcpFlag.SYN) !== 0 ? 1 : 0) + ((flags & TcpFlag.FIN) !== 0 ? 1 : 0);
}

function optionsOf(seg: SeenSegment, h: Headers): string {
  if ((seg.flags & TcpFlag.SYN) === 0) return '';
  const parts: string[] = [];
  if (h.mss > 0) parts.push(`mss ${h.mss}`);
  if (h.sackPermitted) parts.push('sackOK');
  if (h.hasTimestamps) parts.push('TS');
  if (h.wscale >= 0) parts.push(`ws ${h.wscale}`);
  return parts.join(',');
}

/** The direction of more payload, which graphs show by default. */
export function busierDirection(conv: Conversation): 0 | 1 {
  const [a, b] = conv.directions;
  return b.uniqueBytes > a.uniqueBytes ? 1 : 0;
}
