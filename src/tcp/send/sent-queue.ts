/**
 * The segments in flight and their state: the scoreboard (RFC 6675 section 3, RFC 8985 section
 * 5.2). One record for each segment or super-segment sent and not yet cumulatively acknowledged, in
 * two orders at once:
 *
 *     by sequence   SND.UNA │ record │ record │ … │ record │ SND.NXT   an array, for bisection
 *     by time       oldest ⇄ … ⇄ newest                                a list, for RACK
 *
 * All counts are wire segments, by Linux's names. A record that was SACKed stays until it is
 * acknowledged cumulatively, because the peer may renege (RFC 2018 section 8). ack.ts, sack.ts,
 * rack.ts and timeouts.ts decide what is marked; this file keeps the counts.
 */
import { seqDiff, seqGt, seqLeq, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import { TcpFlag } from '../../wire/tcp.js';

export class SentSegment {
  start: Seq = 0;
  end: Seq = 0;
  /** TcpFlag.SYN or FIN where the segment carries one. */
  flags = 0;
  /** Number of wire segments in it, and the payload bytes of each except the last. */
  segments: Segments = 1;
  size: Bytes = 0;
  /** When it was last sent. */
  sentAt: Micros = 0;
  /** Number of retransmissions. */
  retransmissions = 0;
  /** A SACK block covered it. */
  sacked = false;
  /** Marked lost, so it does not count as in flight. */
  lost = false;
  /** Retransmitted, and that copy counts as in flight. */
  resent = false;

  /**
   * For the delivery rate: the connection's figures when it was sent last; `deliveredAt` NaN once
   * it was counted.
   */
  delivered: Segments = 0;
  deliveredAt: Micros = NaN;
  firstSentAt: Micros = 0;
  appLimited = false;

  older: SentSegment | null = null;
  newer: SentSegment | null = null;
  inTimeOrder = false;

  get bytes(): Bytes {
    return seqDiff(this.end, this.start);
  }
}

/** What a record takes of V8's heap. */
const RECORD_BYTES = 200;

/** Most that are kept for later: some 200 KB. */
const MOST_SPARE = 1024;

/** Records for all connections of a stack, used again and again: an idle connection has none. */
export class SentSegmentPool {
  private readonly spare: SentSegment[] = [];

  take(): SentSegment {
    return this.spare.pop() ?? new SentSegment();
  }

  give(record: SentSegment): void {
    if (this.spare.length < MOST_SPARE) this.spare.push(record);
  }
}

/**
 * Sent later than; in the same microsecond the higher sequence number counts as later (RFC 8985
 * section 6.2 step 2).
 */
export const sentAfter = (t1: Micros, end1: Seq, t2: Micros, end2: Seq): boolean =>
  t1 > t2 || (t1 === t2 && seqGt(end1, end2));

/** Nobody writes to it. */
const NONE: SentSegment[] = [];

export class SentQueue {
  /**
   * Linux's packets_out, sacked_out, lost_out and retrans_out. Without SACK `sackedOut` is an
   * estimate: one for each duplicate ACK.
   */
  out: Segments = 0;
  sackedOut: Segments = 0;
  lostOut: Segments = 0;
  retransOut: Segments = 0;
  /** Number of segments ever marked lost, each copy counted. */
  lostEver: Segments = 0;
  /** The head of the time order. */
  oldest: SentSegment | null = null;
  private newest: SentSegment | null = null;
  /**
   * The records are from `head` to `end`. The array is kept, because V8 would allocate it again.
   */
  private records: SentSegment[] = NONE;
  private readonly pool: SentSegmentPool;
  private head = 0;
  private end = 0;
  /** No record below this one is lost and not retransmitted. */
  private resendFrom: Seq = 0;
  private mayResend = false;

  constructor(pool: SentSegmentPool) {
    this.pool = pool;
  }

  get length(): number {
    return this.end - this.head;
  }

  /**
   * What the records cost, beside the data that they are about: a peer that takes tiny segments
   * makes us keep many (CVE-2019-11478, CVE-2019-11479).
   */
  get memory(): Bytes {
    return RECORD_BYTES * this.length;
  }

  get first(): SentSegment | undefined {
    return this.head < this.end ? this.records[this.head] : undefined;
  }

  get last(): SentSegment | undefined {
    return this.length === 0 ? undefined : this.records[this.end - 1];
  }

  /** The record with this number in sequence order, counted from SND.UNA. */
  at(i: number): SentSegment {
    return this.records[this.head + i]!;
  }

  /** Segments assumed to be in the network: Linux's tcp_packets_in_flight, RFC 6675's pipe. */
  get inFlight(): Segments {
    return this.out - this.sackedOut - this.lostOut + this.retransOut;
  }

  *[Symbol.iterator](): Generator<SentSegment> {
    for (let i = this.head; i < this.end; i++) yield this.records[i]!;
  }

  /** `size`: payload bytes of a full wire segment in it. */
  push(start: Seq, end: Seq, flags: number, size: Bytes, now: Micros): SentSegment {
    const record = this.pool.take();
    record.start = start;
    record.end = end;
    record.flags = flags;
    record.size = size;
    record.segments = segmentsOf(record);
    record.sentAt = now;
    record.retransmissions = 0;
    record.sacked = false;
    record.lost = false;
    record.resent = false;
    // An array that grows by its first element gets room for 17, more than most connections use.
    if (this.records === NONE) this.records = [record];
    else this.records[this.end] = record;
    this.end++;
    this.out += record.segments;
    this.linkNewest(record);
    return record;
  }

  /**
   * Takes off the first record: it is acknowledged. It stays valid until the next `push` or split
   * of any connection.
   */
  shift(): void {
    const record = this.records[this.head]!;
    this.head++;
    this.uncount(record, record.segments);
    this.unlink(record);
    this.pool.give(record);
    if (this.head === this.end) {
      this.head = 0;
      this.end = 0;
    } else if (this.head > 64 && this.head * 2 > this.end) {
      this.records.copyWithin(0, this.head, this.end);
      this.end -= this.head;
      this.head = 0;
    }
  }

  /**
   * The first record is acknowledged up to `una`, which lies inside it. Returns how many of its
   * segments that took off.
   */
  trimFirst(una: Seq): number {
    const record = this.records[this.head]!;
    const before = record.segments;
    record.start = una;
    record.segments = segmentsOf(record);
    const taken = before - record.segments;
    this.uncount(record, taken);
    return taken;
  }

  private uncount(record: SentSegment, segments: Segments): void {
    this.out -= segments;
    if (record.sacked) this.sackedOut -= segments;
    if (record.lost) this.lostOut -= segments;
    if (record.resent) this.retransOut -= segments;
  }

  // ---- Marks ------------------------------------------------------------------------------------

  /** A SACK block covers all of it. */
  markSacked(record: SentSegment): void {
    if (record.lost) this.lostOut -= record.segments;
    if (record.resent) this.retransOut -= record.segments;
    record.lost = false;
    record.resent = false;
    record.sacked = true;
    this.sackedOut += record.segments;
    this.unlink(record);
  }

  /** Marks it lost; if it was retransmitted, that copy is lost, too. */
  markLost(record: SentSegment): void {
    if (record.sacked) return;
    if (!record.lost || record.resent) this.lostEver += record.segments;
    if (!record.lost) this.lostOut += record.segments;
    if (record.resent) this.retransOut -= record.segments;
    record.lost = true;
    record.resent = false;
    this.unlink(record);
    if (!this.mayResend || seqGt(this.resendFrom, record.start)) this.resendFrom = record.start;
    this.mayResend = true;
  }

  /**
   * The peer reneged: it discarded SACKed data, so no SACK information is valid (RFC 2018 section
   * 8).
   */
  forgetSacked(): void {
    for (const record of this) {
      if (!record.sacked) continue;
      record.sacked = false;
      this.sackedOut -= record.segments;
      this.linkByTime(record);
    }
  }

  /** The lost segments are in flight again, because the reduction was spurious. */
  unmarkLost(): void {
    for (const record of this) {
      if (!record.lost) continue;
      record.lost = false;
      this.lostOut -= record.segments;
      if (!record.inTimeOrder) this.linkByTime(record);
    }
    this.mayResend = false;
  }

  markResent(record: SentSegment, now: Micros): void {
    if (!record.resent) this.retransOut += record.segments;
    record.resent = true;
    this.markProbed(record, now);
  }

  /**
   * Retransmitted although it is not marked lost (a tail loss probe). It counts as in flight once,
   * as before.
   */
  markProbed(record: SentSegment, now: Micros): void {
    record.retransmissions++;
    record.sentAt = now;
    this.unlink(record);
    this.linkNewest(record);
  }

  /** A retransmitted copy is known to have arrived (D-SACK): it is in flight no more. */
  unmarkResent(record: SentSegment): void {
    if (!record.resent) return;
    record.resent = false;
    this.retransOut -= record.segments;
  }

  /** The index of the first record that is lost and not retransmitted since, or -1. */
  nextToResend(): number {
    if (!this.mayResend) return -1;
    for (let i = this.head + this.find(this.resendFrom); i < this.end; i++) {
      const record = this.records[i]!;
      if (!record.lost || record.resent) continue;
      this.resendFrom = record.start;
      return i - this.head;
    }
    this.mayResend = false;
    return -1;
  }

  // ---- Places -----------------------------------------------------------------------------------

  /** The number of the record that holds `seq`, or of the first one above it. */
  find(seq: Seq): number {
    let low = this.head;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqLeq(this.records[middle]!.end, seq)) low = middle + 1;
      else high = middle;
    }
    return low - this.head;
  }

  /**
   * Cuts record number `i` after `bytes`; SYN stays with the first part, FIN goes with the last.
   * False when there is nothing to cut.
   */
  split(i: number, bytes: Bytes): boolean {
    const record = this.records[this.head + i]!;
    const at = (record.start + bytes) | 0;
    if (bytes <= 0 || seqLeq(record.end, at)) return false;
    // A FIN that follows exactly `bytes` of payload rides on the last segment.
    if ((record.flags & TcpFlag.FIN) !== 0 && seqDiff(record.end, at) === 1) return false;
    const rest = this.pool.take();
    rest.start = at;
    rest.end = record.end;
    rest.flags = record.flags & (TcpFlag.FIN | TcpFlag.PSH);
    rest.size = record.size;
    rest.sentAt = record.sentAt;
    rest.retransmissions = record.retransmissions;
    rest.sacked = record.sacked;
    rest.lost = record.lost;
    rest.resent = record.resent;
    rest.delivered = record.delivered;
    rest.deliveredAt = record.deliveredAt;
    rest.firstSentAt = record.firstSentAt;
    rest.appLimited = record.appLimited;
    const before = record.segments;
    record.end = at;
    record.flags &= ~(TcpFlag.FIN | TcpFlag.PSH);
    record.segments = segmentsOf(record);
    rest.segments = segmentsOf(rest);
    this.uncount(record, before - record.segments - rest.segments);
    if (record.inTimeOrder) this.linkAfter(rest, record);
    const { records } = this;
    for (let k = this.end++; k > this.head + i + 1; k--) records[k] = records[k - 1]!;
    records[this.head + i + 1] = rest;
    return true;
  }

  /**
   * Makes one record of number `i` and the next when both are lost and wait to be sent again, and
   * no SYN, FIN or PSH stands between them.
   */
  join(i: number): boolean {
    const record = this.at(i);
    const next = this.at(i + 1);
    const waits = record.lost && next.lost && !record.resent && !next.resent;
    if (!waits || record.flags !== 0 || record.size !== next.size) return false;
    const before = record.segments + next.segments;
    record.end = next.end;
    record.flags = next.flags;
    record.retransmissions = Math.max(record.retransmissions, next.retransmissions);
    record.segments = segmentsOf(record);
    this.uncount(record, before - record.segments);
    this.records.copyWithin(this.head + i + 1, this.head + i + 2, this.end);
    this.end--;
    this.pool.give(next);
    return true;
  }

  /**
   * The path MTU changed: record number `i` is to be retransmitted in segments of at most `size`
   * bytes.
   */
  resize(i: number, size: Bytes): void {
    const record = this.at(i);
    if (record.size <= size) return;
    record.size = size;
    const before = record.segments;
    record.segments = segmentsOf(record);
    this.uncount(record, before - record.segments);
  }

  clear(): void {
    for (let i = this.head; i < this.end; i++) {
      this.unlink(this.records[i]!);
      this.pool.give(this.records[i]!);
    }
    this.records = NONE;
    this.head = 0;
    this.end = 0;
    this.out = 0;
    this.sackedOut = 0;
    this.lostOut = 0;
    this.retransOut = 0;
    this.oldest = null;
    this.newest = null;
    this.mayResend = false;
  }

  // ---- The order of time ------------------------------------------------------------------------

  private linkNewest(record: SentSegment): void {
    record.older = this.newest;
    record.newer = null;
    if (this.newest === null) this.oldest = record;
    else this.newest.newer = record;
    this.newest = record;
    record.inTimeOrder = true;
  }

  private linkAfter(record: SentSegment, before: SentSegment): void {
    record.older = before;
    record.newer = before.newer;
    if (before.newer === null) this.newest = record;
    else before.newer.older = record;
    before.newer = record;
    record.inTimeOrder = true;
  }

  private linkByTime(record: SentSegment): void {
    let at = this.newest;
    while (at !== null && sentAfter(at.sentAt, at.end, record.sentAt, record.end)) at = at.older;
    if (at !== null) {
      this.linkAfter(record, at);
      return;
    }
    record.older = null;
    record.newer = this.oldest;
    if (this.oldest === null) this.newest = record;
    else this.oldest.older = record;
    this.oldest = record;
    record.inTimeOrder = true;
  }

  private unlink(record: SentSegment): void {
    if (!record.inTimeOrder) return;
    if (record.older === null) this.oldest = record.newer;
    else record.older.newer = record.newer;
    if (record.newer === null) this.newest = record.older;
    else record.newer.older = record.older;
    record.older = null;
    record.newer = null;
    record.inTimeOrder = false;
  }

  /**
   * Counts all records again; null, or what does not agree. `sacks`: SACK is in use, so that
   * `sackedOut` is exact.
   */
  checkInvariants(sacks: boolean): string | null {
    let [out, sacked, lost, resent, listed] = [0, 0, 0, 0, 0];
    for (const r of this) {
      if (r.segments !== segmentsOf(r)) return 'a record counts its segments wrongly';
      if (r.sacked && (r.lost || r.resent)) return 'a SACKed record is lost or in flight again';
      out += r.segments;
      if (r.sacked) sacked += r.segments;
      if (r.lost) lost += r.segments;
      if (r.resent) resent += r.segments;
      if (r.inTimeOrder) listed++;
    }
    if (out !== this.out || lost !== this.lostOut || resent !== this.retransOut)
      return 'the scoreboard miscounts';
    if (sacks ? sacked !== this.sackedOut : this.sackedOut > this.out)
      return 'the scoreboard miscounts what was SACKed';
    let last: SentSegment | null = null;
    for (let r = this.oldest; r !== null; r = r.newer) {
      if (last !== null && last.sentAt > r.sentAt) return 'the scoreboard is not in order of time';
      last = r;
      listed--;
    }
    return listed === 0 ? null : 'the order of time lacks a record';
  }
}

/** Flags of a passive open's SYN,ACK. */
export const SYN_ACK = TcpFlag.SYN | TcpFlag.ACK;

/**
 * A bare SYN or FIN is a segment, and one that rides on data is not one more. As in Linux a SYN,ACK
 * is not counted: all of cwnd is for data.
 */
const segmentsOf = (r: SentSegment): number => {
  if ((r.flags & SYN_ACK) === SYN_ACK) return 0;
  const payload =
    seqDiff(r.end, r.start) - (r.flags & TcpFlag.FIN) - ((r.flags & TcpFlag.SYN) >> 1);
  return r.size > 0 && payload > r.size ? Math.ceil(payload / r.size) : 1;
};
