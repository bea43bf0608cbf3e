/**
 * The stack's part of path MTU discovery. ICMP errors update the path MTU of a destination
 * (ip/path-mtu.ts), and the senders to that destination are told. An error is passed here only if
 * its transport recognized the quoted packet.
 */
import { MtuDiscover } from '../base/mtu-discover.js';
import type { Micros } from '../base/time.js';
import { Address } from '../ip/address.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { PathMtuCache } from '../ip/path-mtu.js';
import type { TcpConfig } from '../tcp/config.js';

export class PathMtus {
  /** Called when the path MTU to `to` has decreased. */
  onDecrease: ((to: Address, e: IcmpError, now: Micros) => void) | null = null;
  private readonly cache: PathMtuCache;

  constructor(config: TcpConfig) {
    this.cache = new PathMtuCache(config.minPmtu, config.mtuExpires);
  }

  /** Number of destinations with a known path MTU. */
  get size(): number {
    return this.cache.size;
  }

  /** The largest packet for `to` in bytes, sent by a device with an MTU of `deviceMtu`. */
  to(to: Address, deviceMtu: number, now: Micros): number {
    return this.cache.mtuTo(to, deviceMtu, now);
  }

  /** When the known path MTU expires; NEVER if none is known. */
  expiry(to: Address, now: Micros): Micros {
    return this.cache.expiry(to, now);
  }

  /** Whether packets to `to` have DF set (Linux's ip_dont_fragment). */
  dontFragment(to: Address, discover: MtuDiscover, now: Micros): boolean {
    if (discover === MtuDiscover.want) return !this.cache.mayFragment(to, now);
    return discover !== MtuDiscover.dont;
  }

  /** Handles an ICMP error about a packet that was too big. `discover` is the sender's mode. */
  tooBig(e: IcmpError, discover: MtuDiscover, deviceMtu: number, now: Micros): void {
    // A router fragments an IPv4 packet without DF and reports no error, so the error is forged.
    if (e.version === 4 && discover === MtuDiscover.dont) return;
    const to = Address.fromWords(e.d0, e.d1, e.d2, e.d3);
    if (this.cache.decrease(to, e.mtu, e.packetBytes, deviceMtu, now) > 0)
      this.onDecrease?.(to, e, now);
  }
}
