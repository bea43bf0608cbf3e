import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';
import { IcmpMessage, IcmpQuote, parseIcmp, parseQuote, writeIcmp } from '../../src/wire/icmp.js';
import { naiveSum, pattern } from '../device/packets.js';
import {
  be16,
  be32,
  chained,
  fragmentBody,
  header,
  int32,
  ipv4,
  ipv6,
  naivePseudoSum,
  slabAt,
  u8,
} from './build.js';

const versions = [4, 6] as const;
const protocolOf = (version: 4 | 6): number => (version === 4 ? 1 : 58);

function message(
  version: 4 | 6,
  type: number,
  code: number,
  rest: number,
  body: Uint8Array,
): Uint8Array {
  const slab = new Slab(8 + body.length);
  slab.bytes.set(body, 8);
  writeIcmp(slab, 0, header(version, protocolOf(version)), type, code, rest, body.length);
  return slab.bytes;
}

function parse(version: 4 | 6, bytes: Uint8Array, trusted = false): string | IcmpMessage {
  const ip = header(version, protocolOf(version), bytes.length);
  ip.payloadOffset = 5;
  const out = new IcmpMessage();
  const reason = parseIcmp(slabAt(bytes, 5, 3), ip, trusted, out);
  return reason === Drop.none ? out : DROP_NAMES[reason]!;
}

describe.each(versions)('an ICMPv%d message', (version) => {
  it('is parsed as it was written; the ICMPv6 checksum covers the pseudo-header', () => {
    fc.assert(
      fc.property(u8, u8, int32, fc.uint8Array({ maxLength: 200 }), (type, code, rest, body) => {
        const bytes = message(version, type, code, rest, body);
        const initial = version === 6 ? naivePseudoSum(6, 58, bytes.length) : 0;
        expect(naiveSum(bytes, initial)).toBe(0xffff);
        const places = { bodyOffset: 13, bodyLength: body.length };
        expect(parse(version, bytes)).toEqual({
          type,
          code,
          rest,
          id: rest >>> 16,
          seq: rest & 0xffff,
          ...places,
        });
      }),
      { seed: 792, numRuns: 500 },
    );
  });

  it('is refused if it is truncated, or if any one bit is changed', () => {
    const good = message(version, 8, 0, 0x12340001, pattern(7));
    for (let length = 0; length < 8; length++)
      expect(parse(version, good.slice(0, length))).toBe('icmpTruncated');
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3]! ^= 0x80 >> (bit & 7);
      expect(parse(version, bad)).toBe('icmpBadChecksum');
      expect(typeof parse(version, bad, true)).toBe('object');
    }
  });
});

describe('the packet that an error quotes', () => {
  const tcp = [
    ...be16(40_000),
    ...be16(80),
    ...be32(0xfffffff0),
    ...be32(7),
    0x50,
    16,
    ...be16(9),
    0,
    0,
    0,
    0,
  ];

  function quote(version: 4 | 6, bytes: Uint8Array, length = bytes.length): IcmpQuote | null {
    const out = new IcmpQuote();
    return parseQuote(slabAt(bytes.subarray(0, length), 9), version, 9, length, out) ? out : null;
  }

  it.each([
    ['IPv4', 4, ipv4({ protocol: 6, payload: tcp }), 40],
    [
      'IPv4 with options',
      4,
      ipv4({ protocol: 6, options: [7, 7, 4, 0, 0, 0, 0, 0], payload: tcp }),
      48,
    ],
    ['IPv6', 6, ipv6({ nextHeader: 6, payload: tcp }), 60],
    [
      'the first fragment of IPv6',
      6,
      ipv6(chained([[44, fragmentBody(0, true, 1)]], 6, [...tcp, 0, 0, 0, 0])),
      72,
    ],
    ['the first fragment of IPv4', 4, ipv4({ protocol: 6, fragment: 0x2000, payload: tcp }), 40],
  ] as const)('gives the flow and the sequence number: %s', (_, version, packet, packetBytes) => {
    const { s2, s3, d2, d3 } = header(version, 6);
    const expected = {
      version,
      protocol: 6,
      s2,
      s3,
      d2,
      d3,
      sourcePort: 40_000,
      destinationPort: 80,
      seq: -16,
      packetBytes,
    };
    // The first 8 bytes after the IP header are sufficient, fewer are not.
    const enough =
      packet.length - (packet.length - packetBytes) - tcp.length + 8 - (packetBytes === 72 ? 4 : 0);
    expect(quote(version, packet)).toMatchObject(expected);
    expect(quote(version, packet, enough)).toMatchObject(expected);
    for (let length = 0; length < enough; length++)
      expect(quote(version, packet, length)).toBeNull();
  });

  it('gives the type of an ICMP message', () => {
    const echo = ipv4({ protocol: 1, payload: [8, 0, 0, 0, ...be16(77), ...be16(5)] });
    expect(quote(4, echo)).toMatchObject({ protocol: 1, icmpType: 8, seq: (77 << 16) | 5 });
  });

  it.each([
    ['a later fragment of IPv4', 4, ipv4({ protocol: 6, fragment: 1, payload: tcp })],
    ['a later fragment of IPv6', 6, ipv6(chained([[44, fragmentBody(8, false, 1)]], 6, tcp))],
    ['the other version', 6, ipv4({ protocol: 6, payload: [...tcp, ...tcp] })],
    ['the other version', 4, ipv6({ nextHeader: 6, payload: tcp })],
    [
      'an IPv4 header of 16 bytes',
      4,
      Uint8Array.from(ipv4({ payload: tcp }), (b, i) => (i === 0 ? 0x44 : b)),
    ],
  ] as const)('is not parsed if it is %s', (_, version, packet) => {
    expect(quote(version, packet)).toBeNull();
  });

  it('is parsed from any bytes without a throw', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.constantFrom(...versions),
        fc.boolean(),
        (bytes, version, likely) => {
          if (likely && bytes.length > 0) bytes[0] = (version << 4) | (bytes[0]! & 15);
          const seen = quote(version, bytes);
          if (seen !== null) expect(bytes.length).toBeGreaterThanOrEqual(version === 4 ? 28 : 48);
        },
      ),
      { seed: 11, numRuns: 2000 },
    );
  });
});
