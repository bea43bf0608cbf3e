/**
 * ACK aggregation, for BBR: wireless links and receivers that save work send many ACKs at once, and
 * nothing in between. A window of the bandwidth-delay product would run dry in the gaps. So it is
 * measured how much more than `bandwidth * time` was acknowledged in a burst, and the window gets
 * that on top.
 *
 *     acked │      ┌────╱        ╱ bandwidth * time since the epoch began
 *           │      │  ╱          the step above the line is extra_acked;
 *           │  ┌───┘╱            an epoch ends when the line catches up
 *           │──┘ ╱
 */
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';

/** Two windows of so many round trips each: the largest burst of the last five to ten. */
const WINDOW_ROUNDS = 5;
/** Counting starts anew, so that an epoch cannot last for ever. */
const MOST_IN_EPOCH = 1 << 20;

export class AckAggregation {
  private epochStart: Micros = 0;
  private epochAcked: Segments = 0;
  private newest: Segments = 0;
  private older: Segments = 0;
  private rounds = 0;

  /** Segments of the largest recent burst. */
  get extraAcked(): Segments {
    return Math.max(this.newest, this.older);
  }

  /** `acked` segments came; `bandwidth` in segments a microsecond. */
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
