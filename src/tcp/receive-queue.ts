/**
 * The stream in order, waiting for its reader: pieces that are given away for good when they are read.
 *
 * A large payload is kept where the device read it, without a copy. A smaller one is copied into pieces of our own: one byte
 * that a slow reader keeps must not pin the megabyte slab that it came in.
 */
import { copyRange } from '../base/copy.js';
import type { Segment } from '../wire/tcp.js';

/** From this size on copying a payload costs more than pinning its slab: a full window of such pieces pins a few dozen slabs at worst. */
const SHARE_FROM_BYTES = 32_768;
/** A queue that grows gathers small payloads into pieces that double up to this size. */
const PIECE_BYTES = 65_536;
/** Own bytes up to this size are gathered, too: each piece costs some 200 bytes beside its own. */
const SMALL_BYTES = 4096;

export type Allocate = (bytes: number) => Uint8Array;

export class ReceiveQueue {
  /** Bytes that wait. */
  length = 0;
  private readonly pieces: Uint8Array[] = [];
  /** The last piece's buffer has room from here on; -1 when it must not be written to. */
  private tailUsed = -1;
  private readonly allocate: Allocate;

  constructor(allocate: Allocate) {
    this.allocate = allocate;
  }

  /** Takes `length` payload bytes of `seg` from `skip` on; sets `seg.keepPayload` when it keeps a reference to them. */
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
    if (bytes.length <= SMALL_BYTES && this.pieces.length > 0) {
      this.copy(bytes, 0, bytes.length);
      return;
    }
    this.seal();
    this.pieces.push(bytes);
    this.length += bytes.length;
  }

  /** The next piece, or null; of a longer one the first `most` bytes. */
  shift(most = Infinity): Uint8Array | null {
    const piece = this.pieces.shift();
    if (piece === undefined) return null;
    const isTail = this.pieces.length === 0 && this.tailUsed >= 0;
    if ((isTail ? this.tailUsed : piece.length) > most) {
      this.pieces.unshift(piece.subarray(most));
      if (isTail) this.tailUsed -= most;
      this.length -= most;
      return piece.subarray(0, most);
    }
    // Most often the piece is as long as what came: a view of it would cost more than all the rest of this.
    const out = isTail && this.tailUsed < piece.length ? piece.subarray(0, this.tailUsed) : piece;
    if (isTail) this.tailUsed = -1;
    this.length -= out.length;
    return out;
  }

  /** The next `count` bytes are nobody's. */
  drop(count: number): void {
    for (let left = count; left > 0;) left -= this.shift(left)!.length;
  }

  clear(): void {
    this.pieces.length = 0;
    this.tailUsed = -1;
    this.length = 0;
  }

  /** Nothing more is added to the last piece: it is as long as what was written to it. */
  private seal(): void {
    if (this.tailUsed < 0) return;
    const last = this.pieces.length - 1;
    this.pieces[last] = this.pieces[last]!.subarray(0, this.tailUsed);
    this.tailUsed = -1;
  }

  private copy(from: Uint8Array, offset: number, length: number): void {
    let tail = this.pieces[this.pieces.length - 1];
    if (tail === undefined || this.tailUsed < 0 || this.tailUsed + length > tail.length) {
      const room =
        tail === undefined ? 0 : Math.min(2 * (this.tailUsed < 0 ? tail.length : this.tailUsed), PIECE_BYTES);
      this.seal();
      tail = this.allocate(Math.max(length, room));
      this.pieces.push(tail);
      this.tailUsed = 0;
    }
    copyRange(from, offset, tail, this.tailUsed, length);
    this.tailUsed += length;
    this.length += length;
  }
}
