/**
 * Packets and numbers for the tests of wire/ and ip/, built byte by byte without the stack's code.
 */
import fc from 'fast-check';
import { Slab } from '../../src/base/slab.js';
import { IpHeader } from '../../src/wire/ip.js';
import { naiveSum } from '../device/packets.js';

export const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, -1, 0x7fffffff, -0x80000000));
export const u16 = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }),
  fc.constantFrom(0, 1, 0xff, 0x100, 0xffff),
);
export const u8 = fc.integer({ min: 0, max: 255 });

export const be16 = (n: number): number[] => [(n >> 8) & 255, n & 255];
export const be32 = (n: number): number[] => [...be16(n >>> 16), ...be16(n & 0xffff)];

/** `bytes` somewhere inside a slab, with noise before and after them. */
export function slabAt(bytes: ArrayLike<number>, at = 0, behind = 0): Slab {
  const slab = new Slab(at + bytes.length + behind);
  slab.bytes.fill(0xa5);
  slab.bytes.set(bytes, at);
  return slab;
}

export interface V4Spec {
  id?: number;
  /** The field of flags and fragment offset. */
  fragment?: number;
  protocol?: number;
  tos?: number;
  ttl?: number;
  source?: readonly number[];
  destination?: readonly number[];
  options?: readonly number[];
  payload?: ArrayLike<number>;
}

export const V4_SOURCE = [198, 18, 0, 1] as const;
export const V4_DESTINATION = [198, 18, 0, 2] as const;
export const V6_SOURCE = [
  0xfd, 0x74, 0x63, 0x70, 0x6c, 0x61, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 1,
] as const;
export const V6_DESTINATION = [
  0xfd, 0x74, 0x63, 0x70, 0x6c, 0x61, 0, 0x62, 0, 0, 0, 0, 0, 0, 0, 2,
] as const;

/** An IPv4 packet with a correct header checksum. */
export function ipv4(spec: V4Spec = {}): Uint8Array {
  const { options = [], payload = [] } = spec;
  const headerBytes = 20 + options.length;
  const p = Uint8Array.from([
    0x40 | (headerBytes / 4),
    spec.tos ?? 0,
    ...be16(headerBytes + payload.length),
    ...be16(spec.id ?? 0),
    ...be16(spec.fragment ?? 0),
    spec.ttl ?? 64,
    spec.protocol ?? 17,
    0,
    0,
    ...(spec.source ?? V4_SOURCE),
    ...(spec.destination ?? V4_DESTINATION),
    ...options,
    ...Array.from(payload),
  ]);
  return withHeaderChecksum(p);
}

/** The packet with a correct IPv4 header checksum, even if other fields are invalid. */
export function withHeaderChecksum(packet: Uint8Array): Uint8Array {
  const p = packet.slice();
  p.set([0, 0], 10);
  p.set(be16(~naiveSum(p.subarray(0, (p[0]! & 15) * 4))), 10);
  return p;
}

export interface V6Spec {
  tos?: number;
  hopLimit?: number;
  source?: readonly number[];
  destination?: readonly number[];
  nextHeader?: number;
  payload?: ArrayLike<number>;
}

export function ipv6(spec: V6Spec = {}): Uint8Array {
  const { tos = 0, payload = [] } = spec;
  return Uint8Array.from([
    0x60 | (tos >> 4),
    (tos & 15) << 4,
    0,
    0,
    ...be16(payload.length),
    spec.nextHeader ?? 17,
    spec.hopLimit ?? 64,
    ...(spec.source ?? V6_SOURCE),
    ...(spec.destination ?? V6_DESTINATION),
    ...Array.from(payload),
  ]);
}

/** Extension headers, as `[kind, body from its third byte on]`, and the payload's protocol. */
export function chained(
  headers: readonly (readonly [kind: number, body: readonly number[]])[],
  last: number,
  payload: readonly number[] = [],
): V6Spec {
  const bytes: number[] = [];
  headers.forEach(([, body], i) => {
    const next = headers[i + 1]?.[0] ?? last;
    const padded = [...body, ...new Array<number>((8 - ((body.length + 2) % 8)) % 8).fill(0)];
    bytes.push(next, (padded.length + 2) / 8 - 1, ...padded);
  });
  return { nextHeader: headers[0]?.[0] ?? last, payload: [...bytes, ...payload] };
}

/**
 * A fragment header's body: offset in bytes, whether more follow, identification. Its second byte
 * is reserved and 0.
 */
export const fragmentBody = (offset: number, more: boolean, id: number): number[] => [
  ...be16(offset | (more ? 1 : 0)),
  ...be32(id),
];

/** An IP header of two hosts, as the parser fills it, for the protocols above. */
export function header(version: 4 | 6, protocol: number, payloadLength = 0): IpHeader {
  const h = new IpHeader();
  h.version = version;
  h.protocol = protocol;
  h.ttl = 64;
  h.payloadLength = payloadLength;
  const word = (a: readonly number[], i: number): number =>
    (a[i]! << 24) | (a[i + 1]! << 16) | (a[i + 2]! << 8) | a[i + 3]!;
  if (version === 4) {
    [h.s2, h.d2] = [0xffff, 0xffff];
    [h.s3, h.d3] = [word(V4_SOURCE, 0), word(V4_DESTINATION, 0)];
  } else {
    [h.s0, h.s1, h.s2, h.s3] = [
      word(V6_SOURCE, 0),
      word(V6_SOURCE, 4),
      word(V6_SOURCE, 8),
      word(V6_SOURCE, 12),
    ];
    [h.d0, h.d1, h.d2, h.d3] = [
      word(V6_DESTINATION, 0),
      word(V6_DESTINATION, 4),
      word(V6_DESTINATION, 8),
      word(V6_DESTINATION, 12),
    ];
  }
  return h;
}

/** The sum of such a packet's pseudo-header, from its bytes. */
export function naivePseudoSum(version: 4 | 6, protocol: number, length: number): number {
  const addresses =
    version === 4 ? [...V4_SOURCE, ...V4_DESTINATION] : [...V6_SOURCE, ...V6_DESTINATION];
  return naiveSum(Uint8Array.from([...addresses, 0, protocol, ...be16(length)]));
}
