/**
 * Slabs of a power of two bytes, lent and given back: a connection that has nothing to send holds
 * no send buffer, and one that starts again gets memory that is still in the cache. What goes past
 * `maxIdleBytes` is left to the garbage collector.
 */
import { Slab } from './slab.js';

const SMALLEST_BITS = 12;

const bitsFor = (size: number): number => Math.max(SMALLEST_BITS, 32 - Math.clz32(size - 1));

export class SlabPool {
  private readonly idle: Slab[][] = [];
  private idleBytes = 0;
  /** Slabs that are lent now: 0 when nobody leaks. */
  lent = 0;
  private readonly maxIdleBytes: number;

  constructor(maxIdleBytes = 16 << 20) {
    this.maxIdleBytes = maxIdleBytes;
  }

  /** How large a slab `take(size)` gives. */
  sizeFor(size: number): number {
    return 1 << bitsFor(size);
  }

  /**
   * A slab of at least `size` bytes: the next power of two, 4 KiB at least. Its bytes are whatever
   * they were.
   */
  take(size: number): Slab {
    const bits = bitsFor(size);
    this.lent++;
    const slab = this.idle[bits]?.pop();
    if (slab === undefined) return new Slab(1 << bits);
    this.idleBytes -= slab.bytes.length;
    return slab;
  }

  give(slab: Slab): void {
    this.lent--;
    const size = slab.bytes.length;
    if (this.idleBytes + size > this.maxIdleBytes) return;
    this.idleBytes += size;
    (this.idle[31 - Math.clz32(size)] ??= []).push(slab);
  }
}
