/**
 * The retransmission timers: RTO (RFC 6298), tail loss probe (RFC 8985 section 7) and reordering
 * timer (RFC 8985 section 6.2 step 5). At most one of them is armed, as in Linux
 * (icsk_pending): arming one replaces another.
 *
 *     none ──data is sent──▶ probe, or RTO ──SACKs leave a hole──▶ reordering
 *      ▲                      │        ▲                              │
 *      │                      │        └──expired, or nothing late────┘
 *      └──all acknowledged────┘
 *
 * The probe never expires later than the RTO would, and the reordering timer waits for a round trip
 * and a margin. When one of them has expired, the RTO is armed for the rest of its time (rto.ts).
 */
import { NEVER, type Micros } from '../../base/time.js';
import { Timer } from '../timers.js';

type RetransmitTimer = typeof Timer.rto | typeof Timer.tlp | typeof Timer.reorder;

export const isRetransmitTimer = (timer: Timer): timer is RetransmitTimer =>
  timer === Timer.rto || timer === Timer.tlp || timer === Timer.reorder;

export class RetransmitTimers {
  armed: RetransmitTimer | null = null;
  private readonly deadlines: Micros[];

  /**
   * `deadlines`: the connection's table by `Timer`, where at most one of the three is set. None has
   * a field of its own, because V8 would allocate for each deadline (test/cost).
   */
  constructor(deadlines: Micros[]) {
    this.deadlines = deadlines;
  }

  arm(timer: RetransmitTimer, deadline: Micros): void {
    if (this.armed !== timer) this.stop();
    this.armed = timer;
    this.deadlines[timer] = deadline;
  }

  stop(): void {
    if (this.armed !== null) this.deadlines[this.armed] = NEVER;
    this.armed = null;
  }
}
