/**
 * Bytes that the user sent and the peer has not acknowledged: a ring in one slab.
 *
 *       released │ in flight       │ not sent yet │ free
 *     ───────────┼─────────────────┼──────────────┼────────▶
 *              SND.UNA          SND.NXT        end of data
 *                └ head            offset ▲       └ head + length
 *
 * The ring copies what it is given: a caller may reuse its buffer as soon as `write` returns, as with write(2). A segment
 * refers to the ring's bytes without copying them, also when it is sent again, and may run over the slab's end to its start.
 */
import type { Slab } from '../base/slab.js';
import type { SlabPool } from '../base/slab-pool.js';

export class SendBuffer {
  /** Null while empty: an idle connection holds no memory. */
  slab: Slab | null = null;
  length = 0;
  private head = 0;
  /** The most that waited at a time since it was empty, and the time before. */
  private most = 0;
  private lastMost = 0;
  private readonly pool: SlabPool;

  constructor(pool: SlabPool) {
    this.pool = pool;
  }

  /** Where byte `offset` (from SND.UNA's) stands in the slab. */
  position(offset: number): number {
    return (this.head + offset) & (this.slab!.bytes.length - 1);
  }

  /** Bytes of memory that `bytes` more would cost; 0 when there is room for them. */
  growthFor(bytes: number): number {
    const have = this.slab === null ? 0 : this.slab.bytes.length;
    const need = this.length + bytes;
    return need <= have ? 0 : this.pool.sizeFor(this.sizeToTake(need)) - have;
  }

  /** Who outgrows its first slab is likely to fill as much as the last time: growing by and by would copy what waits again and again. */
  private sizeToTake(need: number): number {
    return this.slab === null ? need : Math.max(need, this.lastMost);
  }

  write(data: Uint8Array): void {
    if (data.length === 0) return;
    this.reserve(this.length + data.length);
    const bytes = this.slab!.bytes;
    const at = this.position(this.length);
    const first = bytes.length - at;
    if (data.length <= first) {
      bytes.set(data, at);
    } else {
      bytes.set(data.subarray(0, first), at);
      bytes.set(data.subarray(first), 0);
    }
    this.length += data.length;
    if (this.length > this.most) this.most = this.length;
  }

  /** The first `n` bytes were acknowledged. */
  release(n: number): void {
    this.length -= n;
    if (this.length === 0) this.clear();
    else this.head = this.position(n);
  }

  clear(): void {
    if (this.slab !== null) this.pool.give(this.slab);
    this.slab = null;
    this.head = 0;
    this.length = 0;
    this.lastMost = this.most;
    this.most = 0;
  }

  private reserve(size: number): void {
    const old = this.slab;
    if (old !== null && size <= old.bytes.length) return;
    const slab = this.pool.take(this.sizeToTake(size));
    if (old !== null) {
      const first = Math.min(this.length, old.bytes.length - this.head);
      slab.bytes.set(old.bytes.subarray(this.head, this.head + first), 0);
      slab.bytes.set(old.bytes.subarray(0, this.length - first), first);
      this.pool.give(old);
    }
    this.slab = slab;
    this.head = 0;
  }
}
