/**
 * ACK aggregation, for BBR. Wireless links and some receivers send many ACKs at once and none in
 * between, so a window of one bandwidth-delay product would run out in the gaps. This measures by
 * how much a burst of ACKs exceeds `bandwidth * time`; BBR adds the excess to its window.
 *
 *     acked │      ┌────╱        ╱ bandwidth * time since the epoch began
 *           │      │  ╱          the step above the line is extra_acked;
 *           │  ┌───┘╱            an epoch ends when the line catches up
 *           │──┘ ╱
 */
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';

/**
 * Round trips in each of two windows: the largest burst of the last five to ten round trips counts.
 */
const WINDOW_ROUNDS = 5;
/** At this many segments a new epoch begins, so that no epoch lasts forever. */
const MOST_IN_EPOCH = 1 << 20;

export class AckAggregation {
  private epochStart: Micros = 0;
  private epochAcked: Segments = 0;
  private newest: Segments = 0;
  private older: Segments = 0;
  private rounds = 0;

  /** The largest recent excess, in segments. */
  get extraAcked(): Segments {
    return Math.max(this.newest, this.older);
  }

  /** `acked`: newly delivered segments. `bandwidth`: segments per microsecond. */
  onAck(
    acked: Segments,
    bandwidth: number,
    cwnd: Segments,
    roundStart: boolean,
    now: Micros,
  ): void {
    if (roundStart && ++this.rounds >= WINDOW_ROUNDS) {
      this.rounds = 0;
      this.older = this.newest;
      this.newest = 0;
    }
    let expected = bandwidth * (now - this.epochStart);
    if (this.epochAcked <= expected || this.epochAcked + acked >= MOST_IN_EPOCH) {
      this.restart(now);
      expected = 0;
    }
    this.epochAcked += acked;
    const extra = Math.min(Math.floor(this.epochAcked - expected), cwnd);
    if (extra > this.newest) this.newest = extra;
  }

  restart(now: Micros): void {
    this.epochStart = now;
    this.epochAcked = 0;
  }
}
