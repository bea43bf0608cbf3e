/**
 * MSG_EOR: marks in the send buffer where a record ends. No segment has bytes on both sides of a
 * mark; one that ends at a mark is as a full one to Nagle's algorithm when more waits behind it,
 * and carries PSH.
 *
 *     ├──── write, MSG_EOR ────┼──── write ────
 *     ├ MSS ┼ MSS ┼ MSS ┼ rest ┼ MSS ┼ ...
 */
import { seqDiff, seqGt, type Seq } from '../../base/seq.js';

export class RecordEnds {
  /** In order, each once. */
  private readonly ends: Seq[] = [];

  mark(end: Seq): void {
    if (this.ends.at(-1) !== end) this.ends.push(end);
  }

  has(seq: Seq): boolean {
    return this.ends[this.firstAfter(seq) - 1] === seq;
  }

  /** Of `unsent` bytes from `nxt` on, those that come before the next mark. */
  upToNext(nxt: Seq, unsent: number): number {
    const end = this.ends[this.firstAfter(nxt)];
    return end === undefined ? unsent : Math.min(unsent, seqDiff(end, nxt));
  }

  /** Everything before `una` is acknowledged. True when no mark is left. */
  release(una: Seq): boolean {
    const gone = this.firstAfter(una);
    if (gone > 0) this.ends.splice(0, gone);
    return this.ends.length === 0;
  }

  /**
   * The index of the first mark behind `seq`. Bisection, because a writer of small records sets
   * thousands of marks.
   */
  private firstAfter(seq: Seq): number {
    let low = 0;
    let high = this.ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqGt(this.ends[middle]!, seq)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
