import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Counts } from '../../src/base/counts.js';

describe('Counts', () => {
  it('counts each key up and down, never below zero, and keeps few keys with a count of 0', () => {
    const step = fc.record({ key: fc.nat(300), up: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 2000 }), (steps) => {
        const counts = new Counts<number>();
        const map = Object.values(counts).find((value) => value instanceof Map) as Map<
          number,
          number
        >;
        const twin = new Map<number, number>();
        for (const { key, up } of steps) {
          const n = twin.get(key) ?? 0;
          if (up) counts.add(key);
          else counts.remove(key);
          twin.set(key, Math.max(0, n + (up ? 1 : -1)));
          expect(counts.of(key)).toBe(twin.get(key));
          const size = [...twin.values()].filter((n) => n > 0).length;
          expect(counts.size).toBe(size);
          expect(map.size).toBeLessThanOrEqual(2 * size + 64);
        }
      }),
      { numRuns: 50, seed: 1 },
    );
  });

  it('is bounded when each key is used once', () => {
    const counts = new Counts<number>();
    const map = Object.values(counts).find((value) => value instanceof Map) as Map<number, number>;
    for (let key = 0; key < 1000; key++) {
      counts.add(key);
      counts.remove(key);
      expect(map.size).toBeLessThanOrEqual(65);
    }
    expect(counts.size).toBe(0);
  });
});
