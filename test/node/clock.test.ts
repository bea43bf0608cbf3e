import { expect, it } from 'vitest';
import { monotonicClock } from '../../src/node/clock.js';

it('the clock counts whole microseconds, and never goes back', () => {
  let last = monotonicClock();
  for (let i = 0; i < 10_000; i++) {
    const now = monotonicClock();
    expect(Number.isInteger(now)).toBe(true);
    expect(now).toBeGreaterThanOrEqual(last);
    last = now;
  }
});
