/**
 * Which addresses are ours, and which packets a host may take at all: RFC 1122 section 3.2.1.3, RFC
 * 4291 section 2, RFC 9293 section 3.9.2.3.
 */
import { StackError } from '../base/errors.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { type AddressWords, type IpHeader, PROTOCOL_ICMPV6, V4_MAPPED_WORD } from '../wire/ip.js';
import { Address, type Prefix } from './address.js';

/** What kind of destination a packet had. */
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
  /** The addresses one may bind to. */
  readonly list: readonly Address[];
  /** Last words of our IPv4 subnets' broadcast addresses. */
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

  /** One of ours, or loopback, which every host is to itself. */
  isOwn(a: AddressWords): boolean {
    return this.isOwnWords(a.w0, a.w1, a.w2, a.w3);
  }

  /** Throws StackError EADDRNOTAVAIL for an address that is not one of ours. */
  checkOwn(a: Address): void {
    if (!this.isOwn(a))
      throw new StackError('EADDRNOTAVAIL', `${a.toString()} is not an address of this stack`);
  }

  isOwnWords(w0: number, w1: number, w2: number, w3: number): boolean {
    return isLoopback(w0, w1, w2, w3) || this.isLocal(w0, w1, w2, w3);
  }

  /** The limited broadcast address, or that of a network of ours. */
  isBroadcast({ w0, w1, w2, w3 }: AddressWords): boolean {
    return this.destinationKind(w0, w1, w2, w3) === Destination.broadcast;
  }

  /** `other` is another host's address, or a group that we are not in. */
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
   * The address to speak from to `remote`, null without one of its family. RFC 6724 section 5:
   * itself (rule 1), one whose network `remote` is in, one of its scope (rule 2), in IPv6 the one
   * that has most leading bits in common (rule 8), the first.
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

  /** RFC 4291 section 2.7.1: ff02::1:ff and the last 24 bits of an address of ours. */
  private isSolicitedNode(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w0 !== (0xff02_0000 | 0) || w1 !== 0 || w2 !== 1 || w3 >>> 24 !== 0xff) return false;
    for (const a of this.list) if (a.version === 6 && ((a.w3 ^ w3) & 0xff_ffff) === 0) return true;
    return false;
  }

  /**
   * May this host take a packet with these addresses? MUST-63: nothing from a source that is no
   * single host's. `looped`: it comes from ourselves, over loopback, and not from the wire.
   * `ignoredGroup` is no fault of anybody: a fresh link's kernel asks for routers, reports its
   * groups and looks for printers, each at a multicast address that we have not joined.
   */
  check(h: IpHeader, looped: boolean): DropReason {
    const bad = h.version === 4 ? this.check4(h, looped) : this.check6(h, looped);
    if (bad !== Drop.none || looped) return bad;
    // A packet of our own that comes back from the wire was made by somebody else (a "land"
    // attack).
    if (this.isLocal(h.s0, h.s1, h.s2, h.s3)) return Drop.ipBadSource;
    if (this.destinationKind(h.d0, h.d1, h.d2, h.d3) !== Destination.other) return Drop.none;
    const group = h.version === 4 ? h.d3 >>> 28 === 0xe : h.d0 >>> 24 === 0xff;
    return group ? Drop.ignoredGroup : Drop.ipNotForUs;
  }

  private check4(h: IpHeader, looped: boolean): DropReason {
    const source = h.s3;
    // 224/4 are groups, 240/4 is reserved and ends with the broadcast address, 0/8 is a host that
    // has no address yet (DHCP).
    if (source >>> 28 >= 0xe || source >>> 24 === 0 || this.isSubnetBroadcast(source))
      return Drop.ipBadSource;
    if (looped) return Drop.none;
    if (source >>> 24 === 127) return Drop.ipBadSource;
    return h.d3 >>> 24 === 127 ? Drop.ipBadDestination : Drop.none;
  }

  private check6(h: IpHeader, looped: boolean): DropReason {
    if (h.s0 >>> 24 === 0xff) return Drop.ipBadSource;
    // A v4-mapped address never stands in a packet (RFC 4942 section 2.2): in here it would pass
    // for the IPv4 address.
    if (isMapped(h.s0, h.s1, h.s2)) return Drop.ipBadSource;
    if (isMapped(h.d0, h.d1, h.d2)) return Drop.ipBadDestination;
    const fromZero = h.s0 === 0 && h.s1 === 0 && h.s2 === 0;
    // `::` is for a host that has no address yet, and says so in ICMPv6 alone (MLD, duplicate
    // address detection).
    if (fromZero && h.s3 === 0 && h.protocol !== PROTOCOL_ICMPV6) return Drop.ipBadSource;
    if (looped) return Drop.none;
    if (fromZero && h.s3 === 1) return Drop.ipBadSource;
    return h.d0 === 0 && h.d1 === 0 && h.d2 === 0 && h.d3 === 1 ? Drop.ipBadDestination : Drop.none;
  }
}

/** How many leading bits two addresses share: 0..128. */
function commonBits(a: Address, b: Address): number {
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}
