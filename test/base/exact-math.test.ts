/** Functions that give the same bits on every engine, against the engine's own. */
import { describe, expect, it } from 'vitest';
import { cubeRoot, doubled, roundUpPowerOfTwo } from '../../src/base/exact-math.js';
import { SeededRandom } from '../../src/base/random.js';

/** Distance between two positive doubles, in units of the last place of `b`. */
function ulps(a: number, b: number): number {
  const ulp = 2 ** (Math.floor(Math.log2(b)) - 52);
  return Math.abs(a - b) / ulp;
}

describe('cubeRoot', () => {
  it('is within two units in the last place of the root, from 1e-9 to 1e18', () => {
    const random = new SeededRandom(1);
    let worst = 0;
    for (let i = 0; i < 100_000; i++) {
      const x = 10 ** (random.float() * 27 - 9);
      worst = Math.max(worst, ulps(cubeRoot(x), Math.cbrt(x)));
    }
    expect(worst).toBeLessThanOrEqual(2);
  });

  it('is exact at the powers of eight, and 0 for 0 and negative numbers', () => {
    expect([1, 8, 64, 512, 1 / 8, 2 ** 60].map(cubeRoot)).toEqual([1, 2, 4, 8, 0.5, 2 ** 20]);
    expect([0, -0, -8, NaN].map(cubeRoot)).toEqual([0, 0, 0, 0]);
  });
});

describe('doubled', () => {
  it('multiplies by a power of two', () => {
    expect([0, 1, 10, 53].map((n) => doubled(3, n))).toEqual([3, 6, 3072, 3 * 2 ** 53]);
  });

  it('ends at Infinity', () => {
    expect(doubled(1, 2000)).toBe(Infinity);
    expect(doubled(Infinity, Infinity)).toBe(Infinity);
    expect(doubled(0, 5)).toBe(0);
  });
});

describe('roundUpPowerOfTwo', () => {
  it('keeps powers of two and rounds other numbers up', () => {
    expect([1, 2, 3, 4, 5, 1000, 1024, 1025, 2 ** 31].map(roundUpPowerOfTwo)).toEqual([
      1,
      2,
      4,
      4,
      8,
      1024,
      1024,
      2048,
      2 ** 31,
    ]);
  });
});
