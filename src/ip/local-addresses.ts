/**
 * The host's own addresses, and which packets it accepts by their addresses: RFC 1122 section
 * 3.2.1.3, RFC 4291 section 2, RFC 9293 section 3.9.2.3.
 */
import { StackError } from '../base/errors.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { type AddressWords, type IpHeader, PROTOCOL_ICMPV6, V4_MAPPED_WORD } from '../wire/ip.js';
import { Address, type Prefix } from './address.js';

/** Kinds of destination addresses. */
export const Destination = { unicast: 0, broadcast: 1, multicast: 2, other: 3 } as const;

const ALL_NODES = Address.parse('ff02::1');
const ALL_SYSTEMS = Address.parse('224.0.0.1');

const isMapped = (w0: number, w1: number, w2: number): boolean =>
  w0 === 0 && w1 === 0 && w2 === V4_MAPPED_WORD;
const isLoopback = (w0: number, w1: number, w2: number, w3: number): boolean =>
  isMapped(w0, w1, w2) ? w3 >>> 24 === 127 : w0 === 0 && w1 === 0 && w2 === 0 && w3 === 1;
const isLinkLocal = (a: Address): boolean => a.w0 >>> 22 === 0xfe80 >> 6;

export class LocalAddresses {
  readonly prefixes: readonly Prefix[];
  /** The addresses that a socket can bind to. */
  readonly list: readonly Address[];
  /** Last words of the broadcast addresses of the IPv4 subnets. */
  private readonly broadcasts: Int32Array;

  constructor(prefixes: readonly Prefix[]) {
    this.prefixes = prefixes;
    this.list = prefixes.map((p) => p.address);
    this.broadcasts = Int32Array.from(prefixes.flatMap((p) => p.broadcast?.w3 ?? []));
  }

  isLocal(w0: number, w1: number, w2: number, w3: number): boolean {
    for (const a of this.list) if (a.is(w0, w1, w2, w3)) return true;
    return false;
  }

  /** True for a local address or a loopback address. */
  isOwn(a: AddressWords): boolean {
    return this.isOwnWords(a.w0, a.w1, a.w2, a.w3);
  }

  /** Throws StackError EADDRNOTAVAIL if the address is neither local nor loopback. */
  checkOwn(a: Address): void {
    if (!this.isOwn(a))
      throw new StackError('EADDRNOTAVAIL', `${a.toString()} is not an address of this stack`);
  }

  isOwnWords(w0: number, w1: number, w2: number, w3: number): boolean {
    return isLoopback(w0, w1, w2, w3) || this.isLocal(w0, w1, w2, w3);
  }

  /** True for the limited broadcast address and the broadcast address of a local subnet. */
  isBroadcast({ w0, w1, w2, w3 }: AddressWords): boolean {
    return this.destinationKind(w0, w1, w2, w3) === Destination.broadcast;
  }

  /**
   * A value of `Destination`. `other` is the address of another host, or a group that was not
   * joined.
   */
  destinationKind(w0: number, w1: number, w2: number, w3: number): number {
    if (this.isLocal(w0, w1, w2, w3)) return Destination.unicast;
    if (isMapped(w0, w1, w2)) {
      if (w3 === -1 || this.isSubnetBroadcast(w3)) return Destination.broadcast;
      return w3 === ALL_SYSTEMS.w3 ? Destination.multicast : Destination.other;
    }
    const joined = ALL_NODES.is(w0, w1, w2, w3) || this.isSolicitedNode(w0, w1, w2, w3);
    return joined ? Destination.multicast : Destination.other;
  }

  /**
   * The source address for packets to `remote`; null if there is none of its family. In order of
   * preference (RFC 6724 section 5): `remote` itself if it is local (rule 1), an address whose
   * network contains `remote`, one of the same scope (rule 2), for IPv6 the longest common prefix
   * (rule 8), the first address.
   */
  sourceFor(remote: Address): Address | null {
    if (this.isOwn(remote)) return remote;
    let best: Address | null = null;
    let bestScore = -1;
    for (const p of this.prefixes) {
      const a = p.address;
      if (a.version !== remote.version) continue;
      let score = p.contains(remote.w0, remote.w1, remote.w2, remote.w3) ? 1024 : 0;
      if (a.version === 6)
        score += (isLinkLocal(a) === isLinkLocal(remote) ? 512 : 0) + commonBits(a, remote);
      if (score <= bestScore) continue;
      best = a;
      bestScore = score;
    }
    return best;
  }

  private isSubnetBroadcast(w3: number): boolean {
    const { broadcasts } = this;
    for (let i = 0; i < broadcasts.length; i++) if (broadcasts[i] === w3) return true;
    return false;
  }

  /** RFC 4291 section 2.7.1: ff02::1:ff followed by the last 24 bits of a local address. */
  private isSolicitedNode(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w0 !== (0xff02_0000 | 0) || w1 !== 0 || w2 !== 1 || w3 >>> 24 !== 0xff) return false;
    for (const a of this.list) if (a.version === 6 && ((a.w3 ^ w3) & 0xff_ffff) === 0) return true;
    return false;
  }

  /**
   * Checks the addresses of a received packet. The source must be a unicast address (MUST-63).
   * `looped`: the packet came over loopback, not from the wire. `Drop.ignoredGroup` is not an
   * error: on a new link the kernel sends router solicitations, group reports and mDNS to multicast
   * groups that this host has not joined.
   */
  check(h: IpHeader, looped: boolean): DropReason {
    const bad = h.version === 4 ? this.check4(h, looped) : this.check6(h, looped);
    if (bad !== Drop.none || looped) return bad;
    // A packet from the wire with a local source address is forged (a "land" attack).
    if (this.isLocal(h.s0, h.s1, h.s2, h.s3)) return Drop.ipBadSource;
    if (this.destinationKind(h.d0, h.d1, h.d2, h.d3) !== Destination.other) return Drop.none;
    const group = h.version === 4 ? h.d3 >>> 28 === 0xe : h.d0 >>> 24 === 0xff;
    return group ? Drop.ignoredGroup : Drop.ipNotForUs;
  }

  private check4(h: IpHeader, looped: boolean): DropReason {
    const source = h.s3;
    // 224/4 is multicast. 240/4 is reserved and ends with the broadcast address. 0/8 means a host
    // without an address yet (DHCP).
    if (source >>> 28 >= 0xe || source >>> 24 === 0 || this.isSubnetBroadcast(source))
      return Drop.ipBadSource;
    if (looped) return Drop.none;
    if (source >>> 24 === 127) return Drop.ipBadSource;
    return h.d3 >>> 24 === 127 ? Drop.ipBadDestination : Drop.none;
  }

  private check6(h: IpHeader, looped: boolean): DropReason {
    if (h.s0 >>> 24 === 0xff) return Drop.ipBadSource;
    // A v4-mapped address must not appear in a packet (RFC 4942 section 2.2), because the stack
    // would treat it as the IPv4 address.
    if (isMapped(h.s0, h.s1, h.s2)) return Drop.ipBadSource;
    if (isMapped(h.d0, h.d1, h.d2)) return Drop.ipBadDestination;
    const fromZero = h.s0 === 0 && h.s1 === 0 && h.s2 === 0;
    // `::` is the source of a host without an address yet, and only in ICMPv6 (MLD, duplicate
    // address detection).
    if (fromZero && h.s3 === 0 && h.protocol !== PROTOCOL_ICMPV6) return Drop.ipBadSource;
    if (looped) return Drop.none;
    if (fromZero && h.s3 === 1) return Drop.ipBadSource;
    return h.d0 === 0 && h.d1 === 0 && h.d2 === 0 && h.d3 === 1 ? Drop.ipBadDestination : Drop.none;
  }
}

/** Number of leading bits that two addresses share: 0..128. */
function commonBits(a: Address, b: Address): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}
