import { describe, expect, it } from 'vitest';
import type { Random } from '../../src/base/random.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { Address } from '../../src/ip/address.js';
import { IcmpLimiter } from '../../src/ip/icmp-limiter.js';

/** A random source whose `float()` always returns this value. */
const luck = (value: number): Random => ({ int32: () => 0, float: () => value });

const START = 5 * SECOND;
const to = (limiter: IcmpLimiter, host: number, now: number): boolean =>
  limiter.allow(Address.v4(host), now);

function count(n: number, allow: (i: number) => boolean): number {
  let allowed = 0;
  for (let i = 0; i < n; i++) if (allow(i)) allowed++;
  return allowed;
}

describe('ICMP errors', () => {
  it('to one host: six at once, then one a second', () => {
    const limiter = new IcmpLimiter(luck(0));
    expect(count(100, () => to(limiter, 1, START))).toBe(6);
    expect(count(100, () => to(limiter, 1, START + SECOND - MILLISECOND))).toBe(0);
    expect(count(100, () => to(limiter, 1, START + SECOND))).toBe(1);
    expect(count(100, () => to(limiter, 1, START + 4 * SECOND))).toBe(3);
    expect(count(100, () => to(limiter, 1, START + 1000 * SECOND))).toBe(6);
  });

  it('to all hosts: fifty at once, then a thousand a second', () => {
    const limiter = new IcmpLimiter(luck(0));
    expect(count(1000, (i) => to(limiter, i, START))).toBe(50);
    let now = START;
    const after = count(1000, (i) => to(limiter, 1000 + i, (now += MILLISECOND)));
    expect(after).toBe(1000);
  });

  it("that one host's limit refuses do not count against the limit of all hosts", () => {
    const limiter = new IcmpLimiter(luck(0));
    count(100_000, () => to(limiter, 1, START));
    expect(count(44, (i) => to(limiter, 2 + i, START))).toBe(44);
  });

  it.each([
    [0, 50],
    [0.5, 25],
    [0.99, 17],
  ])(
    'cost one to three of the fifty at random (%d), so that a peer cannot count them: %d are sent',
    (value, errors) => {
      const limiter = new IcmpLimiter(luck(value));
      expect(count(1000, (i) => to(limiter, i, START))).toBe(errors);
    },
  );

  it('are counted for a bounded number of hosts, and the least recent is evicted first', () => {
    const limiter = new IcmpLimiter(luck(0));
    let now = START;
    count(6, () => to(limiter, 7, now));
    for (let host = 100; host < 3100; host++) to(limiter, host, (now += MILLISECOND));
    expect((limiter as unknown as { hosts: Map<string, unknown> }).hosts.size).toBe(1024);
    // After eviction the host's limit starts again.
    expect(count(100, () => to(limiter, 7, now + 10 * MILLISECOND))).toBe(6);
  });
});
