/**
 * Duplicate ACKs that are owed: one for each segment that came out of order or twice, since the
 * peer counts them (RFC 5681 section 4.2), and what the SACK option of each must say first (RFC
 * 2018 section 4, RFC 2883). A flag instead of a count would lose some of them when segments come
 * in batches, and with them the peer's fast retransmit.
 */
import { seqLt, type Seq } from '../../base/seq.js';
import { MAX_SACK_BLOCKS, type Segment } from '../../wire/tcp.js';
import type { OutOfOrder } from './out-of-order.js';

/** Duplicate ACKs that can be owed at once; more in one batch are one. */
const MAX_OWED = 64;

/** Until there is one: most connections never owe any, and memory outside V8's heap is dear. */
const NO_RANGES = new Int32Array(0);

export class OwedDuplicates {
  /**
   * [start, end) of what each one answers: a duplicate, or empty for what came out of order at
   * `start`.
   */
  private ranges = NO_RANGES;
  private at = 0;
  private end = 0;

  get count(): number {
    return this.end - this.at;
  }

  /** One more; [start, end) not empty is reported as a duplicate by D-SACK (RFC 2883). */
  owe(start: Seq, end: Seq): void {
    if (this.at === this.end) {
      this.at = 0;
      this.end = 0;
    }
    if (this.end === MAX_OWED) return;
    if (this.ranges === NO_RANGES) this.ranges = new Int32Array(2 * MAX_OWED);
    this.ranges[2 * this.end] = start;
    this.ranges[2 * this.end + 1] = end;
    this.end++;
  }

  /** One went out. */
  paid(): void {
    if (this.at < this.end) this.at++;
  }

  /**
   * A hole was filled up to `nxt`: what was owed for data beyond it would now tell of no hole.
   * D-SACKs stay.
   */
  forgetBelow(nxt: Seq): void {
    let kept = this.at;
    for (let i = this.at; i < this.end; i++) {
      const start = this.ranges[2 * i]!;
      const end = this.ranges[2 * i + 1]!;
      if (start === end && seqLt(start, nxt)) continue;
      this.ranges[2 * kept] = start;
      this.ranges[2 * kept + 1] = end;
      kept++;
    }
    this.end = kept;
  }

  /**
   * SACK blocks for the next ACK into `seg`: first what triggered it (a duplicate: D-SACK), then
   * the latest blocks.
   */
  writeSack(seg: Segment, room: number, outOfOrder: OutOfOrder): void {
    const most = Math.min(room, MAX_SACK_BLOCKS);
    const edges = seg.sackEdges;
    let count = 0;
    let from = 0;
    if (this.at < this.end) {
      const start = this.ranges[2 * this.at]!;
      const end = this.ranges[2 * this.at + 1]!;
      const trigger = start === end ? outOfOrder.blockAt(start) : null;
      if (start !== end) {
        edges[0] = start;
        edges[1] = end;
        count = 1;
        from = 1;
        // RFC 2883 section 4: the block that holds the duplicate follows.
        const larger = outOfOrder.blockAt(start);
        if (larger !== null && most > 1) {
          edges[2] = larger.left;
          edges[3] = outOfOrder.rightOf(larger);
          count = 2;
        }
      } else if (trigger !== null) {
        edges[0] = trigger.left;
        edges[1] = outOfOrder.rightOf(trigger);
        count = 1;
      }
    }
    seg.sackCount = outOfOrder.hasNothingToSack
      ? count
      : outOfOrder.writeBlocks(edges, count, most, from);
  }
}
