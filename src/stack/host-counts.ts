/**
 * How many of something each remote host has, so that none has more than its share. In IPv6 a host is a /64, for within that anybody
 * can have as many addresses as he likes.
 */
import { V4_MAPPED } from '../ip/address.js';

export class HostCounts {
  private readonly counts = new Map<number, number>();
  private readonly seed: number;

  /** `seed`: a random int32. Two hosts that meet in one key share one allowance, and nobody may choose whose. */
  constructor(seed: number) {
    this.seed = seed;
  }

  of(w0: number, w1: number, w2: number, w3: number): number {
    return this.counts.get(this.key(w0, w1, w2, w3)) ?? 0;
  }

  add(w0: number, w1: number, w2: number, w3: number): void {
    const key = this.key(w0, w1, w2, w3);
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
  }

  remove(w0: number, w1: number, w2: number, w3: number): void {
    const key = this.key(w0, w1, w2, w3);
    const n = this.counts.get(key) ?? 0;
    if (n <= 1) this.counts.delete(key);
    else this.counts.set(key, n - 1);
  }

  get size(): number {
    return this.counts.size;
  }

  private key(w0: number, w1: number, w2: number, w3: number): number {
    if (w0 === 0 && w1 === 0 && w2 === V4_MAPPED) return w3;
    let h = Math.imul(w0 ^ this.seed, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ w1, 0xc2b2ae35);
    return h ^ (h >>> 13);
  }
}
