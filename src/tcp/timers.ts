/**
 * The timers of a connection: a small table of deadlines. The stack keeps one heap of the
 * connections' next deadlines, and the shell arms a single system timer, so a thousand idle
 * connections need no system timers of their own.
 */
import { NEVER, type Micros } from '../base/time.js';

export const Timer = {
  /** Retransmission timeout, RFC 6298. Also retransmits SYN, SYN-ACK and FIN. */
  rto: 0,
  /** Zero-window probe, RFC 9293 section 3.8.6.1. */
  persist: 1,
  /** Delayed ACK, RFC 9293 section 3.8.6.3. */
  delayedAck: 2,
  /** Keep-alive, RFC 9293 section 3.8.4. */
  keepAlive: 3,
  /** FIN-WAIT-2 of an orphan (Linux's tcp_fin_timeout). */
  finWait2: 4,
  /**
   * Tail loss probe, RFC 8985 section 7: armed instead of the retransmission timer outside loss
   * recovery.
   */
  tlp: 5,
  /** RACK's reordering timer, RFC 8985 section 6.2 step 5. */
  reorder: 6,
  /** Output continues when pacing allows. */
  pacing: 7,
} as const;

export type Timer = (typeof Timer)[keyof typeof Timer];

export const TIMER_NAMES = [
  'rto',
  'persist',
  'delayed-ack',
  'keep-alive',
  'fin-wait-2',
  'tlp',
  'reorder',
  'pacing',
] as const;

const NONE_ARMED: readonly Micros[] = TIMER_NAMES.map(() => NEVER);

export class Timers {
  /**
   * By `Timer`; NEVER if not armed. All values are doubles, so that the engine stores them unboxed.
   */
  private readonly deadlines: Micros[] = NONE_ARMED.slice();

  set(timer: Timer, deadline: Micros): void {
    this.deadlines[timer] = deadline;
  }

  stop(timer: Timer): void {
    this.deadlines[timer] = NEVER;
  }

  stopAll(): void {
    for (let timer = 0; timer < this.deadlines.length; timer++) this.deadlines[timer] = NEVER;
  }

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
