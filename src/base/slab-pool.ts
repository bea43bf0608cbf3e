/**
 * A pool of slabs whose sizes are powers of two. A connection with nothing to send holds no send
 * buffer, and one that sends again gets memory that is still in the cache. Slabs beyond
 * `maxIdleBytes` are left to the garbage collector.
 */
import { Slab } from './slab.js';

const SMALLEST_BITS = 12;

const bitsFor = (size: number): number => Math.max(SMALLEST_BITS, 32 - Math.clz32(size - 1));

export class SlabPool {
  private readonly idle: Slab[][] = [];
  private idleBytes = 0;
  /** Slabs in use now. It returns to 0 unless there is a leak. */
  lent = 0;
  private readonly maxIdleBytes: number;

  constructor(maxIdleBytes = 16 << 20) {
    this.maxIdleBytes = maxIdleBytes;
  }

  /** Size in bytes of the slab that `take(size)` returns. */
  sizeFor(size: number): number {
    return 1 << bitsFor(size);
  }

  /**
   * Returns a slab of at least `size` bytes: the next power of two, at least 4 KiB. It is not
   * zeroed.
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
