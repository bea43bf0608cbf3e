/** RTO, tail loss probe and reordering timer: at most one of them is armed. */
import { describe, expect, it } from 'vitest';
import { NEVER } from '../../../src/base/time.js';
import { RetransmitTimers } from '../../../src/tcp/recovery/retransmit-timers.js';
import { Timers } from '../../../src/tcp/timer-table.js';
import { Timer, TIMER_NAMES } from '../../../src/tcp/timers.js';

describe('RetransmitTimers alone', () => {
  it('arming one replaces another and its deadline', () => {
    const table = TIMER_NAMES.map(() => NEVER);
    const timers = new RetransmitTimers(table);
    const state = (): unknown[] => [timers.armed, table.filter((deadline) => deadline !== NEVER)];
    expect(state()).toEqual([null, []]);
    timers.arm(Timer.rto, 1000);
    timers.arm(Timer.tlp, 400);
    expect(state()).toEqual([Timer.tlp, [400]]);
    timers.arm(Timer.reorder, 700);
    expect(state()).toEqual([Timer.reorder, [700]]);
    timers.stop();
    expect(state()).toEqual([null, []]);
  });
});

describe('in the table of a connection', () => {
  it('the three share one entry, and each other timer has its own', () => {
    const timers = new Timers();
    timers.set(Timer.rto, 1000);
    timers.set(Timer.keepAlive, 900);
    timers.set(Timer.reorder, 500);
    expect(timers.isArmed(Timer.rto)).toBe(false);
    expect(timers.deadline(Timer.reorder)).toBe(500);
    expect(timers.next()).toBe(500);
    timers.stop(Timer.rto); // not armed: stops nothing
    expect(timers.isDue(Timer.reorder, 500)).toBe(true);
    timers.stop(Timer.reorder);
    expect(timers.next()).toBe(900);
    timers.set(Timer.tlp, 100);
    timers.stopAll();
    expect(timers.next()).toBe(NEVER);
  });
});
