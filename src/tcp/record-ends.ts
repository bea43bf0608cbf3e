/**
 * MSG_EOR: marks in the send buffer where a record ends. No segment has bytes on both sides of a mark; one that ends at a mark is
 * as a full one to Nagle's algorithm when more waits behind it, and carries PSH.
 *
 *     ├──── write, MSG_EOR ────┼──── write ────
 *     ├ MSS ┼ MSS ┼ MSS ┼ rest ┼ MSS ┼ ...
 */
import { seqDiff, seqGt, seqLeq, type Seq } from '../base/seq.js';

export class RecordEnds {
  /** In order, each once. */
  private readonly ends: Seq[] = [];

  mark(end: Seq): void {
    if (this.ends.at(-1) !== end) this.ends.push(end);
  }

  has(seq: Seq): boolean {
    return this.ends.includes(seq);
  }

  /** Of `unsent` bytes from `nxt` on, those that come before the next mark. */
  upToNext(nxt: Seq, unsent: number): number {
    for (const end of this.ends) if (seqGt(end, nxt)) return Math.min(unsent, seqDiff(end, nxt));
    return unsent;
  }

  /** Everything before `una` is acknowledged. True when no mark is left. */
  release(una: Seq): boolean {
    const { ends } = this;
    while (ends.length > 0 && seqLeq(ends[0]!, una)) ends.shift();
    return ends.length === 0;
  }
}
