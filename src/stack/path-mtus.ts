/**
 * Path MTU discovery, the stack's part: what ICMP errors say of paths is kept by destination
 * (ip/path-mtu.ts), and whoever sends there learns it. An error gets here only after its transport
 * knew the packet that it quotes.
 */
import { MtuDiscover } from '../base/mtu-discover.js';
import type { Micros } from '../base/time.js';
import { Address } from '../ip/address.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { PathMtuCache } from '../ip/path-mtu.js';
import type { TcpConfig } from '../tcp/config.js';

export class PathMtus {
  /** Told when the path to `to` carries less than was thought. */
  onDecrease: ((to: Address, e: IcmpError, now: Micros) => void) | null = null;
  private readonly cache: PathMtuCache;

  constructor(config: TcpConfig) {
    this.cache = new PathMtuCache(config.minPmtu, config.mtuExpires);
  }

  /** How many destinations have a path MTU of their own. */
  get size(): number {
    return this.cache.size;
  }

  /** The largest packet for `to`, in bytes, by way of a device with `deviceMtu`. */
  to(to: Address, deviceMtu: number, now: Micros): number {
    return this.cache.mtuTo(to, deviceMtu, now);
  }

  /** When to ask again, or NEVER. */
  expiry(to: Address, now: Micros): Micros {
    return this.cache.expiry(to, now);
  }

  /** DF for packets to `to` (Linux's ip_dont_fragment). */
  dontFragment(to: Address, discover: MtuDiscover, now: Micros): boolean {
    if (discover === MtuDiscover.want) return !this.cache.mayFragment(to, now);
    return discover !== MtuDiscover.dont;
  }

  /** A packet of ours was too big. `discover` is its sender's mode. */
  tooBig(e: IcmpError, discover: MtuDiscover, deviceMtu: number, now: Micros): void {
    // Without DF an IPv4 router cuts and does not complain: somebody made this up.
    if (e.version === 4 && discover === MtuDiscover.dont) return;
    const to = Address.fromWords(e.d0, e.d1, e.d2, e.d3);
    if (this.cache.decrease(to, e.mtu, e.packetBytes, deviceMtu, now) > 0)
      this.onDecrease?.(to, e, now);
  }
}
