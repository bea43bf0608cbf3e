/** How a filter finds the network header: the type in the link header, and the header's length. */
import {
  AF_INET,
  BSD_AF_INET6,
  familyOf,
  ETHERNET_BYTES,
  EtherType,
  LinkType,
  LOOPBACK_BYTES,
  SLL2_BYTES,
  SLL_BYTES,
} from '../link-type.js';
import { always, and, byteIs, halfIs, never, or, type Test, type Value } from './program.js';
import type { NetworkWord } from './syntax.js';

/** As in libpcap: `vlan` looks into the tag, and moves all that follows it in the filter. */
const VLAN_BYTES = 4;
const VLAN_ID = 0xfff;

const ETHER_TYPES: Readonly<Record<NetworkWord, number>> = {
  ip: EtherType.ipv4,
  ip6: EtherType.ipv6,
  arp: EtherType.arp,
  rarp: EtherType.rarp,
};

export class LinkLayer {
  private readonly linkType: number;
  /** Where the type is, and where the network header begins. */
  private typeAt = 0;
  network = 0;

  constructor(linkType: number) {
    this.linkType = linkType;
    switch (linkType) {
      case LinkType.ethernet:
        this.typeAt = ETHERNET_BYTES - 2;
        this.network = ETHERNET_BYTES;
        break;
      case LinkType.null:
      case LinkType.loop:
        this.network = LOOPBACK_BYTES;
        break;
      case LinkType.sll:
        this.typeAt = SLL_BYTES - 2;
        this.network = SLL_BYTES;
        break;
      case LinkType.sll2:
        this.network = SLL2_BYTES;
        break;
      default:
    }
  }

  /** Whether the link header says that `word` follows. */
  carries(word: NetworkWord): Test {
    const version = word === 'ip' ? 4 : word === 'ip6' ? 6 : 0;
    switch (this.linkType) {
      case LinkType.ethernet:
      case LinkType.sll:
      case LinkType.sll2:
        return halfIs(this.typeAt, ETHER_TYPES[word]);
      case LinkType.raw:
      case LinkType.rawInternal:
      case LinkType.rawOpenBsd:
        return version === 0 ? never : (frame) => frame.load8(0) >> 4 === version;
      case LinkType.ipv4:
        return version === 4 ? always : never;
      case LinkType.ipv6:
        return version === 6 ? always : never;
      case LinkType.null:
      case LinkType.loop:
        return version === 4 ? isFamily([AF_INET]) : version === 6 ? isFamily(BSD_AF_INET6) : never;
      default:
        return never;
    }
  }

  /** Takes the next tag. Only Ethernet has tags. */
  vlan(id: number | null): Test {
    if (this.linkType !== LinkType.ethernet) return never;
    const at = this.typeAt;
    const tag = this.network;
    this.typeAt += VLAN_BYTES;
    this.network += VLAN_BYTES;
    const isTag = or(
      halfIs(at, EtherType.vlan),
      or(halfIs(at, EtherType.serviceVlan), halfIs(at, EtherType.oldServiceVlan)),
    );
    return id === null ? isTag : and(isTag, (frame) => (frame.load16(tag) & VLAN_ID) === id);
  }

  /** Length of the IPv4 header: BPF's `4*([k]&0xf)`. */
  ipv4HeaderBytes(): Value {
    const at = this.network;
    return (frame) => (frame.load8(at) & 15) << 2;
  }

  /** The IPv4 packet is whole or the first fragment. */
  isFirstFragment(): Test {
    const at = this.network + 6;
    return (frame) => (frame.load16(at) & 0x1fff) === 0;
  }

  /** IPv4's protocol is `number`. */
  protocol4(number: number): Test {
    return byteIs(this.network + 9, number);
  }

  /** IPv6's next header is `number`. */
  protocol6(number: number): Test {
    return byteIs(this.network + 6, number);
  }
}

/** The word of a loopback header, in either byte order. */
function isFamily(families: readonly number[]): Test {
  return (frame) => families.includes(familyOf(frame.load32(0)));
}
