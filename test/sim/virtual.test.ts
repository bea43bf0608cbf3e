import { describe, expect, it } from 'vitest';
import { MINUTE, NEVER, SECOND } from '../../src/base/time.js';
import { VirtualTime, type Drivable } from './virtual.js';

/** Has the given deadlines, and records when each was handled. */
function alarm(name: string, log: string[], ...times: number[]): Drivable {
  return {
    nextTimeout: () => times[0] ?? NEVER,
    onTimeout: (now) => {
      times.shift();
      log.push(`${name}@${now}`);
    },
  };
}

describe('VirtualTime', () => {
  it('jumps from deadline to deadline in order of time, then in order of adding', () => {
    const log: string[] = [];
    const time = new VirtualTime(0).add(alarm('b', log, 5, 7), alarm('a', log, 5, 600 * SECOND));
    expect(time.runToQuiescence()).toBe(true);
    expect(log).toEqual(['b@5', 'a@5', 'b@7', `a@${600 * SECOND}`]);
    expect(time.now).toBe(600 * SECOND);
  });

  it('stops when the condition holds, without deadlines, or at the time limit', () => {
    const log: string[] = [];
    const time = new VirtualTime(0).add(alarm('a', log, 1, 2, 3 * MINUTE));
    expect(time.runUntil(() => log.length === 1)).toBe(true);
    expect(time.now).toBe(1);
    expect(time.runUntil(() => false, MINUTE)).toBe(false);
    expect(time.now).toBe(1 + MINUTE);
    expect(log.length).toBe(2);
    expect(time.runUntil(() => log.length === 9)).toBe(false);
    expect(time.now).toBe(3 * MINUTE);
    time.pass(SECOND);
    expect(time.now).toBe(3 * MINUTE + SECOND);
  });

  it('runs overdue deadlines at once and never turns the clock back', () => {
    const log: string[] = [];
    const time = new VirtualTime(100).add(alarm('a', log, 0));
    expect(time.step()).toBe(true);
    expect(log).toEqual(['a@100']);
  });

  it('throws if a run would never end', () => {
    const busy: Drivable = { nextTimeout: () => 0, onTimeout: () => undefined };
    expect(() => new VirtualTime(1).add(busy).runToQuiescence()).toThrow('no end at 1 us');
  });
});
