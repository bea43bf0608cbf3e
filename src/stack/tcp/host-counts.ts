/**
 * How many of something each remote host has, so that none has more than its share. In IPv6 a host
 * is a /64, for within that anybody can have as many addresses as he likes.
 */
import { Counts } from '../../base/counts.js';
import { SipHash } from '../../base/siphash.js';
import { addressVersion, type AddressWords } from '../../wire/ip.js';

export class HostCounts {
  private readonly counts = new Counts<number>();
  private readonly sip: SipHash;
  private readonly prefix = new Int32Array(2);

  /**
   * `secret`: 16 bytes. Two hosts that meet in one key share one allowance, and without it nobody
   * can choose whose.
   */
  constructor(secret: Uint8Array) {
    this.sip = new SipHash(secret);
  }

  of(host: AddressWords): number {
    return this.counts.of(this.key(host));
  }

  add(host: AddressWords): void {
    this.counts.add(this.key(host));
  }

  remove(host: AddressWords): void {
    this.counts.remove(this.key(host));
  }

  get size(): number {
    return this.counts.size;
  }

  private key(host: AddressWords): number {
    if (addressVersion(host) === 4) return host.w3;
    this.prefix[0] = host.w0;
    this.prefix[1] = host.w1;
    this.sip.hash(this.prefix, 2);
    return this.sip.lo;
  }
}
