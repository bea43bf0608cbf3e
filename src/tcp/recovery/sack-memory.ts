/**
 * The SACK blocks of the last ACK. The next ACK repeats most of them, and repeated blocks are
 * skipped.
 */
import type { Seq } from '../../base/seq.js';
import { MAX_SACK_BLOCKS, type Segment } from '../../wire/tcp.js';

const NO_EDGES = new Int32Array(0);

export class SackMemory {
  /** Allocated with the first block, because most connections never receive one. */
  private edges = NO_EDGES;
  private count = 0;

  has(left: Seq, right: Seq): boolean {
    for (let i = 0; i < this.count; i++)
      if (this.edges[2 * i] === left && this.edges[2 * i + 1] === right) return true;
    return false;
  }

  clear(): void {
    this.count = 0;
  }

  keep(seg: Segment): void {
    if (this.edges === NO_EDGES) this.edges = new Int32Array(2 * MAX_SACK_BLOCKS);
    this.count = seg.sackCount;
    this.edges.set(seg.sackEdges);
  }
}
