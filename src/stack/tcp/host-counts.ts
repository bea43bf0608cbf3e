/**
 * A counter for each remote host, to enforce limits per host. An IPv6 host is a /64, because within
 * it a host can use any number of addresses.
 */
import { Counts } from '../../base/counts.js';
import { SipHash } from '../../base/siphash.js';
import { addressVersion, type AddressWords } from '../../wire/ip.js';

export class HostCounts {
  private readonly counts = new Counts<number>();
  private readonly sip: SipHash;
  private readonly prefix = new Int32Array(2);

  /**
   * `secret`: 16 bytes. Hosts whose keys collide share a counter; the secret keeps an attacker from
   * choosing a collision.
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
