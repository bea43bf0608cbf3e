import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { EphemeralPorts, FIRST_EPHEMERAL, LAST_EPHEMERAL } from '../../../src/stack/tcp/ports.js';

const COUNT = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;
const ephemeral = (seed = 1): EphemeralPorts => new EphemeralPorts(new SeededRandom(seed));

describe('ephemeral ports', () => {
  it.each([0, 1, -1, 0x7fffffff, -0x80000000])(
    'are each picked once within their range, until none is left: offset %i',
    (offset) => {
      const ports = ephemeral();
      const taken = new Set<number>();
      for (let i = 0; i < COUNT; i++) taken.add(ports.pick(offset, 1, (port) => !taken.has(port)));
      expect(taken.size).toBe(COUNT);
      expect([Math.min(...taken), Math.max(...taken)]).toEqual([FIRST_EPHEMERAL, LAST_EPHEMERAL]);
      expect(ports.pick(offset, 1, (port) => !taken.has(port))).toBe(0);
    },
  );

  it('find the last free port, wherever it is', () => {
    const ports = ephemeral();
    for (const free of [FIRST_EPHEMERAL, 40_000, LAST_EPHEMERAL])
      expect(ports.pick(77, 1, (port) => port === free)).toBe(free);
  });

  it('start at the hash of the destination', () => {
    const first = (offset: number): number =>
      ephemeral().pick(offset, 1, () => true) - FIRST_EPHEMERAL;
    expect((first(5) - first(4) + COUNT) % COUNT).toBe(1);
    expect((first(1005) - first(5) + COUNT) % COUNT).toBe(1000);
  });

  it('are not picked twice in a row, even if free again', () => {
    const ports = ephemeral();
    const picked = Array.from({ length: 1000 }, () => ports.pick(9, 1, () => true));
    expect(new Set(picked).size).toBe(1000);
  });

  it('to one destination are independent of other destinations, and their steps vary (RFC 6056 section 3.3.4)', () => {
    const [quiet, busy] = [ephemeral(3), ephemeral(3)];
    const pick = (ports: EphemeralPorts): number => ports.pick(1000, 7, () => true);
    const first = pick(quiet);
    expect(pick(busy)).toBe(first);
    for (let i = 0; i < 1000; i++) busy.pick(5000, 8, () => true);
    const step = (from: number, to: number): number => (to - from + COUNT) % COUNT;
    expect(step(first, pick(busy))).toBeLessThanOrEqual(8);
    const steps = new Set<number>();
    for (let i = 0, last = pick(quiet); i < 200; i++) {
      const next = pick(quiet);
      steps.add(step(last, next));
      last = next;
    }
    expect([...steps].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
