import { describe, expect, it } from 'vitest';
import { EphemeralPorts, FIRST_EPHEMERAL, LAST_EPHEMERAL } from '../../src/stack/ports.js';

const COUNT = LAST_EPHEMERAL - FIRST_EPHEMERAL + 1;

describe('ephemeral ports', () => {
  it.each([0, 1, -1, 0x7fffffff, -0x80000000])(
    'are each picked once, in their range, then none: offset %i',
    (offset) => {
      const ports = new EphemeralPorts();
      const taken = new Set<number>();
      for (let i = 0; i < COUNT; i++) taken.add(ports.pick(offset, (port) => !taken.has(port)));
      expect(taken.size).toBe(COUNT);
      expect([Math.min(...taken), Math.max(...taken)]).toEqual([FIRST_EPHEMERAL, LAST_EPHEMERAL]);
      expect(ports.pick(offset, (port) => !taken.has(port))).toBe(0);
    },
  );

  it('find the last free one, wherever it is', () => {
    const ports = new EphemeralPorts();
    for (const free of [FIRST_EPHEMERAL, 40_000, LAST_EPHEMERAL])
      expect(ports.pick(77, (port) => port === free)).toBe(free);
  });

  it("begin where the destination's hash says", () => {
    const first = (offset: number): number => new EphemeralPorts().pick(offset, () => true);
    expect(first(5) - first(4)).toBe(1);
    expect(first(5)).toBe(FIRST_EPHEMERAL + 5);
  });

  it('are not given twice in a row, even when they are free again', () => {
    const ports = new EphemeralPorts();
    const picked = Array.from({ length: 100 }, () => ports.pick(9, () => true));
    expect(new Set(picked).size).toBe(100);
  });
});
