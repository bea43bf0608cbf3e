/**
 * The segments of one direction that were seen and are not acknowledged yet, in the order in which
 * they were captured:
 *
 *     head                      tail
 *     │ 1:1461 │ 1461:2921 │ 4381:5841 │ 2921:4381 │      `isSorted` is false from the last one on
 *
 * A ring of typed arrays. While the segments are in order, each question costs a look at one end or
 * a binary search. After a retransmission all entries are looked at, until the ring is empty again.
 */
import { seqDiff, seqGt, seqLeq, seqLt, type Seq } from '../base/seq.js';

const FIRST_CAPACITY = 8;
/** As in Wireshark: segments beyond are not remembered, because the ACKs seem to be missing. */
const MOST_SEGMENTS = 10_000;

export class Unacked {
  private seqs = new Int32Array(FIRST_CAPACITY);
  private ends = new Int32Array(FIRST_CAPACITY);
  private frames = new Int32Array(FIRST_CAPACITY);
  private times = new Float64Array(FIRST_CAPACITY);
  private mask = FIRST_CAPACITY - 1;
  private head = 0;
  private isSorted = true;
  count = 0;
  /** Of `acknowledge`: the segment whose end is the ACK; frame 0 if there is none. */
  ackedFrame = 0;
  ackedTime = NaN;

  add(seq: Seq, end: Seq, frame: number, time: number): void {
    const { count } = this;
    if (count === MOST_SEGMENTS) return;
    if (count > this.mask) this.grow();
    const { mask } = this;
    const at = (this.head + count) & mask;
    if (count === 0) this.isSorted = true;
    else if (this.isSorted && seqLt(seq, this.ends[(at - 1) & mask]!)) this.isSorted = false;
    this.seqs[at] = seq;
    this.ends[at] = end;
    this.frames[at] = frame;
    this.times[at] = time;
    this.count = count + 1;
  }

  /** Removes what `ack` covers. Of a segment that it covers in part the rest stays. */
  acknowledge(ack: Seq): void {
    this.ackedFrame = 0;
    if (this.count === 0) return;
    if (this.isSorted) this.acknowledgeSorted(ack);
    else this.acknowledgeAll(ack);
  }

  private acknowledgeSorted(ack: Seq): void {
    const { seqs, ends, mask } = this;
    let { head, count } = this;
    while (count > 0 && seqLeq(ends[head]!, ack)) {
      if (ends[head] === ack) this.noteAcked(head);
      head = (head + 1) & mask;
      count--;
    }
    if (count > 0 && seqLt(seqs[head]!, ack)) seqs[head] = ack;
    this.head = head;
    this.count = count;
  }

  private acknowledgeAll(ack: Seq): void {
    const { seqs, ends, frames, times, head, mask, count } = this;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const from = (head + i) & mask;
      const end = ends[from]!;
      if (seqLeq(end, ack)) {
        // The oldest of several, so the time includes that of a loss.
        if (end === ack && this.ackedFrame === 0) this.noteAcked(from);
        continue;
      }
      const to = (head + kept++) & mask;
      seqs[to] = seqGt(ack, seqs[from]!) ? ack : seqs[from]!;
      ends[to] = end;
      frames[to] = frames[from]!;
      times[to] = times[from]!;
    }
    this.count = kept;
  }

  private noteAcked(at: number): void {
    this.ackedFrame = this.frames[at]!;
    this.ackedTime = this.times[at]!;
  }

  /** Of the segment that was captured first. */
  get oldestFrame(): number {
    return this.frames[this.head]!;
  }

  get oldestTime(): number {
    return this.times[this.head]!;
  }

  /** True if one segment that was captured holds all of `[seq, end)`. */
  holds(seq: Seq, end: Seq): boolean {
    const { seqs, ends, head, mask, count } = this;
    for (let i = 0; i < count; i++) {
      const at = (head + i) & mask;
      if (seqLeq(seqs[at]!, seq) && seqLeq(end, ends[at]!)) return true;
    }
    return false;
  }

  /** From the lowest sequence number of a segment to the highest. */
  get span(): number {
    const { seqs, ends, head, mask, count } = this;
    if (count === 0) return 0;
    if (this.isSorted) return seqDiff(ends[(head + count - 1) & mask]!, seqs[head]!);
    let low = seqs[head]!;
    let high = ends[head]!;
    for (let i = 1; i < count; i++) {
      const at = (head + i) & mask;
      if (seqLt(seqs[at]!, low)) low = seqs[at]!;
      if (seqGt(ends[at]!, high)) high = ends[at]!;
    }
    return seqDiff(high, low);
  }

  clear(): void {
    this.count = 0;
    if (this.mask < FIRST_CAPACITY) return;
    this.resize(FIRST_CAPACITY);
  }

  private grow(): void {
    this.resize(2 * (this.mask + 1));
  }

  private resize(capacity: number): void {
    const { seqs, ends, frames, times, head, mask, count } = this;
    this.seqs = new Int32Array(capacity);
    this.ends = new Int32Array(capacity);
    this.frames = new Int32Array(capacity);
    this.times = new Float64Array(capacity);
    for (let i = 0; i < count; i++) {
      const at = (head + i) & mask;
      this.seqs[i] = seqs[at]!;
      this.ends[i] = ends[at]!;
      this.frames[i] = frames[at]!;
      this.times[i] = times[at]!;
    }
    this.head = 0;
    this.mask = capacity - 1;
  }
}
