/**
 * The stream in order, waiting for its reader: pieces that are given away for good when they are
 * read.
 *
 * A large payload is kept where the device read it, without a copy. A smaller one is copied into
 * pieces of our own: one byte that a slow reader keeps must not pin the megabyte slab that it came
 * in.
 */
import { copyRange } from '../../base/copy.js';
import { Ring } from '../../base/ring.js';
import type { Segment } from '../../wire/tcp.js';

/**
 * From this size on copying a payload costs more than pinning its slab: a full window of such
 * pieces pins a few dozen slabs at worst.
 */
const SHARE_FROM_BYTES = 32_768;
/** A queue that grows gathers small payloads into pieces that double up to this size. */
const PIECE_BYTES = 65_536;
/** Own bytes up to this size are gathered, too: each piece costs some 200 bytes beside its own. */
const SMALL_BYTES = 4096;

export type Allocate = (bytes: number) => Uint8Array;

export class ReceiveQueue {
  /** Bytes that wait. */
  length = 0;
  /**
   * The last piece, and those before it: most often there is one at a time, and then no queue for
   * them.
   */
  private last: Uint8Array | null = null;
  private earlier: Ring<Uint8Array> | null = null;
  /** The last piece's buffer has room from here on; -1 when it must not be written to. */
  private tailUsed = -1;
  private readonly allocate: Allocate;

  constructor(allocate: Allocate) {
    this.allocate = allocate;
  }

  /** Pieces that wait: so often `shift` has one. */
  get pieces(): number {
    return this.last === null ? 0 : 1 + (this.earlier?.length ?? 0);
  }

  /**
   * Takes `length` payload bytes of `seg` from `skip` on; sets `seg.keepPayload` when it keeps a
   * reference to them.
   */
  pushPayload(seg: Segment, skip: number, length: number): void {
    const from = seg.payload!.bytes;
    const offset = seg.payloadOffset + skip;
    if (length >= SHARE_FROM_BYTES) {
      seg.keepPayload = true;
      this.push(from.subarray(offset, offset + length));
    } else {
      this.copy(from, offset, length);
    }
  }

  /** Takes bytes that are already our own. */
  push(bytes: Uint8Array): void {
    if (bytes.length <= SMALL_BYTES && this.last !== null) {
      this.copy(bytes, 0, bytes.length);
      return;
    }
    this.append(bytes);
    this.length += bytes.length;
  }

  /** The next piece, or null; of a longer one the first `most` bytes. */
  shift(most = Infinity): Uint8Array | null {
    const { earlier, last } = this;
    const isLast = earlier === null || earlier.length === 0;
    const piece = isLast ? last : earlier.at(0)!;
    if (piece === null) return null;
    const length = isLast && this.tailUsed >= 0 ? this.tailUsed : piece.length;
    if (length > most) {
      const rest = piece.subarray(most);
      if (!isLast) earlier.replaceFirst(rest);
      else {
        this.last = rest;
        if (this.tailUsed >= 0) this.tailUsed -= most;
      }
      this.length -= most;
      return piece.subarray(0, most);
    }
    if (!isLast) earlier.shift();
    else {
      this.last = null;
      this.tailUsed = -1;
    }
    this.length -= length;
    // Most often the piece is as long as what came: a view of it would cost more than all the rest
    // of this.
    return length < piece.length ? piece.subarray(0, length) : piece;
  }

  /** The next `count` bytes are nobody's. */
  drop(count: number): void {
    for (let left = count; left > 0;) left -= this.shift(left)!.length;
  }

  clear(): void {
    this.last = null;
    this.earlier = null;
    this.tailUsed = -1;
    this.length = 0;
  }

  private append(piece: Uint8Array): void {
    this.seal();
    if (this.last !== null) (this.earlier ??= new Ring<Uint8Array>()).push(this.last);
    this.last = piece;
  }

  /** Nothing more is added to the last piece: it is as long as what was written to it. */
  private seal(): void {
    if (this.tailUsed < 0) return;
    this.last = this.last!.subarray(0, this.tailUsed);
    this.tailUsed = -1;
  }

  private copy(from: Uint8Array, offset: number, length: number): void {
    let { last } = this;
    if (last === null || this.tailUsed < 0 || this.tailUsed + length > last.length) {
      const room =
        last === null
          ? 0
          : Math.min(2 * (this.tailUsed < 0 ? last.length : this.tailUsed), PIECE_BYTES);
      last = this.allocate(Math.max(length, room));
      this.append(last);
      this.tailUsed = 0;
    }
    copyRange(from, offset, last, this.tailUsed, length);
    this.tailUsed += length;
    this.length += length;
  }
}
