import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { Pacing } from '../../../src/tcp/send/pacing.js';

const MSS = 1000;
/** A segment a millisecond. */
const RATE = MSS * 1000;

/**
 * Sends whenever allowed, for `time`, with a timer that fires `late` after its deadline. Returns
 * the bytes sent.
 */
function send(pacing: Pacing, time: number, late: number, start = 0): number {
  let bytes = 0;
  for (let now = start; now < start + time;) {
    if (pacing.mustWait(now)) {
      now = pacing.nextAt + late;
      continue;
    }
    pacing.onSent(MSS, now);
    bytes += MSS;
  }
  return bytes;
}

function paced(): Pacing {
  const pacing = new Pacing();
  pacing.rate = RATE;
  return pacing;
}

describe('pacing', () => {
  it.each([0, 100, 900, 3500])(
    'keeps its rate with a timer that always fires %i us late',
    (late) => {
      const sent = send(paced(), SECOND, late);
      expect(sent).toBeGreaterThan(0.99 * RATE);
      expect(sent).toBeLessThan(1.01 * RATE);
    },
  );

  it('makes up for at most 4 ms of lateness', () => {
    const pacing = paced();
    pacing.onSent(MSS, 0);
    expect(pacing.mustWait(1)).toBe(true);
    const now = 50 * MILLISECOND;
    let burst = 0;
    for (; !pacing.mustWait(now); burst++) pacing.onSent(MSS, now);
    expect(burst).toBe(5);
  });

  it('does not make up for time without data to send', () => {
    const pacing = paced();
    pacing.onSent(MSS, 0);
    const now = 50 * MILLISECOND;
    pacing.onSent(MSS, now);
    expect(pacing.nextAt).toBe(now + MILLISECOND);
    // First pacing held it back, and then the window was full.
    expect(pacing.mustWait(now)).toBe(true);
    pacing.stopped();
    pacing.onSent(MSS, now + 10 * MILLISECOND);
    expect(pacing.nextAt).toBe(now + 11 * MILLISECOND);
  });

  it('does not delay unpaced connections', () => {
    const pacing = new Pacing();
    pacing.onSent(1e9, 0);
    expect(pacing.mustWait(0)).toBe(false);
    expect(pacing.quantum(MSS)).toBe(Infinity);
  });
});
