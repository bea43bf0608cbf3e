import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  seqAdd,
  seqDiff,
  seqGeq,
  seqGt,
  seqInRange,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
} from '../../src/base/seq.js';

/**
 * The same arithmetic on unbounded integers: a number modulo 2^32, and the shorter distance around
 * the circle.
 */
const u32 = (n: number): bigint => BigInt.asUintN(32, BigInt(n));
const distance = (a: number, b: number): bigint => BigInt.asIntN(32, u32(a) - u32(b));

const edges = [0, 1, -1, 0x7fffffff, -0x80000000, 0x7fffff00, -256, 0x40000000];
const seq = fc.oneof(fc.integer({ min: -0x80000000, max: 0x7fffffff }), fc.constantFrom(...edges));
/** Two close numbers anywhere on the circle, which is what a connection compares. */
const near = fc
  .tuple(seq, fc.integer({ min: -70_000, max: 70_000 }))
  .map(([a, d]) => [a, (a + d) | 0] as const);
const pairs = fc.oneof(fc.tuple(seq, seq), near);
const runs = { seed: 20_261, numRuns: 2000 };

describe('sequence numbers', () => {
  it('add modulo 2^32, and stay int32', () => {
    fc.assert(
      fc.property(seq, fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), (a, n) => {
        const sum = seqAdd(a, n);
        expect(sum).toBe(sum | 0);
        expect(u32(sum)).toBe(BigInt.asUintN(32, u32(a) + BigInt(n)));
      }),
      runs,
    );
  });

  it('compare by the shorter distance around the circle', () => {
    fc.assert(
      fc.property(pairs, ([a, b]) => {
        const d = distance(a, b);
        expect(BigInt(seqDiff(a, b))).toBe(d);
        expect([seqLt(a, b), seqLeq(a, b), seqGt(a, b), seqGeq(a, b)]).toEqual([
          d < 0n,
          d <= 0n,
          d > 0n,
          d >= 0n,
        ]);
        expect(seqMax(a, b)).toBe(d > 0n ? a : b);
        expect(seqMin(a, b)).toBe(d < 0n ? a : b);
      }),
      runs,
    );
  });

  it('can be tested against an interval of any start and of up to 2^32 - 1 numbers', () => {
    fc.assert(
      fc.property(seq, seq, seq, (a, low, high) => {
        const ahead = (n: number): bigint => BigInt.asUintN(32, u32(n) - u32(low));
        expect(seqInRange(a, low, high)).toBe(ahead(a) < ahead(high));
      }),
      runs,
    );
  });

  it('can be tested at both ends of an interval, at each wrap', () => {
    for (const low of edges) {
      const high = (low + 100) | 0;
      const at = (d: number): boolean => seqInRange((low + d) | 0, low, high);
      expect([at(-1), at(0), at(99), at(100)]).toEqual([false, true, true, false]);
      expect(seqInRange(low, low, low)).toBe(false);
    }
  });
});
