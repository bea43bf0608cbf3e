/**
 * Pacing: segments leave at a rate, not in bursts of a window. No timer a segment: output sends
 * about a millisecond's worth (as Linux's TSO autosizing, never less than two segments), and the
 * connection's one pacing deadline says when it may go on.
 *
 *     nextAt ─▶ send, nextAt += bytes / rate ─▶ still in the past? send more ─▶ wait for nextAt
 *
 * Linux has a timer of microseconds for it. Ours may be late by more than the time between two
 * segments, and so the rate must hold on average.
 */
import { MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';

const QUANTUM: Micros = MILLISECOND;
/**
 * An event loop's timers come up to a few milliseconds late. What that cost is made up for, as far
 * as this: more would be a burst.
 */
const MOST_LATE: Micros = 4 * MILLISECOND;

export class Pacing {
  /** Bytes a second; Infinity: not paced. */
  rate = Infinity;
  /** Nothing is sent before. */
  nextAt: Micros = 0;
  /** It was for pacing alone that something waited until `nextAt`. */
  private held = false;

  /** Most bytes for the next (super-)segment. */
  quantum(mss: Bytes): Bytes {
    return this.rate === Infinity ? Infinity : Math.max(2 * mss, (this.rate * QUANTUM) / SECOND);
  }

  mustWait(now: Micros): boolean {
    if (this.rate === Infinity || this.nextAt <= now) return false;
    this.held = true;
    return true;
  }

  onSent(bytes: Bytes, now: Micros): void {
    if (this.rate === Infinity) return;
    // Time in which there was nothing to send, or no window, is not made up for; that by which the
    // timer was late is.
    const since = this.held ? Math.max(this.nextAt, now - MOST_LATE) : Math.max(this.nextAt, now);
    this.nextAt = since + (bytes * SECOND) / this.rate;
    if (this.nextAt >= now) this.held = false;
  }

  /** Something else than pacing holds back what is left, or nothing is. */
  stopped(): void {
    this.held = false;
  }
}
