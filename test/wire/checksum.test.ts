import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { checksumAdd, checksumUpdate, fold, pseudoHeaderSum } from '../../src/wire/checksum.js';
import { naiveSum } from '../device/packets.js';
import { be16, be32, int32, slabAt, u16, u8 } from './build.js';

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.uint8Array({ minLength: 200, maxLength: 3000 }),
  fc.nat(300).map((n) => new Uint8Array(n).fill(0xff)),
  fc.nat(300).map((n) => new Uint8Array(n)),
);

describe('the Internet checksum', () => {
  it('is the sum of byte pairs, at any offset, for any length and any initial sum', () => {
    fc.assert(
      fc.property(bytes, fc.nat(40), u16, (data, at, initial) => {
        const slab = slabAt(data, at, 33);
        expect(checksumAdd(slab.view, at, data.length, initial)).toBe(naiveSum(data, initial));
      }),
      { seed: 1071, numRuns: 1000 },
    );
  });

  it.each([0, 0x80, 0xff])('does not overflow on the longest packet, all bytes %d', (value) => {
    for (const length of [65_535, 65_536, 131_063, 131_064]) {
      const data = new Uint8Array(length).fill(value);
      expect(checksumAdd(new Slab(data).view, 0, length, 0xffff)).toBe(naiveSum(data, 0xffff));
    }
  });

  it('makes the sum of data and checksum all ones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 100 }), (data) => {
        data.set([0, 0]);
        data.set(be16(~checksumAdd(new Slab(data).view, 0, data.length, 0)));
        expect(checksumAdd(new Slab(data).view, 0, data.length, 0)).toBe(0xffff);
      }),
      { seed: 2, numRuns: 200 },
    );
  });

  it('may be computed in pieces of even length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(250), (data, half) => {
        const cut = Math.min(2 * half, data.length & ~1);
        const { view } = new Slab(data);
        const first = checksumAdd(view, 0, cut, 0);
        expect(checksumAdd(view, cut, data.length - cut, first)).toBe(
          checksumAdd(view, 0, data.length, 0),
        );
      }),
      { seed: 3, numRuns: 300 },
    );
  });

  it('folds any int32 that is not negative', () => {
    for (const n of [0, 1, 0xffff, 0x10000, 0x1fffe, 0xfffe0000 >>> 1, 0x7fffffff]) {
      expect(fold(n)).toBe(naiveSum(Uint8Array.from(be32(n))));
    }
  });
});

describe('checksumUpdate (RFC 1624)', () => {
  it("gives the RFC's own example: 0x0000, where RFC 1141's equation gives 0xffff", () => {
    expect(checksumUpdate(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  it('equals the recomputed checksum, for any change of a word', () => {
    const change = fc.record({
      data: fc.uint8Array({ minLength: 4, maxLength: 60 }),
      at: fc.nat(100),
      after: u16,
    });
    fc.assert(
      fc.property(change, ({ data, at, after }) => {
        data[0] = 1; // not all zeros, because 0 has two forms then, and no header is all zeros
        const words = (data.length >> 1) - 1;
        const o = 2 + 2 * (at % words);
        const before = naiveSum(data.subarray(o, o + 2));
        const checksum = ~naiveSum(data) & 0xffff;
        data.set(be16(after), o);
        expect(checksumUpdate(checksum, before, after)).toBe(~naiveSum(data) & 0xffff);
      }),
      { seed: 1624, numRuns: 1000 },
    );
  });
});

describe('pseudoHeaderSum', () => {
  it('sums the words of IPv6 addresses and the protocol (RFC 8200 section 8.1)', () => {
    fc.assert(
      fc.property(fc.array(int32, { minLength: 8, maxLength: 8 }), u8, (w, protocol) => {
        const naive = naiveSum(Uint8Array.from([...w.flatMap((n) => be32(n)), 0, protocol]));
        expect(
          pseudoHeaderSum(w[0]!, w[1]!, w[2]!, w[3]!, w[4]!, w[5]!, w[6]!, w[7]!, protocol),
        ).toBe(naive);
      }),
      { seed: 8200, numRuns: 500 },
    );
  });

  it('sums an IPv4 pseudo-header, because the prefix of v4-mapped addresses adds 0 (RFC 9293 section 3.1)', () => {
    fc.assert(
      fc.property(int32, int32, u8, (source, destination, protocol) => {
        const naive = naiveSum(
          Uint8Array.from([...be32(source), ...be32(destination), 0, protocol]),
        );
        const sum = pseudoHeaderSum(0, 0, 0xffff, source, 0, 0, 0xffff, destination, protocol);
        expect(sum % 0xffff).toBe(naive % 0xffff);
      }),
      { seed: 791, numRuns: 500 },
    );
  });
});
