/**
 * Random IP packets and frames from small pools of addresses and ports, so that filters meet them.
 */
import type { SeededRandom } from '../../src/base/random.js';
import { LinkType } from '../../src/core.js';
import { naiveSum } from '../device/packets.js';
import { frameOf, LINKS, type LinkSpec } from './frames.js';

export const V4_POOL = ['198.18.0.1', '198.18.0.2', '10.1.2.3', '10.1.3.4', '192.168.7.9'];
export const V6_POOL = ['fd74:6370:6c61:62::1', 'fd74:6370:6c61:62::2', 'fe80::1', '2001:db8::5'];
export const PORT_POOL = [22, 53, 80, 443, 1024, 8080, 40_000, 65_535];
export const PROTOCOL_POOL = [1, 2, 6, 6, 6, 17, 17, 50, 58, 103, 132];

export const pick = <T>(r: SeededRandom, of: readonly T[]): T => of[r.below(of.length)]!;

const v4Bytes = (text: string): number[] => text.split('.').map(Number);

function v6Bytes(text: string): number[] {
  const [head = '', tail] = text.split('::');
  const groups = (half: string): number[] =>
    half === '' ? [] : half.split(':').map((group) => parseInt(group, 16));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const zeros = new Array<number>(8 - front.length - back.length).fill(0);
  return [...front, ...zeros, ...back].flatMap((group) => [group >> 8, group & 255]);
}

const u16 = (v: number): number[] => [(v >> 8) & 255, v & 255];
const noise = (r: SeededRandom, length: number): number[] =>
  Array.from({ length }, () => r.below(256));

/** Header and payload of a transport protocol. */
function transport(r: SeededRandom, protocol: number): number[] {
  const ports = [...u16(pick(r, PORT_POOL)), ...u16(pick(r, PORT_POOL))];
  const payload = noise(r, r.below(20));
  switch (protocol) {
    case 6: {
      const options = 4 * r.below(4);
      const offset = ((20 + options) / 4) << 4;
      const flags = pick(r, [2, 18, 16, 24, 17, 4, 20, r.below(256)]);
      return [
        ...ports,
        ...noise(r, 8),
        ...[offset, flags],
        ...noise(r, 6),
        ...Array.from({ length: options }, () => 1),
        ...payload,
      ];
    }
    case 17:
      return [...ports, ...u16(8 + payload.length), 0, 0, ...payload];
    case 132:
      return [...ports, ...noise(r, 8), ...payload];
    case 1:
    case 58:
      return [pick(r, [0, 3, 8, 11, 128, 129, 135]), r.below(4), ...noise(r, 6), ...payload];
    default:
      return [...noise(r, 8), ...payload];
  }
}

function packet4(r: SeededRandom): number[] {
  const protocol = pick(r, PROTOCOL_POOL);
  const options = r.below(4) === 0 ? 4 * (1 + r.below(5)) : 0;
  const body = transport(r, protocol);
  const fragment = pick(r, [0, 0, 0, 0x4000, 0x4000, 0x2000, 0x2010, 0x0020]);
  const header = [
    ...[0x45 + options / 4, r.below(256)],
    ...u16(20 + options + body.length),
    ...noise(r, 2),
    ...u16(fragment),
    ...[1 + r.below(255), protocol, 0, 0],
    ...v4Bytes(pick(r, V4_POOL)),
    ...v4Bytes(pick(r, V4_POOL)),
    ...Array.from({ length: options }, () => 1),
  ];
  header.splice(10, 2, ...u16(~naiveSum(Uint8Array.from(header)) & 0xffff));
  return [...header, ...body];
}

function packet6(r: SeededRandom): number[] {
  const protocol = pick(r, PROTOCOL_POOL);
  let body = transport(r, protocol);
  let next = protocol;
  if (r.below(4) === 0) {
    const header = pick(r, [0, 43, 44, 60]);
    const rest =
      header === 44 ? [0, ...u16(pick(r, [0, 1, 8, 65])), ...noise(r, 4)] : [0, 1, 4, 0, 0, 0, 0];
    body = [next, ...rest, ...body];
    next = header;
  }
  return [
    ...[0x60 | r.below(16), r.below(256), 0, 0],
    ...u16(body.length),
    ...[next, 1 + r.below(255)],
    ...v6Bytes(pick(r, V6_POOL)),
    ...v6Bytes(pick(r, V6_POOL)),
    ...body,
  ];
}

export const randomIp = (r: SeededRandom): Uint8Array =>
  Uint8Array.from(r.below(5) < 3 ? packet4(r) : packet6(r));

const ARP = [0, 1, 8, 0, 6, 4, 0, 1];

function arpFrame(r: SeededRandom, link: LinkSpec): Uint8Array {
  const body = [
    ...ARP,
    ...noise(r, 6),
    ...v4Bytes(pick(r, V4_POOL)),
    ...noise(r, 6),
    ...v4Bytes(pick(r, V4_POOL)),
  ];
  const frame = Uint8Array.from([...link.header(Uint8Array.of(0x45)), ...body]);
  // The type is the last field of the header, or in SLL2 the first.
  const at = link.linkType === LinkType.sll2 ? 0 : frame.length - body.length - 2;
  frame.set(
    pick(r, [
      [0x08, 0x06],
      [0x08, 0x06],
      [0x80, 0x35],
    ]),
    at,
  );
  return frame;
}

export interface CutFrame {
  readonly data: Uint8Array;
  readonly originalLength: number;
}

/** libpcap takes loopback headers in the file's byte order, and with the BSDs' numbers for IPv6. */
const NOT_LIBPCAPS = ['null, little-endian', 'null, big-endian', 'loop'];

/** The links that carry frames of `linkType`. */
const linksOf = (linkType: number): readonly LinkSpec[] =>
  LINKS.filter((link) => link.linkType === linkType && !NOT_LIBPCAPS.includes(link.name));

/** A frame of that link type; `cut`: of four frames one is cut as by a snap length. */
export function randomFrame(r: SeededRandom, linkType: number, cut: boolean): CutFrame {
  const links = linksOf(linkType);
  const link = links.length === 0 ? LINKS.find(({ name }) => name === 'raw')! : pick(r, links);
  const hasTypes =
    linkType === LinkType.ethernet || linkType === LinkType.sll || linkType === LinkType.sll2;
  const whole = hasTypes && r.below(8) === 0 ? arpFrame(r, link) : frameOf(link, randomIp(r));
  const captured = cut && r.below(4) === 0 ? r.below(whole.length + 1) : whole.length;
  return { data: whole.slice(0, captured), originalLength: whole.length };
}
