/**
 * Compares the throughput of flows with theory. With one packet in n lost, the average window is
 * what the RFCs' response functions give; two flows share a bottleneck fairly. All in virtual time.
 * The table over losses, round trips and controls is made by `npm run throughput`.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import type { CongestionName } from '../../src/tcp/congestion/index.js';
import { Bulk, jainIndex } from './bulk.js';

const MSS = 1448;

/**
 * Average window in segments with one of `every` packets lost, over many cycles of cut and growth.
 */
function averageWindow(congestionControl: CongestionName, rttMs: number, every: number): number {
  const config = { congestionControl, slowStartAfterIdle: false };
  const bulk = new Bulk({
    rtt: rttMs * MILLISECOND,
    rate: 10e9,
    lossEvery: every,
    flows: [config],
  });
  // Slow start ends at the first loss; a cycle lasts about two thirds of a window in round trips,
  // and longer with CUBIC.
  const cycle = 2 * Math.sqrt(every) * rttMs * MILLISECOND + 5 * SECOND;
  bulk.run(3 * cycle);
  const duration = 12 * cycle;
  const [bytes] = bulk.run(duration);
  return (bytes! / MSS) * ((rttMs * MILLISECOND) / duration);
}

/** RFC 5681's Reno: RFC 9438 figure 1's AIMD(1, 0.5). */
const renoWindow = (p: number): number => Math.sqrt(1.5 / p);
/** RFC 9438 equation 6, with beta 0.7 and C 0.4. */
const cubicWindow = (p: number, rttMs: number): number =>
  ((0.4 * (3 + 0.7)) / (4 * (1 - 0.7))) ** 0.25 * (rttMs / 1000 / p) ** 0.75;

describe('response functions, within 15 %', () => {
  it.each([
    [20, 200],
    [100, 400],
    [300, 400],
  ])('Reno at %i ms with one of %i packets lost', (rttMs, every) => {
    const ratio = averageWindow('reno', rttMs, every) / renoWindow(1 / every);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  // Only where CUBIC's window is larger than Reno's by a fifth at least. Elsewhere CUBIC follows
  // Reno (section 4.3).
  it.each([
    [300, 400],
    [200, 700],
  ])('CUBIC at %i ms with one of %i packets lost', (rttMs, every) => {
    expect(cubicWindow(1 / every, rttMs)).toBeGreaterThan(1.2 * renoWindow(1 / every));
    const ratio = averageWindow('cubic', rttMs, every) / cubicWindow(1 / every, rttMs);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.15);
  });

  it("CUBIC is as fast as Reno where Reno's window is larger (RFC 9438 section 4.3)", () => {
    expect(averageWindow('cubic', 20, 400)).toBeGreaterThan(0.85 * renoWindow(1 / 400));
  });
});

describe('fairness: two flows at a bottleneck', () => {
  it.each<[CongestionName, number]>([
    ['cubic', 20],
    ['cubic', 40],
    ['cubic', 100],
    ['reno', 20],
    ['reno', 40],
    ['bbr', 40],
  ])('%s: Jain index of at least 0.95 at equal round trips of %i ms', (name, rttMs) => {
    const config = { congestionControl: name, slowStartAfterIdle: false };
    const bulk = new Bulk({
      rtt: rttMs * MILLISECOND,
      rate: 20e6,
      flows: [config, config],
      apart: SECOND,
    });
    bulk.run(20 * SECOND);
    const shares = bulk.run(60 * SECOND);
    expect(jainIndex(shares)).toBeGreaterThan(0.95);
    expect((shares[0]! + shares[1]!) * 8).toBeGreaterThan(0.9 * 20e6 * 60);
  });
});
