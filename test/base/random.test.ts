import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';

const take = (seed: number, count: number): number[] => {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => random.int32());
};

describe('SeededRandom', () => {
  it('repeats its numbers for a seed, and neighbouring seeds share no number', () => {
    for (let seed = -50; seed < 50; seed++) {
      const numbers = take(seed, 20);
      expect(take(seed, 20)).toEqual(numbers);
      expect(numbers.every((n) => n === (n | 0))).toBe(true);
      const others = new Set(take(seed + 1, 20));
      expect(numbers.filter((n) => others.has(n))).toEqual([]);
    }
  });

  it('sets every bit half of the time, also the first number of a seed', () => {
    const runs = [take(7, 10_000), Array.from({ length: 10_000 }, (_, seed) => take(seed, 1)[0]!)];
    for (const numbers of runs) {
      for (let bit = 0; bit < 32; bit++) {
        const ones = numbers.filter((n) => (n >>> bit) & 1).length;
        // Expected: 5000, with a standard deviation of 50. Allowed: six standard deviations.
        expect(Math.abs(ones - 5000), `bit ${bit}`).toBeLessThan(300);
      }
    }
  });

  it('is uniform below a bound, and never reaches it', () => {
    const random = new SeededRandom(3);
    for (const bound of [1, 2, 7, 100]) {
      const counts = new Array<number>(bound).fill(0);
      for (let i = 0; i < bound * 1000; i++) counts[random.below(bound)]!++;
      expect(counts).toHaveLength(bound);
      for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(200);
    }
    for (let i = 0; i < 10_000; i++) {
      const x = random.float();
      expect(x >= 0 && x < 1).toBe(true);
    }
  });
});
