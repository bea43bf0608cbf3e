/**
 * What is in flight: one record for each segment (or super-segment) sent and not yet acknowledged, in sequence order.
 * Karn's rule, retransmission and every loss detector need to know when a byte was sent, and how often.
 *
 *      SND.UNA                                          SND.NXT
 *        │ [start, end) │ [start, end) │ … │ [start, end) │
 */
import { seqDiff, seqGt, seqLeq, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';

export class SentSegment {
  start: Seq = 0;
  end: Seq = 0;
  /** TcpFlag.SYN or FIN where the segment carries one. */
  flags = 0;
  /** When it was sent last. */
  sentAt: Micros = 0;
  /** How often it was sent again. */
  retransmissions = 0;
  /** Taken for lost and not sent again since. */
  lost = false;
  /** Sent again and still counted in flight for it. */
  resent = false;
}

export class SentQueue {
  private readonly records: SentSegment[] = [];
  private readonly spare: SentSegment[] = [];
  /** Bytes (and SYN, FIN) that are marked lost and not sent again yet. */
  lostBytes = 0;
  /** Of the newest record that the last `acknowledge` took off whole and that was sent once only; NaN when there was none. */
  ackedSentAt: Micros = NaN;
  private head = 0;

  get length(): number {
    return this.records.length - this.head;
  }

  get first(): SentSegment | undefined {
    return this.records[this.head];
  }

  *[Symbol.iterator](): Generator<SentSegment> {
    for (let i = this.head; i < this.records.length; i++) yield this.records[i]!;
  }

  push(start: Seq, end: Seq, flags: number, now: Micros): void {
    const record = this.spare.pop() ?? new SentSegment();
    record.start = start;
    record.end = end;
    record.flags = flags;
    record.sentAt = now;
    record.retransmissions = 0;
    record.lost = false;
    record.resent = false;
    this.records.push(record);
  }

  /** Everything below `una` is acknowledged: whole records leave, one that is cut keeps its rest. */
  acknowledge(una: Seq): void {
    this.ackedSentAt = NaN;
    while (this.head < this.records.length) {
      const record = this.records[this.head]!;
      if (seqGt(record.end, una)) {
        if (seqGt(una, record.start)) {
          if (record.lost) this.lostBytes -= seqDiff(una, record.start);
          record.start = una;
        }
        break;
      }
      if (record.lost) this.lostBytes -= seqDiff(record.end, record.start);
      if (record.retransmissions === 0) this.ackedSentAt = record.sentAt;
      this.spare.push(record);
      this.head++;
    }
    if (this.head === this.records.length) {
      this.records.length = 0;
      this.head = 0;
    } else if (this.head > 64 && this.head * 2 > this.records.length) {
      this.records.splice(0, this.head);
      this.head = 0;
    }
  }

  /** Every byte in flight is taken for lost (RFC 6298 section 5.4 and what follows it). */
  markAllLost(): void {
    this.lostBytes = 0;
    for (let i = this.head; i < this.records.length; i++) {
      const record = this.records[i]!;
      record.lost = true;
      record.resent = false;
      this.lostBytes += seqDiff(record.end, record.start);
    }
  }

  /** The first record is taken for lost; of a super-segment only its first `bytes`, for one wire segment was lost. */
  markFirstLost(bytes: number): void {
    const record = this.records[this.head];
    if (record === undefined || record.lost) return;
    this.split(this.head, bytes);
    record.lost = true;
    record.resent = false;
    this.lostBytes += seqDiff(record.end, record.start);
  }

  /** The lost record to send again next, cut to `bytes` at most, or undefined. */
  nextLost(bytes: number): SentSegment | undefined {
    if (this.lostBytes === 0) return undefined;
    for (let i = this.head; i < this.records.length; i++) {
      const record = this.records[i]!;
      if (record.lost) {
        this.split(i, bytes);
        return record;
      }
    }
    return undefined;
  }

  /** `record` goes out again. */
  retransmitted(record: SentSegment, now: Micros): void {
    if (record.lost) this.lostBytes -= seqDiff(record.end, record.start);
    record.lost = false;
    record.resent = true;
    record.retransmissions++;
    record.sentAt = now;
  }

  clear(): void {
    this.records.length = 0;
    this.spare.length = 0;
    this.head = 0;
    this.lostBytes = 0;
  }

  /** Cuts record `i` after `bytes`; SYN stays with the first part, FIN goes with the last. */
  private split(i: number, bytes: number): void {
    const record = this.records[i]!;
    const at = (record.start + bytes) | 0;
    if (seqLeq(record.end, at)) return;
    const fin = record.flags & 1;
    // A FIN that follows exactly `bytes` of payload rides on the last segment.
    if (fin !== 0 && seqDiff(record.end, at) === 1) return;
    const rest = this.spare.pop() ?? new SentSegment();
    rest.start = at;
    rest.end = record.end;
    rest.flags = fin;
    rest.sentAt = record.sentAt;
    rest.retransmissions = record.retransmissions;
    rest.lost = record.lost;
    rest.resent = record.resent;
    record.end = at;
    record.flags &= ~1;
    this.records.splice(i + 1, 0, rest);
  }
}
