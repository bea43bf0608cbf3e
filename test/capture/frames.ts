/** Frames of each link type around an IP packet. */
import { LinkType } from '../../src/core.js';

const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
const isV6 = (ip: Uint8Array): boolean => ip[0]! >> 4 === 6;
const etherType = (ip: Uint8Array): number[] => (isV6(ip) ? [0x86, 0xdd] : [0x08, 0x00]);
const family = (ip: Uint8Array): number => (isV6(ip) ? 10 : 2);

export interface LinkSpec {
  readonly name: string;
  readonly linkType: number;
  /** The link header before an IP packet. */
  readonly header: (ip: Uint8Array) => number[];
  readonly direction?: 'in' | 'out';
}

const of = (
  name: string,
  linkType: number,
  header: (ip: Uint8Array) => number[],
  direction?: 'in' | 'out',
): LinkSpec =>
  direction === undefined ? { name, linkType, header } : { name, linkType, header, direction };

export const LINKS: readonly LinkSpec[] = [
  of('Ethernet', LinkType.ethernet, (ip) => [...MACS, ...etherType(ip)]),
  of('Ethernet, 802.1Q', LinkType.ethernet, (ip) => [...MACS, 0x81, 0, 0, 5, ...etherType(ip)]),
  of('Ethernet, QinQ', LinkType.ethernet, (ip) => [
    ...[...MACS, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 6],
    ...etherType(ip),
  ]),
  of('raw', LinkType.raw, () => []),
  of('raw, internal number', LinkType.rawInternal, () => []),
  of('raw, number of OpenBSD', LinkType.rawOpenBsd, () => []),
  of('null, little-endian', LinkType.null, (ip) => [family(ip), 0, 0, 0]),
  of('null, big-endian', LinkType.null, (ip) => [0, 0, 0, family(ip)]),
  of('null, of macOS', LinkType.null, (ip) => [isV6(ip) ? 30 : 2, 0, 0, 0]),
  of('loop', LinkType.loop, (ip) => [0, 0, 0, family(ip)]),
  of('loop, of OpenBSD', LinkType.loop, (ip) => [0, 0, 0, isV6(ip) ? 24 : 2]),
  of(
    'SLL',
    LinkType.sll,
    (ip) => [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, ...etherType(ip)],
    'in',
  ),
  of(
    'SLL, outgoing',
    LinkType.sll,
    (ip) => [0, 4, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, ...etherType(ip)],
    'out',
  ),
  of(
    'SLL2',
    LinkType.sll2,
    (ip) => [...etherType(ip), 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
    'in',
  ),
  of(
    'SLL2, outgoing',
    LinkType.sll2,
    (ip) => [...etherType(ip), 0, 0, 0, 0, 0, 2, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0],
    'out',
  ),
];

export const frameOf = (link: LinkSpec, ip: Uint8Array): Uint8Array =>
  Uint8Array.from([...link.header(ip), ...ip]);
