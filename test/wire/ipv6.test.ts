import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';
import { IpHeader } from '../../src/wire/ip.js';
import { NextHeader, parseIpv6, writeFragmentHeader, writeIpv6 } from '../../src/wire/ipv6.js';
import { chained, fragmentBody, int32, ipv6, slabAt, u8, type V6Spec } from './build.js';

const { hopByHop, routing, fragment, destination } = NextHeader;
const UDP = 17;
const TCP = 6;
const ICMPV6 = 58;
const ALL_NODES = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

function parse(spec: V6Spec | Uint8Array, out = new IpHeader()): { name: string; h: IpHeader } {
  const bytes = spec instanceof Uint8Array ? spec : ipv6(spec);
  const reason = parseIpv6(new Slab(bytes), 0, bytes.length, out);
  return { name: DROP_NAMES[reason]!, h: out };
}

/** The drop reason, and code and pointer of the Parameter Problem, if there is one. */
function verdict(spec: V6Spec): [string, ...number[]] {
  const { name, h } = parse(spec);
  return h.problemCode < 0 ? [name] : [name, h.problemCode, h.problemPointer];
}

describe('an IPv6 header', () => {
  const fields = fc.record({
    tos: u8,
    ttl: u8,
    protocol: fc.constantFrom(TCP, UDP, ICMPV6, 59, 132),
    s0: int32,
    s1: int32,
    s2: int32,
    s3: int32,
    d0: int32,
    d1: int32,
    d2: int32,
    d3: int32,
    payloadLength: fc.integer({ min: 0, max: 300 }),
  });

  it('is parsed as it was written, at any offset, and bytes after the packet are ignored', () => {
    fc.assert(
      fc.property(fields, fc.nat(9), fc.nat(9), (h, at, padding) => {
        const slab = slabAt(new Uint8Array(40 + h.payloadLength), at, padding);
        expect(writeIpv6(slab, at, Object.assign(new IpHeader(), h))).toBe(40);
        const seen = Object.assign(new IpHeader(), {
          id: 9,
          isFragment: true,
          moreFragments: true,
          fragmentOffset: 8,
        });
        expect(parseIpv6(slab, at, 40 + h.payloadLength + padding, seen)).toBe(Drop.none);
        const rest = {
          version: 6,
          id: 0,
          isFragment: false,
          moreFragments: false,
          fragmentOffset: 0,
          problemCode: -1,
        };
        const places = {
          headerOffset: at,
          payloadOffset: at + 40,
          protocolPointer: 6,
          ecn: h.tos & 3,
        };
        expect(seen).toMatchObject({ ...h, ...rest, ...places });
      }),
      { seed: 8200, numRuns: 1000 },
    );
  });

  it.each([
    ['ipTruncated', 'nothing', new Uint8Array(0)],
    ['ipTruncated', '39 bytes', ipv6().slice(0, 39)],
    ['ipBadVersion', 'version 4', Uint8Array.from(ipv6(), (b, i) => (i === 0 ? 0x45 : b))],
    [
      'ipBadTotalLength',
      'a payload length past the end',
      Uint8Array.from(ipv6(), (b, i) => (i === 5 ? 1 : b)),
    ],
  ])('is refused: %s, for %s', (name, _, bytes) => {
    expect(parse(bytes).name).toBe(name);
  });

  it('clears the problem of the previous packet, however short the packet is', () => {
    const out = new IpHeader();
    out.problemCode = 2;
    parse(new Uint8Array(3), out);
    expect(out.problemCode).toBe(-1);
  });
});

describe('extension headers', () => {
  const payload = [1, 2, 3, 4, 5];
  /** Pad1, PadN, router alert, and an unknown option that is to be skipped. */
  const harmless = [0, 1, 2, 0, 0, 5, 2, 0, 0, 0x1e, 1, 9];

  it('are skipped to find the protocol', () => {
    const spec = chained(
      [
        [hopByHop, harmless],
        [destination, harmless],
        [routing, [0, 0, 0, 0, 0, 0]],
        [destination, new Array<number>(30).fill(0)],
      ],
      UDP,
      payload,
    );
    const { name, h } = parse(spec);
    expect([name, h.protocol, h.payloadLength]).toEqual(['none', UDP, 5]);
    expect(h.payloadOffset).toBe(40 + 16 + 16 + 8 + 32);
    // The first byte of the last header is the protocol.
    expect(h.protocolPointer).toBe(40 + 16 + 16 + 8);
  });

  it('may end with No Next Header', () => {
    const { name, h } = parse(chained([[destination, harmless]], 59, payload));
    expect([name, h.protocol, h.payloadLength]).toEqual(['none', 59, 5]);
  });

  const option = (type: number): number[] => [0x00, type, 1, 0];
  it.each([
    ['00: skip', 0x3e, false, ['none']],
    ['01: discard', 0x40, false, ['ipUnknownOption']],
    ['10: discard, send an error', 0x80, false, ['ipUnknownOption', 2, 43]],
    ['11: discard, send an error', 0xc2, false, ['ipUnknownOption', 2, 43]],
    ['10, to a group: discard, send an error', 0x80, true, ['ipUnknownOption', 2, 43]],
    ['11, to a group: discard, no error', 0xc0, true, ['ipUnknownOption']],
  ])('with an unknown option obey its first two bits: %s', (_, type, multicast, expected) => {
    for (const kind of [hopByHop, destination]) {
      const spec = chained([[kind, option(type)]], UDP, payload);
      expect(verdict(multicast ? { ...spec, destination: ALL_NODES } : spec)).toEqual(expected);
    }
  });

  it.each([
    [
      'an option past the end of its header',
      chained([[destination, [0x1e, 5, 0, 0]]], UDP),
      ['ipBadExtension'],
    ],
    [
      'an option without a length',
      chained([[destination, [0, 0, 0, 0, 0, 0x1e]]], UDP),
      ['ipBadExtension'],
    ],
    [
      'hop-by-hop options that are not first',
      chained(
        [
          [destination, []],
          [hopByHop, []],
        ],
        UDP,
      ),
      ['ipBadExtension', 1, 40],
    ],
    ['a source route', chained([[routing, [0, 1, 0, 0, 0, 0]]], UDP), ['ipBadExtension', 0, 42]],
    [
      'an unknown routing type with segments left',
      chained([[routing, [99, 2, 0, 0]]], UDP),
      ['ipBadExtension', 0, 42],
    ],
    ['a truncated header', { nextHeader: destination, payload: [17, 0, 0, 0] }, ['ipTruncated']],
    [
      'a header longer than the packet',
      { nextHeader: destination, payload: [17, 1, 0, 0, 0, 0, 0, 0] },
      ['ipTruncated'],
    ],
  ] as const)('are refused for %s', (_, spec, expected) => {
    expect(verdict(spec)).toEqual(expected);
  });

  it('may be eight at most', () => {
    const many = (n: number): V6Spec =>
      chained(new Array(n).fill([destination, []]) as [number, number[]][], UDP);
    expect(verdict(many(8))).toEqual(['none']);
    expect(verdict(many(9))).toEqual(['ipBadExtension']);
    expect(verdict(many(180))).toEqual(['ipBadExtension']);
  });
});

describe('a fragment header', () => {
  it('is parsed as it was written', () => {
    const fields = fc.record({
      offset: fc.integer({ min: 0, max: 8000 }).map((n) => n * 8),
      more: fc.boolean(),
      id: int32,
    });
    fc.assert(
      fc.property(fields, ({ offset, more, id }) => {
        const slab = new Slab(64);
        const h = Object.assign(new IpHeader(), { protocol: fragment, payloadLength: 24 });
        writeIpv6(slab, 0, h);
        Object.assign(h, { protocol: 132, fragmentOffset: offset, moreFragments: more, id });
        expect(writeFragmentHeader(slab, 40, h)).toBe(8);
        const { name, h: seen } = parse(slab.bytes);
        expect([name, seen.protocol, seen.fragmentOffset, seen.moreFragments]).toEqual([
          'none',
          132,
          offset,
          more,
        ]);
        expect([seen.id, seen.isFragment, seen.payloadOffset, seen.payloadLength]).toEqual([
          id,
          more || offset > 0,
          48,
          16,
        ]);
      }),
      { seed: 46, numRuns: 300 },
    );
  });

  const data = (n: number): number[] => new Array<number>(n).fill(7);
  const first = (last: number, payload: number[], ...inner: [number, number[]][]): V6Spec =>
    chained([[fragment, fragmentBody(0, true, 1)], ...inner], last, payload);

  it('of an atomic fragment is an ordinary extension header (RFC 6946)', () => {
    const { name, h } = parse(
      chained(
        [
          [fragment, fragmentBody(0, false, 5)],
          [destination, []],
        ],
        UDP,
        data(3),
      ),
    );
    expect([name, h.isFragment, h.protocol, h.payloadLength]).toEqual(['none', false, UDP, 3]);
  });

  it.each([
    [
      'a fragment that is not the last and whose length is not a multiple of 8',
      chained([[fragment, fragmentBody(8, true, 1)]], UDP, data(9)),
      ['fragmentBadLength', 0, 4],
    ],
    [
      'a fragment that ends beyond 65,535 bytes',
      chained([[fragment, fragmentBody(65_528, false, 1)]], UDP, data(8)),
      ['fragmentTooLarge', 0, 42],
    ],
    [
      'a second fragment header',
      chained(
        [
          [fragment, fragmentBody(0, false, 1)],
          [fragment, fragmentBody(8, true, 2)],
        ],
        UDP,
        data(8),
      ),
      ['ipBadExtension'],
    ],
    [
      'a fragment in a fragment',
      first(UDP, data(16), [fragment, fragmentBody(8, true, 2)]),
      ['ipBadExtension'],
    ],
    ['hop-by-hop options in a fragment', first(UDP, data(16), [hopByHop, []]), ['ipBadExtension']],
    ['half a TCP header in the first fragment', first(TCP, data(16)), ['fragmentNoHeaders', 3, 0]],
    [
      'no UDP header in the first fragment',
      first(UDP, [], [destination, []]),
      ['fragmentNoHeaders', 3, 0],
    ],
    [
      'half an extension header in the first fragment',
      chained([[fragment, fragmentBody(0, true, 1)]], destination, [UDP, 2, 0, 0, 0, 0, 0, 0]),
      ['fragmentNoHeaders', 3, 0],
    ],
    [
      'an empty first fragment',
      chained([[fragment, fragmentBody(0, true, 1)]], ICMPV6),
      ['fragmentNoHeaders', 3, 0],
    ],
    [
      'too many extension headers in the first fragment',
      first(UDP, data(8), ...(new Array(10).fill([destination, []]) as [number, number[]][])),
      ['ipBadExtension'],
    ],
  ] as const)('is refused for %s', (_, spec, expected) => {
    expect(verdict(spec)).toEqual(expected);
  });

  it.each([
    ['TCP', first(TCP, data(24))],
    ['UDP behind destination options', first(UDP, data(8), [destination, []])],
    ['an unknown protocol', first(132, data(8))],
    ['no next header', first(59, data(8))],
  ])('of a first fragment that contains all headers is accepted: %s', (_, spec) => {
    expect(verdict(spec)).toEqual(['none']);
  });

  it('of a later fragment is the last header: the bytes after it are not parsed', () => {
    const { name, h } = parse(
      chained([[fragment, fragmentBody(8, true, 1)]], destination, data(8)),
    );
    expect([name, h.protocol, h.payloadLength]).toEqual(['none', destination, 8]);
  });
});

describe('parsing anything at all', () => {
  it('never throws, always ends, and accepted packets lie inside the given bytes', () => {
    const seed = 2460;
    const random = new SeededRandom(seed);
    const kinds = [hopByHop, routing, fragment, destination, TCP, UDP, 59];
    const noise = (n: number): Uint8Array =>
      Uint8Array.from({ length: n }, () => random.below(256));
    /** A chain of plausible short headers with noise in them, or only noise. */
    const anything = (): Uint8Array => {
      const payload = noise(random.below(120));
      if (random.below(8) === 0) return payload;
      for (let at = 0; at + 1 < payload.length; at += 8) {
        payload[at] = kinds[random.below(kinds.length)]!;
        payload[at + 1]! &= 1;
        if (random.below(2) === 0) continue;
        payload.fill(0, at + 2, at + 8);
        // a first fragment; segments left
        if (at + 3 < payload.length) payload[at + 3] = random.below(2);
      }
      return ipv6({ nextHeader: kinds[random.below(kinds.length)]!, payload });
    };
    const seen = new Set<string>();
    const out = new IpHeader();
    for (let n = 0; n < 20_000; n++) {
      const bytes = anything();
      const at = random.below(8);
      const reason = parseIpv6(slabAt(bytes, at, 8), at, bytes.length, out);
      seen.add(DROP_NAMES[reason]!);
      if (out.problemCode >= 0 && out.problemPointer >= bytes.length)
        throw new Error(`seed ${seed}, packet ${n}`);
      const inside =
        out.payloadOffset >= at + 40 && out.payloadOffset + out.payloadLength <= at + bytes.length;
      if (reason === Drop.none && (!inside || out.payloadLength < 0))
        throw new Error(`seed ${seed}, packet ${n}`);
    }
    expect([...seen].sort()).toEqual([
      'fragmentBadLength',
      'fragmentNoHeaders',
      'fragmentTooLarge',
      'ipBadExtension',
      'ipBadTotalLength',
      'ipBadVersion',
      'ipTruncated',
      'ipUnknownOption',
      'none',
    ]);
  });

  it('refuses a packet that is truncated at any byte', () => {
    const whole = ipv6(
      chained(
        [
          [hopByHop, []],
          [destination, []],
        ],
        UDP,
        [1, 2, 3],
      ),
    );
    for (let length = 0; length < whole.length; length++)
      expect(parse(whole.slice(0, length)).name).not.toBe('none');
  });
});
