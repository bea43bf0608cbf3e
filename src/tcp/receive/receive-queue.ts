/**
 * The queue of in-order data for the reader. Pieces belong to the reader once they are read.
 *
 * A large payload stays in the buffer that the device read it into, without a copy. A smaller one
 * is copied into pieces of our own, because one byte that a slow reader keeps must not pin the
 * megabyte slab that it arrived in.
 */
import { copyRange } from '../../base/copy.js';
import { Ring } from '../../base/ring.js';
import type { Bytes } from '../../base/units.js';
import type { Segment } from '../../wire/tcp.js';

/**
 * Payloads from this size on are not copied, because copying costs more than pinning the slab. A
 * full window of such pieces pins a few dozen slabs at worst.
 */
const SHARE_FROM_BYTES = 32_768;
/** A growing queue collects small payloads in pieces that double up to this size. */
const PIECE_BYTES = 65_536;
/**
 * Pieces of our own up to this size are copied together, too, because each piece has an overhead of
 * about 200 bytes.
 */
const SMALL_BYTES = 4096;

export type Allocate = (bytes: Bytes) => Uint8Array;

export class ReceiveQueue {
  /** Unread bytes. */
  length: Bytes = 0;
  /**
   * The last piece, and the earlier ones. `earlier` is created on demand, because usually there is
   * only one piece.
   */
  private last: Uint8Array | null = null;
  private earlier: Ring<Uint8Array> | null = null;
  /** The buffer of the last piece is free from here on; -1 if it must not be written. */
  private tailUsed = -1;
  private readonly allocate: Allocate;

  constructor(allocate: Allocate) {
    this.allocate = allocate;
  }

  /** Number of pieces that `shift` can return. */
  get pieces(): number {
    return this.last === null ? 0 : 1 + (this.earlier?.length ?? 0);
  }

  /**
   * Adds `length` payload bytes of `seg` from `skip` on. Sets `seg.keepPayload` if it keeps a
   * reference to the payload.
   */
  pushPayload(seg: Segment, skip: number, length: Bytes): void {
    const from = seg.payload!.bytes;
    const offset = seg.payloadOffset + skip;
    if (length >= SHARE_FROM_BYTES) {
      seg.keepPayload = true;
      this.push(from.subarray(offset, offset + length));
    } else {
      this.copy(from, offset, length);
    }
  }

  /** Adds bytes that are our own memory. */
  push(bytes: Uint8Array): void {
    if (bytes.length <= SMALL_BYTES && this.last !== null) {
      this.copy(bytes, 0, bytes.length);
      return;
    }
    this.append(bytes);
    this.length += bytes.length;
  }

  /** Removes and returns the next piece, at most `most` bytes of it; null if the queue is empty. */
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
    // Usually the piece is exactly as long as its data, and a view of it would cost more than the
    // rest of this function.
    return length < piece.length ? piece.subarray(0, length) : piece;
  }

  /** Discards the next `count` bytes. */
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

  /** Ends the last piece: cuts it to its written length. */
  private seal(): void {
    if (this.tailUsed < 0) return;
    this.last = this.last!.subarray(0, this.tailUsed);
    this.tailUsed = -1;
  }

  private copy(from: Uint8Array, offset: number, length: Bytes): void {
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
