/**
 * How many of something each remote host has, so that none has more than its share. In IPv6 a host is a /64, for within that anybody
 * can have as many addresses as he likes.
 */
import { Counts } from '../../base/counts.js';
import { SipHash } from '../../base/siphash.js';
import { V4_MAPPED } from '../../ip/address.js';

export class HostCounts {
  private readonly counts = new Counts<number>();
  private readonly sip: SipHash;
  private readonly prefix = new Int32Array(2);

  /** `secret`: 16 bytes. Two hosts that meet in one key share one allowance, and without it nobody can choose whose. */
  constructor(secret: Uint8Array) {
    this.sip = new SipHash(secret);
  }

  of(w0: number, w1: number, w2: number, w3: number): number {
    return this.counts.of(this.key(w0, w1, w2, w3));
  }

  add(w0: number, w1: number, w2: number, w3: number): void {
    this.counts.add(this.key(w0, w1, w2, w3));
  }

  remove(w0: number, w1: number, w2: number, w3: number): void {
    this.counts.remove(this.key(w0, w1, w2, w3));
  }

  get size(): number {
    return this.counts.size;
  }

  private key(w0: number, w1: number, w2: number, w3: number): number {
    if (w0 === 0 && w1 === 0 && w2 === V4_MAPPED) return w3;
    this.prefix[0] = w0;
    this.prefix[1] = w1;
    this.sip.hash(this.prefix, 2);
    return this.sip.lo;
  }
}
