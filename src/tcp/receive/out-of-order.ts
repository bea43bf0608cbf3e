/**
 * Out-of-order data (SHLD-31): blocks in sequence order that neither overlap nor touch. Each
 * consists of pieces of our own memory.
 *
 *     RCV.NXT ▼        gap         ┌──── block 1 ────┐  gap   ┌ block 2 ┐
 *     ─────────┴───────────────────┤ piece │ piece …·├────────┤  piece  ├────
 *                                  └─────────────────┘        └─────────┘
 *     · room for the next segment; a block is a SACK block (RFC 2018)
 *
 * Bytes that are already held are not replaced by repeated ones. The window bounds the memory,
 * because bytes outside it never get here. The number of pieces is bounded, too, against attacks
 * with tiny segments (CVE-2018-5390, "SegmentSmack"). Adjacent small segments share a piece. At the
 * limit small pieces are joined, then the farthest blocks are discarded, as in Linux
 * (tcp_collapse_ofo_queue, tcp_prune_ofo_queue). A block is found by bisection. Pieces are joined
 * only if that may free an eighth of the limit, so the work for each segment is O(log n),
 * amortised.
 */
import { seqDiff, seqGt, seqLeq, seqLt, seqMin, type Seq } from '../../base/seq.js';
import type { Bytes } from '../../base/units.js';
import type { Segment } from '../../wire/tcp.js';
import { MAX_SACK_BLOCKS } from '../../wire/tcp.js';
import type { Allocate, ReceiveQueue } from './receive-queue.js';

/**
 * Pieces up to this size are joined. Larger ones have little overhead for their bytes and are
 * expensive to copy.
 */
const SMALL_BYTES = 4096;
/** A piece after another has room for twice the bytes of the other, up to this. */
const MAX_ROOM_BYTES = 65_536;

interface Piece {
  /** The first `used` bytes are data, the rest is free. */
  bytes: Uint8Array;
  used: number;
}

interface Block {
  left: Seq;
  right: Seq;
  /** In sequence, from `left` to `right` without a gap. */
  pieces: Piece[];
}

export class OutOfOrder {
  bytes: Bytes = 0;
  pieceCount = 0;
  /** Number of times that blocks were discarded at the limit (nstat's OfoPruned). */
  prunes = 0;
  private readonly blocks: Block[] = [];
  /** A FIN after a gap, as a block of its own; SACK covers it like data. */
  private readonly fin = { left: 0, right: 0 };
  private finWaits = false;
  /**
   * A sequence number in each recently extended block, the latest first: the order of SACK blocks.
   */
  private readonly recent: Seq[] = [];
  private readonly maxPieces: number;
  private readonly allocate: Allocate;

  constructor(maxPieces: number, allocate: Allocate) {
    this.maxPieces = maxPieces;
    this.allocate = allocate;
  }

  /** No data is held. */
  get isEmpty(): boolean {
    return this.blocks.length === 0;
  }

  /** Neither data nor a FIN is held. */
  get hasNothingToSack(): boolean {
    return this.blocks.length === 0 && !this.finWaits;
  }

  /** The sequence number after the last byte held; 0 without data. */
  get end(): Seq {
    return this.blocks.at(-1)?.right ?? 0;
  }

  /**
   * Stores the payload `[start, end)` of `seg` except bytes that are already held. Returns the
   * number of new bytes, or -1 if there is no room.
   */
  insert(seg: Segment, start: Seq, end: Seq): number {
    if (!this.makeRoom(start)) return -1;
    const { blocks } = this;
    const before = this.bytes;
    const i = this.firstReaching(start);
    const block = blocks[i];
    if (block === undefined || seqLt(end, block.left)) {
      blocks.splice(i, 0, { left: start, right: end, pieces: [this.newPiece(seg, start, end, 0)] });
      return this.bytes - before;
    }
    if (seqLt(start, block.left)) {
      block.pieces.unshift(this.newPiece(seg, start, block.left, 0));
      block.left = start;
    }
    while (seqGt(end, block.right)) {
      const next = blocks[i + 1];
      const stop = next === undefined ? end : seqMin(end, next.left);
      if (seqGt(stop, block.right)) this.append(block, seg, stop);
      if (next?.left !== block.right) break;
      for (const piece of next.pieces) block.pieces.push(piece);
      block.right = next.right;
      blocks.splice(i + 1, 1);
    }
    return this.bytes - before;
  }

  /** The first block that ends at `at` or beyond. */
  private firstReaching(at: Seq): number {
    const { blocks } = this;
    let low = 0;
    let high = blocks.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seqLt(blocks[middle]!.right, at)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private append(block: Block, seg: Segment, stop: Seq): void {
    const { pieces } = block;
    const last = pieces[pieces.length - 1]!;
    const length = seqDiff(stop, block.right);
    if (last.used + length <= last.bytes.length) {
      copyFrom(seg, block.right, length, last.bytes, last.used);
      last.used += length;
      this.bytes += length;
    } else {
      pieces.push(this.newPiece(seg, block.right, stop, Math.min(2 * last.used, MAX_ROOM_BYTES)));
    }
    block.right = stop;
  }

  private newPiece(seg: Segment, start: Seq, end: Seq, room: number): Piece {
    const length = seqDiff(end, start);
    const bytes = this.allocate(Math.max(length, room));
    copyFrom(seg, start, length, bytes, 0);
    this.bytes += length;
    this.pieceCount++;
    return { bytes, used: length };
  }

  // ---- The limit --------------------------------------------------------------------------------

  /**
   * Makes room for a segment at `start`; false if there is none. A segment may need several pieces,
   * one for each gap that it fills. The limit is then exceeded until the next segment.
   */
  private makeRoom(start: Seq): boolean {
    if (this.pieceCount < this.maxPieces) return true;
    const eighth = this.maxPieces >> 3;
    if (this.pieceCount - this.blocks.length >= eighth)
      for (const block of this.blocks) this.collapse(block);
    const enough = this.maxPieces - eighth;
    if (this.pieceCount < enough) return true;
    // Discards the farthest blocks, but none before the new segment, which would then be the next
    // to discard.
    let pruned = false;
    while (this.pieceCount >= enough && this.blocks.length > 0) {
      const last = this.blocks[this.blocks.length - 1]!;
      if (seqLeq(last.left, start)) break;
      this.blocks.pop();
      this.bytes -= seqDiff(last.right, last.left);
      this.pieceCount -= last.pieces.length;
      pruned = true;
    }
    if (pruned) this.prunes++;
    return this.pieceCount < this.maxPieces;
  }

  /** Joins adjacent small pieces. */
  private collapse(block: Block): void {
    const { pieces } = block;
    if (pieces.length === 1) return;
    const joined: Piece[] = [];
    for (let i = 0; i < pieces.length;) {
      let end = i;
      let bytes = 0;
      while (end < pieces.length && pieces[end]!.used <= SMALL_BYTES) bytes += pieces[end++]!.used;
      if (end - i < 2) {
        joined.push(pieces[i]!);
        i++;
        continue;
      }
      const one = { bytes: this.allocate(bytes), used: 0 };
      for (; i < end; i++) {
        const { bytes: from, used } = pieces[i]!;
        one.bytes.set(used === from.length ? from : from.subarray(0, used), one.used);
        one.used += used;
      }
      joined.push(one);
    }
    this.pieceCount -= pieces.length - joined.length;
    block.pieces = joined;
  }

  // ---- Delivery ---------------------------------------------------------------------------------

  /**
   * Moves the data that follows `nxt` without a gap into `queue` (null: discards it). Returns the
   * new RCV.NXT.
   */
  drain(nxt: Seq, queue: ReceiveQueue | null): Seq {
    let taken = 0;
    for (const block of this.blocks) {
      if (seqGt(block.left, nxt)) break;
      taken++;
      this.bytes -= seqDiff(block.right, block.left);
      this.pieceCount -= block.pieces.length;
      let skip = seqDiff(nxt, block.left);
      for (const { bytes, used } of block.pieces) {
        if (skip < used)
          queue?.push(skip === 0 && used === bytes.length ? bytes : bytes.subarray(skip, used));
        skip = Math.max(0, skip - used);
      }
      if (seqGt(block.right, nxt)) nxt = block.right;
    }
    if (taken > 0) this.blocks.splice(0, taken);
    return nxt;
  }

  /** A FIN was received at `end`: discards data from there on, because none can follow a FIN. */
  endAt(end: Seq): void {
    const { blocks, fin } = this;
    fin.left = end;
    fin.right = (end + 1) | 0;
    this.finWaits = true;
    for (
      let block = blocks.at(-1);
      block !== undefined && seqGt(block.right, end);
      block = blocks.at(-1)
    ) {
      for (let over = seqDiff(block.right, end); over > 0;) {
        const last = block.pieces.at(-1);
        if (last === undefined) break;
        const cut = Math.min(over, last.used);
        last.used -= cut;
        over -= cut;
        this.bytes -= cut;
        block.right = (block.right - cut) | 0;
        if (last.used > 0) continue;
        block.pieces.pop();
        this.pieceCount--;
      }
      if (block.pieces.length === 0) blocks.pop();
    }
  }

  /** RCV.NXT has reached the FIN. */
  finReached(): void {
    this.finWaits = false;
  }

  /** Discards the data, but keeps a known FIN. */
  clear(): void {
    if (this.blocks.length === 0) return;
    this.blocks.length = 0;
    this.recent.length = 0;
    this.bytes = 0;
    this.pieceCount = 0;
  }

  // ---- SACK -------------------------------------------------------------------------------------

  /** A segment arrived at `start`: SACK now lists its block first (RFC 2018 section 4). */
  touched(start: Seq): void {
    this.recent.unshift(start);
    if (this.recent.length > MAX_SACK_BLOCKS) this.recent.length = MAX_SACK_BLOCKS;
  }

  /**
   * Writes SACK blocks into `edges` after the first `count`, up to `room` in all, each once. Blocks
   * before `from` (a D-SACK) may be repeated. Returns the new number of blocks.
   */
  writeBlocks(edges: Int32Array, count: number, room: number, from: number): number {
    let written = count;
    for (const at of this.recent)
      written = this.writeBlock(edges, written, room, from, this.blockAt(at));
    for (let i = 0; i < this.blocks.length && written < room; i++) {
      written = this.writeBlock(edges, written, room, from, this.blocks[i]!);
    }
    if (!this.finWaits || this.blocks.at(-1)?.right === this.fin.left) return written;
    return this.writeBlock(edges, written, room, from, this.fin);
  }

  private writeBlock(
    edges: Int32Array,
    count: number,
    room: number,
    from: number,
    block: { readonly left: Seq; readonly right: Seq } | null,
  ): number {
    if (block === null || count >= room) return count;
    for (let i = from; i < count; i++) if (edges[2 * i] === block.left) return count;
    edges[2 * count] = block.left;
    edges[2 * count + 1] = this.rightOf(block);
    return count + 1;
  }

  /** The right edge of a block in SACK, which includes a FIN directly after it. */
  rightOf(block: { readonly right: Seq }): Seq {
    return this.finWaits && block.right === this.fin.left ? this.fin.right : block.right;
  }

  /** The block that contains `at`; null if none does. */
  blockAt(at: Seq): { readonly left: Seq; readonly right: Seq } | null {
    // Blocks do not touch: a block that ends at `at` is followed by a gap.
    const block = this.blocks[this.firstReaching((at + 1) | 0)];
    return block !== undefined && seqLeq(block.left, at) ? block : null;
  }

  /** The first block that overlaps `[start, end)`; null if none does. */
  overlapping(start: Seq, end: Seq): { readonly left: Seq; readonly right: Seq } | null {
    const block = this.blocks[this.firstReaching((start + 1) | 0)];
    return block !== undefined && seqLt(block.left, end) ? block : null;
  }

  checkInvariants(nxt: Seq): string | null {
    let at = nxt;
    let bytes = 0;
    let pieces = 0;
    for (const block of this.blocks) {
      if (seqLeq(block.left, at)) return 'out-of-order blocks overlap, touch each other or RCV.NXT';
      const held = block.pieces.reduce((n, piece) => n + piece.used, 0);
      if (held !== seqDiff(block.right, block.left))
        return 'an out-of-order block and its pieces differ in length';
      at = block.right;
      bytes += held;
      pieces += block.pieces.length;
    }
    if (pieces !== this.pieceCount) return 'out-of-order pieces are miscounted';
    return bytes === this.bytes ? null : 'out-of-order bytes are miscounted';
  }
}

function copyFrom(seg: Segment, start: Seq, length: number, to: Uint8Array, at: number): void {
  const from = seg.payloadOffset + seqDiff(start, seg.seq);
  to.set(seg.payload!.bytes.subarray(from, from + length), at);
}
