/**
 * The timers of a connection: a small table of deadlines. The stack keeps one heap of the
 * connections' next deadlines, and the shell arms a single system timer, so a thousand idle
 * connections need no system timers of their own.
 */
import { NEVER, type Micros } from '../base/time.js';
import { isRetransmitTimer, RetransmitTimers } from './recovery/retransmit-timers.js';
import { type Timer, TIMER_NAMES } from './timers.js';

const NONE_ARMED: readonly Micros[] = TIMER_NAMES.map(() => NEVER);

export class Timers {
  /** By `Timer`; NEVER if not armed. All are doubles, so that the engine stores them unboxed. */
  private readonly deadlines: Micros[] = NONE_ARMED.slice();
  /** RTO, tail loss probe and reordering timer: at most one of them is armed. */
  readonly retransmit = new RetransmitTimers(this.deadlines);

  /**
   * A deadline is a whole microsecond, as the clock is. A wait that is a fraction (of SRTT, or from
   * a rate) ends at the next one, because a timer must not expire early.
   */
  set(timer: Timer, deadline: Micros): void {
    const whole = Math.ceil(deadline);
    if (isRetransmitTimer(timer)) this.retransmit.arm(timer, whole);
    else this.deadlines[timer] = whole;
  }

  stop(timer: Timer): void {
    if (!isRetransmitTimer(timer)) this.deadlines[timer] = NEVER;
    else if (this.retransmit.armed === timer) this.retransmit.stop();
  }

  stopAll(): void {
    this.retransmit.stop();
    for (let timer = 0; timer < this.deadlines.length; timer++) this.deadlines[timer] = NEVER;
  }

  /** NEVER if not armed. */
  deadline(timer: Timer): Micros {
    return this.deadlines[timer]!;
  }

  isArmed(timer: Timer): boolean {
    return this.deadlines[timer]! !== NEVER;
  }

  isDue(timer: Timer, now: Micros): boolean {
    return this.deadlines[timer]! <= now;
  }

  next(): Micros {
    const d = this.deadlines;
    let next = NEVER;
    for (let i = 0; i < d.length; i++) if (d[i]! < next) next = d[i]!;
    return next;
  }
}
