/**
 * Which addresses are ours, and which packets a host may take at all: RFC 1122 section 3.2.1.3, RFC 4291, RFC 9293 section 3.9.2.3.
 */
import { Drop, type DropReason } from '../wire/drop.js';
import type { IpHeader } from '../wire/ip.js';
import { Address, type Prefix, V4_MAPPED } from './address.js';

/** What kind of destination a packet had. */
export const Destination = { unicast: 0, broadcast: 1, multicast: 2, other: 3 } as const;

const ALL_NODES = Address.parse('ff02::1');
const ALL_SYSTEMS = Address.parse('224.0.0.1');

export class LocalAddresses {
  readonly prefixes: readonly Prefix[];
  /** The addresses one may bind to. */
  readonly list: readonly Address[];

  constructor(prefixes: readonly Prefix[]) {
    this.prefixes = prefixes;
    this.list = prefixes.map((p) => p.address);
  }

  isLocal(w0: number, w1: number, w2: number, w3: number): boolean {
    for (const a of this.list) if (a.is(w0, w1, w2, w3)) return true;
    return false;
  }

  /** One of ours, or loopback, which every host is to itself. */
  isOwn(a: Address): boolean {
    return a.isLoopback || this.isLocal(a.w0, a.w1, a.w2, a.w3);
  }

  destinationKind(w0: number, w1: number, w2: number, w3: number): number {
    if (this.isLocal(w0, w1, w2, w3)) return Destination.unicast;
    if (w0 === 0 && w1 === 0 && w2 === V4_MAPPED) {
      if (w3 === -1 || this.isSubnetBroadcast(w3)) return Destination.broadcast;
      if (ALL_SYSTEMS.w3 === w3) return Destination.multicast;
      return Destination.other;
    }
    if (ALL_NODES.is(w0, w1, w2, w3) || this.isSolicitedNode(w0, w1, w2, w3)) return Destination.multicast;
    return Destination.other;
  }

  /** The address to speak from to `remote`: one whose network `remote` is in, else the first of its family; null without one. */
  sourceFor(remote: Address): Address | null {
    if (this.isOwn(remote)) return remote;
    const family = this.prefixes.filter((p) => p.address.version === remote.version);
    const near = family.find((p) => p.contains(remote.w0, remote.w1, remote.w2, remote.w3));
    return (near ?? family[0])?.address ?? null;
  }

  private isSubnetBroadcast(w3: number): boolean {
    for (const p of this.prefixes) if (p.broadcast?.w3 === w3) return true;
    return false;
  }

  /** RFC 4291 section 2.7.1: ff02::1:ff and the last 24 bits of an address of ours. */
  private isSolicitedNode(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w0 !== (0xff02_0000 | 0) || w1 !== 0 || w2 !== 1 || w3 >>> 24 !== 0xff) return false;
    for (const a of this.list) if (a.version === 6 && ((a.w3 ^ w3) & 0xff_ffff) === 0) return true;
    return false;
  }

  /**
   * May this host take a packet with these addresses from the wire? MUST-63: nothing from a source that is no single host's. `unspecified` sources are for
   * protocols that we do not speak (DHCP), but MLD and duplicate detection use `::`, so they pass here in IPv6.
   */
  check(h: IpHeader, looped: boolean): DropReason {
    if (h.version === 4) {
      const source = h.s3;
      if (source >>> 28 >= 0xe || source >>> 24 === 0 || this.isSubnetBroadcast(source)) return Drop.ipBadSource;
      if (!looped && (source >>> 24 === 127 || h.d3 >>> 24 === 127)) return Drop.ipBadSource;
    } else {
      if (h.s0 >>> 24 === 0xff) return Drop.ipBadSource;
      const loopback = h.s0 === 0 && h.s1 === 0 && h.s2 === 0 && h.s3 === 1;
      const toLoopback = h.d0 === 0 && h.d1 === 0 && h.d2 === 0 && h.d3 === 1;
      if (!looped && (loopback || toLoopback)) return Drop.ipBadSource;
    }
    // A packet of our own that comes back from the wire was made by somebody else (a "land" attack).
    if (!looped && this.isLocal(h.s0, h.s1, h.s2, h.s3)) return Drop.ipBadSource;
    if (looped) return Drop.none;
    return this.destinationKind(h.d0, h.d1, h.d2, h.d3) === Destination.other ? Drop.ipNotForUs : Drop.none;
  }
}
