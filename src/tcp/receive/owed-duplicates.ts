/**
 * The owed duplicate ACKs: one for each out-of-order or duplicate segment, because the peer counts
 * them (RFC 5681 section 4.2). Each has its own first SACK block (RFC 2018 section 4, RFC 2883). A
 * flag instead of a count would lose duplicate ACKs when segments arrive in batches, and with them
 * the peer's fast retransmit.
 */
import { seqLt, type Seq } from '../../base/seq.js';
import { MAX_SACK_BLOCKS, type Segment } from '../../wire/tcp.js';
import type { OutOfOrder } from './out-of-order.js';

/** Most duplicate ACKs owed at once; further ones in a batch are dropped. */
const MAX_OWED = 64;

/** Initial value: most connections never owe any, and memory outside V8's heap is expensive. */
const NO_RANGES = new Int32Array(0);

export class OwedDuplicates {
  /** [start, end) of each duplicate; for an out-of-order segment the empty range at its `start`. */
  private ranges = NO_RANGES;
  private at = 0;
  private end = 0;

  get count(): number {
    return this.end - this.at;
  }

  /** Adds one. A non-empty [start, end) is reported as a duplicate by D-SACK (RFC 2883). */
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

  /** One was sent. */
  paid(): void {
    if (this.at < this.end) this.at++;
  }

  /**
   * A gap was filled up to `nxt`: drops the duplicate ACKs for data below it, because they would no
   * longer report a gap. D-SACKs stay.
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
   * Writes the SACK blocks of the next ACK into `seg`, at most `room`. The first is the range that
   * triggered it (for a duplicate a D-SACK), then the latest blocks.
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
        // RFC 2883 section 4: the block that contains the duplicate follows.
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
