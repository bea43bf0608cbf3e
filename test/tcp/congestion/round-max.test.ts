import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RoundMax } from '../../../src/tcp/congestion/round-max.js';

it('is the largest value of this round trip and the ten before it, against a list of all', () => {
  const notes = fc.array(fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 1000 })), {
    minLength: 1,
    maxLength: 60,
  });
  fc.assert(
    fc.property(notes, (steps) => {
      const max = new RoundMax(10);
      const all: [number, number][] = [];
      let round = 0;
      for (const [later, value] of steps) {
        // Mostly the same round or the next.
        round += later > 8 ? later : later % 2;
        max.note(value, round);
        all.push([round, value]);
        expect(max.value).toBe(Math.max(...all.filter(([r]) => r >= round - 10).map(([, v]) => v)));
      }
    }),
    { seed: 20_161_020, numRuns: 500 },
  );
});
