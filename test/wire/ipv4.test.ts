import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';
import { IpHeader } from '../../src/wire/ip.js';
import { parseIpv4, writeIpv4 } from '../../src/wire/ipv4.js';
import { naiveSum } from '../device/packets.js';
import { be16, int32, ipv4, slabAt, u16, u8, withHeaderChecksum } from './build.js';

const header = fc.record({
  tos: u8,
  id: u16,
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.integer({ min: 0, max: 0x1fff }).map((n) => n * 8),
  ttl: u8,
  protocol: u8,
  s3: int32,
  d3: int32,
  payloadLength: fc.integer({ min: 0, max: 300 }),
});

function parse(bytes: Uint8Array, out = new IpHeader()): IpHeader | string {
  const reason = parseIpv4(new Slab(bytes), 0, bytes.length, out);
  return reason === Drop.none ? out : DROP_NAMES[reason]!;
}

/** The packet with some bytes changed, its checksum right. */
const changed = (at: number, ...bytes: number[]): Uint8Array => {
  const p = ipv4({ payload: new Uint8Array(10) });
  p.set(bytes, at);
  return withHeaderChecksum(p);
};

describe('an IPv4 header', () => {
  it('is parsed as it was written, at any offset, and bytes after the packet are ignored', () => {
    fc.assert(
      fc.property(header, fc.nat(9), fc.nat(9), (h, at, padding) => {
        const sent = Object.assign(new IpHeader(), h);
        const slab = slabAt(new Uint8Array(20 + h.payloadLength), at, padding);
        expect(writeIpv4(slab, at, sent)).toBe(20);
        expect(naiveSum(slab.bytes.slice(at, at + 20))).toBe(0xffff);
        const seen = new IpHeader();
        // as an IPv6 packet left it
        Object.assign(seen, { s0: 1, s1: 2, d0: 3, d1: 4, problemCode: 2 });
        expect(parseIpv4(slab, at, 20 + h.payloadLength + padding, seen)).toBe(Drop.none);
        expect(seen).toMatchObject({
          ...h,
          version: 4,
          s0: 0,
          s1: 0,
          s2: 0xffff,
          d0: 0,
          d1: 0,
          d2: 0xffff,
          isFragment: h.moreFragments || h.fragmentOffset > 0,
          headerOffset: at,
          payloadOffset: at + 20,
          problemCode: -1,
          ecn: h.tos & 3,
        });
      }),
      { seed: 791, numRuns: 1000 },
    );
  });

  it('may have valid options of any kind (RFC 1122 section 3.2.1.8)', () => {
    for (const options of [
      [1, 1, 1, 0],
      [7, 7, 4, 0, 0, 0, 0, 0], // record route
      [0x44, 8, 5, 0, 0, 0, 0, 0], // timestamp
      [0x94, 4, 0, 0], // router alert
      [200, 4, 255, 255], // unknown
      [0, 255, 255, 255], // End of Option List, then arbitrary bytes
      [1, ...new Array<number>(39).fill(0)],
    ]) {
      const payload = [1, 2, 3];
      const seen = parse(ipv4({ options, payload })) as IpHeader;
      expect([seen.payloadOffset, seen.payloadLength]).toEqual([20 + options.length, 3]);
    }
  });

  it.each([
    ['ipTruncated', 'nothing', new Uint8Array(0)],
    ['ipTruncated', '19 bytes', ipv4().slice(0, 19)],
    ['ipBadVersion', 'version 6', changed(0, 0x65)],
    ['ipBadVersion', 'version 0', changed(0, 0x05)],
    ['ipBadHeaderLength', 'a header of 16 bytes', changed(0, 0x44)],
    ['ipBadHeaderLength', 'a header longer than the packet', changed(0, 0x4f)],
    ['ipBadTotalLength', 'a total length below the header', changed(2, 0, 19)],
    ['ipBadTotalLength', 'a total length past the end', changed(2, 0, 31)],
    [
      'ipBadChecksum',
      'a checksum of zero',
      Uint8Array.from(ipv4().map((b, i) => (i === 10 || i === 11 ? 0 : b))),
    ],
  ])('is refused: %s, for %s', (name, _, bytes) => {
    expect(parse(bytes)).toBe(name);
  });

  it('is refused if any one bit is changed', () => {
    const good = ipv4({ tos: 0x2e, id: 0x1234, payload: new Uint8Array(40) });
    for (let bit = 0; bit < 160; bit++) {
      const bad = good.slice();
      bad[bit >> 3]! ^= 0x80 >> (bit & 7);
      expect(typeof parse(bad), `bit ${bit}`).toBe('string');
    }
  });

  it('is refused if the packet is truncated at any byte', () => {
    const whole = ipv4({ options: [7, 7, 4, 0, 0, 0, 0, 0], payload: new Uint8Array(20) });
    for (let length = 0; length < whole.length; length++)
      expect(typeof parse(whole.slice(0, length))).toBe('string');
  });

  it('is parsed from any bytes without a throw, and lies inside them', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      fc
        .tuple(
          fc.uint8Array({ minLength: 60, maxLength: 90 }),
          fc.integer({ min: 3, max: 15 }),
          fc.nat(100),
        )
        .map(([bytes, words, total]) => {
          bytes[0] = 0x40 | words;
          bytes.set(be16(total), 2);
          return withHeaderChecksum(bytes);
        }),
    );
    let taken = 0;
    const out = new IpHeader();
    fc.assert(
      fc.property(any, fc.nat(7), (bytes, at) => {
        if (parseIpv4(slabAt(bytes, at, 4), at, bytes.length, out) !== Drop.none) return;
        taken++;
        expect(out.payloadOffset).toBeGreaterThanOrEqual(at + 20);
        expect(out.payloadLength).toBeGreaterThanOrEqual(0);
        expect(out.payloadOffset + out.payloadLength).toBeLessThanOrEqual(at + bytes.length);
      }),
      { seed: 1122, numRuns: 3000 },
    );
    expect(taken).toBeGreaterThan(50);
  });

  it('clears the problem of an earlier IPv6 packet, however short the packet is', () => {
    const out = new IpHeader();
    out.problemCode = 2;
    parse(new Uint8Array(3), out);
    expect(out.problemCode).toBe(-1);
  });
});

describe('the header of a reply', () => {
  it('has source and destination exchanged', () => {
    const to = parse(ipv4()) as IpHeader;
    const h = new IpHeader();
    h.answer(to);
    expect(h).toMatchObject({ version: 4, s2: to.d2, s3: to.d3, d2: to.s2, d3: to.s3 });
  });
});
