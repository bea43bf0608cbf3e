import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../src/base/ring.js';

describe('Ring', () => {
  it('is a queue that behaves like an array', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.integer(), fc.constant('shift')), { maxLength: 200 }),
        (steps) => {
          const ring = new Ring<number | string>();
          const twin: (number | string)[] = [];
          for (const step of steps) {
            if (step === 'shift') expect(ring.shift()).toBe(twin.shift());
            else {
              ring.push(step);
              twin.push(step);
            }
            expect(ring.length).toBe(twin.length);
          }
          expect(twin.map((_, i) => ring.at(i))).toEqual(twin);
          expect([ring.at(-1), ring.at(twin.length)]).toEqual([undefined, undefined]);
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});
