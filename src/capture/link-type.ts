/**
 * Link types (draft-ietf-opsawg-pcaplinktype), and where the IP header is in a frame of each.
 *
 *     ethernet    6 destination, 6 source, 2 type; each VLAN tag adds 4: IEEE 802.1Q, 802.1ad
 *     raw         nothing
 *     null, loop  4: an address family, in either byte order
 *     sll         2 packet type, 2 ARPHRD, 2 address length, 8 address, 2 protocol
 *     sll2        2 protocol, 2 reserved, 4 interface, 2 ARPHRD, 1 packet type, 1 length, 8 address
 */
import { get16, get32 } from '../wire/bytes.js';
import type { CaptureDirection, CapturedPacket } from './packet.js';

export const LinkType = {
  null: 0,
  ethernet: 1,
  /** libpcap's internal numbers of `raw`, which some programs write into files. */
  rawInternal: 12,
  rawOpenBsd: 14,
  raw: 101,
  loop: 108,
  sll: 113,
  ipv4: 228,
  ipv6: 229,
  sll2: 276,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [LinkType.null, 'BSD loopback'],
  [LinkType.ethernet, 'Ethernet'],
  [LinkType.rawInternal, 'raw IP'],
  [LinkType.rawOpenBsd, 'raw IP'],
  [LinkType.raw, 'raw IP'],
  [LinkType.loop, 'OpenBSD loopback'],
  [LinkType.sll, 'Linux cooked'],
  [LinkType.ipv4, 'raw IPv4'],
  [LinkType.ipv6, 'raw IPv6'],
  [LinkType.sll2, 'Linux cooked v2'],
]);

/** `Ethernet`, or `link type 127` for one of which we know no frame. */
export const linkTypeName = (type: number): string => NAMES.get(type) ?? `link type ${type}`;

export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  rarp: 0x8035,
  ipv6: 0x86dd,
  vlan: 0x8100,
  /** IEEE 802.1ad, and the number that was used for QinQ before it. */
  serviceVlan: 0x88a8,
  oldServiceVlan: 0x9100,
} as const;

export const ETHERNET_BYTES = 14;
export const LOOPBACK_BYTES = 4;
export const SLL_BYTES = 16;
export const SLL2_BYTES = 20;
const VLAN_BYTES = 4;

export const isVlan = (type: number): boolean =>
  type === EtherType.vlan || type === EtherType.serviceVlan || type === EtherType.oldServiceVlan;

/** Address families: AF_INET is 2 everywhere, AF_INET6 differs: NetBSD, FreeBSD, macOS; Linux. */
export const AF_INET = 2;
export const BSD_AF_INET6: readonly number[] = [24, 28, 30];
const AF_INET6: readonly number[] = [...BSD_AF_INET6, 10];

/**
 * The address family of a loopback header. `null` has the byte order of the machine that captured,
 * `loop` has network order. A family has at most 8 bits, so its place tells the order.
 */
export const familyOf = (word: number): number =>
  (word & 0xff00_0000) !== 0 && (word & 0xffff) === 0 ? word >>> 24 : word;

/** Packet types of cooked headers: LINUX_SLL_HOST and LINUX_SLL_OUTGOING. */
const SLL_TO_US = 0;
export const SLL_OUTGOING = 4;

/** Sets `ipOffset` from the other fields, and `direction` if only the link header says it. */
export function findIp(p: CapturedPacket): void {
  const { bytes, offset, capturedLength } = p;
  p.ipOffset = -1;
  switch (p.linkType) {
    case LinkType.ethernet:
      if (capturedLength > ETHERNET_BYTES)
        p.ipOffset = behindType(p, get16(bytes, offset + 12), offset + ETHERNET_BYTES);
      break;
    case LinkType.raw:
    case LinkType.rawInternal:
    case LinkType.rawOpenBsd:
    case LinkType.ipv4:
    case LinkType.ipv6:
      if (capturedLength > 0 && isIpVersion(bytes[offset]! >> 4)) p.ipOffset = offset;
      break;
    case LinkType.null:
    case LinkType.loop:
      if (capturedLength > LOOPBACK_BYTES) {
        const family = familyOf(get32(bytes, offset));
        if (family === AF_INET || AF_INET6.includes(family)) p.ipOffset = offset + LOOPBACK_BYTES;
      }
      break;
    case LinkType.sll:
      if (capturedLength >= SLL_BYTES) {
        p.direction ??= cookedDirection(get16(bytes, offset));
        p.ipOffset = behindType(p, get16(bytes, offset + 14), offset + SLL_BYTES);
      }
      break;
    case LinkType.sll2:
      if (capturedLength >= SLL2_BYTES) {
        p.direction ??= cookedDirection(bytes[offset + 10]!);
        p.ipOffset = behindType(p, get16(bytes, offset), offset + SLL2_BYTES);
      }
      break;
    default:
  }
}

const isIpVersion = (version: number): boolean => version === 4 || version === 6;

/** The place of the IP header, if `type` and the VLAN tags from `at` on lead to one; else -1. */
function behindType(p: CapturedPacket, type: number, at: number): number {
  const end = p.offset + p.capturedLength;
  while (isVlan(type) && at + VLAN_BYTES <= end) {
    type = get16(p.bytes, at + 2);
    at += VLAN_BYTES;
  }
  return (type === EtherType.ipv4 || type === EtherType.ipv6) && at < end ? at : -1;
}

/** Broadcast, multicast and packets to other hosts came in too. */
const cookedDirection = (type: number): CaptureDirection | null =>
  type === SLL_OUTGOING ? 'out' : type >= SLL_TO_US && type < SLL_OUTGOING ? 'in' : null;
