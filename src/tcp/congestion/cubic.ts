/**
 * CUBIC (RFC 9438): after a cut the window comes back to where it was lost (W_max) quickly, stays
 * there for a while, and then looks for more, faster and faster. Time decides, not round trips:
 * paths of different length share fairly.
 *
 *     W_max ┄┄┄┄┄┄┄┄┄┄┄┄┄┄____───╱      W(t) = C (t - K)^3 + W_max
 *                  ╱──           convex: probing
 *      concave ╱                 K = cbrt((W_max - cwnd) / C): when W_max is reached again
 *     ─────┼─────────────K────▶ t
 *
 * Where Reno would have more (short round trips, small windows), it takes Reno's (section 4.3).
 * Counts are segments, times here are seconds. As Linux: beta is 717/1024, growth at most half the
 * window a round trip, and a first epoch without a W_max grows by 5 % a round trip at least.
 */
import { SECOND, type Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import type { Congestion, CongestionControl } from './control.js';
import { Growth } from './growth.js';
import type { SlowStartExit } from './slow-start-exit.js';

/** Section 4.6, as a fraction of 1024. */
const BETA = 717 / 1024;
/** Section 4.1: how steep the curve is, segments a second cubed. */
const C = 0.4;
/** Section 4.3: with this increase the average is Reno's. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
const MIN_SSTHRESH = 2;
/** cwnd grows by one for so many acknowledged at least, and at most when nothing else is known. */
const FASTEST = 2;
const SLOWEST_AT_FIRST = 20;

/** What one congestion event changes, and undo restores (section 4.9). */
interface Memory {
  cwnd: Segments;
  ssthresh: Segments;
  wMax: Segments;
  cwndPrior: Segments;
  k: number;
  origin: Segments;
  epochStart: Micros;
  wEst: Segments;
}

export class Cubic implements CongestionControl {
  readonly name = 'cubic';
  readonly modelBased = false;
  readonly pacingRate = Infinity;
  cwnd: Segments = 1;
  ssthresh: Segments = Infinity;
  /**
   * Where the curve is flat: the window before the last cut, or less (section 4.7); 0 when nothing
   * is known.
   */
  private wMax: Segments = 0;
  /** The window before the last cut itself. */
  private cwndPrior: Segments = 0;
  private k = 0;
  /** The curve's middle: W_max, or cwnd where an epoch begins above it. */
  private origin: Segments = 0;
  /** When congestion avoidance began; NaN before it does. */
  private epochStart: Micros = NaN;
  /** W_est: what Reno would have by now. */
  private wEst: Segments = 0;
  private readonly growth = new Growth();
  private readonly exit: SlowStartExit;
  private before: Memory | null = null;

  constructor(exit: SlowStartExit) {
    this.exit = exit;
  }

  start(initialWindow: Segments): void {
    this.cwnd = initialWindow;
  }

  onAck(s: AckSample): void {
    if (!s.mayGrow || !s.cwndLimited) return;
    let acked = s.acked;
    if (this.cwnd < this.ssthresh) {
      const allowed = this.exit.growth(s, this.cwnd);
      if (this.exit.done) {
        this.ssthresh = this.cwnd;
      } else {
        this.cwnd = this.growth.slowStart(this.cwnd, this.ssthresh, allowed);
        acked = allowed === s.acked ? this.growth.rest : 0;
      }
      if (acked === 0) return;
    }
    this.cwnd = this.growth.avoid(this.cwnd, this.ackedForOneMore(acked, s), acked);
  }

  /** Section 4.2: how many acknowledged segments are worth one more segment of window now. */
  private ackedForOneMore(acked: Segments, s: AckSample): Segments {
    if (Number.isNaN(this.epochStart)) this.beginEpoch(s.now);
    const cwnd = this.cwnd;
    const minRtt = s.minRtt === Infinity ? 0 : s.minRtt;
    // A round trip ahead: what is decided now shows then.
    const t = (s.now - this.epochStart + minRtt) / SECOND;
    const target = this.origin + C * (t - this.k) ** 3;
    let per = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;
    if (this.wMax === 0) per = Math.min(per, SLOWEST_AT_FIRST);
    per = Math.min(per, this.friendlyPace(acked, cwnd));
    return Math.max(per, FASTEST);
  }

  /**
   * Section 4.3: never slower than Reno. Once W_est is back at the window before the cut, it grows
   * by one a round trip, as Reno's would.
   */
  private friendlyPace(acked: Segments, cwnd: Segments): Segments {
    this.wEst += ((this.wEst >= this.cwndPrior ? 1 : ALPHA) * acked) / cwnd;
    return this.wEst > cwnd ? cwnd / (this.wEst - cwnd) : Infinity;
  }

  private beginEpoch(now: Micros): void {
    this.epochStart = now;
    this.wEst = this.cwnd;
    if (this.wMax <= this.cwnd) {
      this.k = 0;
      this.origin = this.cwnd;
    } else {
      this.k = Math.cbrt((this.wMax - this.cwnd) / C);
      this.origin = this.wMax;
    }
    this.growth.reset();
  }

  onCongestion(why: Congestion, window: Segments): void {
    const { cwnd, ssthresh, wMax, cwndPrior, k, origin, epochStart, wEst } = this;
    this.before = { cwnd, ssthresh, wMax, cwndPrior, k, origin, epochStart, wEst };
    // Section 4.7, fast convergence: a flow whose window shrinks from loss to loss makes room for
    // new ones.
    this.wMax = window < this.wMax ? (window * (1 + BETA)) / 2 : window;
    // Section 4.8: the path may be another one; the curve begins (K = 0) where slow start ends.
    if (why === 'timeout') this.wMax = 0;
    this.cwndPrior = window;
    this.ssthresh = Math.max(Math.floor(window * BETA), MIN_SSTHRESH);
    this.epochStart = NaN;
    this.exit.onCongestion();
  }

  onUndo(): void {
    if (this.before === null) return;
    const { cwnd, ssthresh, wMax, cwndPrior, k, origin, epochStart, wEst } = this.before;
    this.before = null;
    this.cwnd = Math.max(this.cwnd, cwnd);
    this.ssthresh = Math.max(this.ssthresh, ssthresh);
    this.wMax = wMax;
    this.cwndPrior = cwndPrior;
    this.k = k;
    this.origin = origin;
    this.epochStart = epochStart;
    this.wEst = wEst;
  }

  onRecovered(): void {}

  /** Section 5.8: time in which nothing was sent does not count. */
  onSendAfterIdle(idleSince: Micros, _appLimited: boolean, now: Micros): void {
    if (!Number.isNaN(this.epochStart))
      this.epochStart = Math.min(now, this.epochStart + (now - idleSince));
  }
}
