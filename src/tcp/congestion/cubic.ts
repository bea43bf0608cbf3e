/**
 * CUBIC (RFC 9438): after a reduction the window quickly returns to the size at which the loss
 * occurred (W_max), stays near it for a while, and then grows faster and faster. Growth depends on
 * time, not on round trips, so that paths with different round-trip times share more fairly.
 *
 *     W_max ┄┄┄┄┄┄┄┄┄┄┄┄┄┄____───╱      W(t) = C (t - K)^3 + W_max
 *                  ╱──           convex: probing
 *      concave ╱                 K = cbrt((W_max - cwnd) / C): when W_max is reached again
 *     ─────┼─────────────K────▶ t
 *
 * If Reno's window would be larger (short round trips, small windows), CUBIC grows like Reno
 * (section 4.3). Counts are segments; times in formulas are seconds. As in Linux, beta is 717/1024,
 * the window grows by at most half of it per round trip, and by at least 5 % in an epoch without a
 * W_max.
 */
import { cubeRoot } from '../../base/exact-math.js';
import { SECOND, type Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import type { Congestion, CongestionControl } from './control.js';
import { Growth } from './growth.js';
import type { SlowStartExit } from './slow-start-exit.js';
import { MIN_SSTHRESH } from './window.js';

/** Section 4.6: the window after a loss, as a fraction of the window before it. */
const BETA = 717 / 1024;
/** Section 4.1: how steep the curve is, in segments per second cubed. */
const C = 0.4;
/** Section 4.3: with this increase the average window is Reno's. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
/**
 * Acknowledged segments for each segment of growth: at least 2, and at most 20 while W_max is
 * unknown.
 */
const FASTEST = 2;
const SLOWEST_AT_FIRST = 20;

/** The state that a congestion event changes and undo restores (section 4.9). */
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
   * W_max, where the curve is flat: the window before the last reduction, or less (section 4.7); 0
   * if unknown.
   */
  private wMax: Segments = 0;
  /** The window before the last reduction. */
  private cwndPrior: Segments = 0;
  private k = 0;
  /** The curve's inflection point: W_max, or cwnd if an epoch begins at or above it. */
  private origin: Segments = 0;
  /** When congestion avoidance began; NaN before that. */
  private epochStart: Micros = NaN;
  /** W_est: Reno's window at this time. */
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

  /** Section 4.2: number of acknowledged segments for which cwnd grows by one segment now. */
  private ackedForOneMore(acked: Segments, s: AckSample): Segments {
    if (Number.isNaN(this.epochStart)) this.beginEpoch(s.now);
    const cwnd = this.cwnd;
    const minRtt = s.minRtt === Infinity ? 0 : s.minRtt;
    // One round trip ahead, because a change of cwnd takes effect then.
    const t = (s.now - this.epochStart + minRtt) / SECOND;
    const target = this.origin + C * cubed(t - this.k);
    let per = target > cwnd ? cwnd / (target - cwnd) : 100 * cwnd;
    if (this.wMax === 0) per = Math.min(per, SLOWEST_AT_FIRST);
    per = Math.min(per, this.friendlyPace(acked, cwnd));
    return Math.max(per, FASTEST);
  }

  /**
   * Section 4.3: growth is never slower than Reno's. Once W_est reaches the window before the
   * reduction, it grows by one segment per round trip, as Reno's does.
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
      this.k = cubeRoot((this.wMax - this.cwnd) / C);
      this.origin = this.wMax;
    }
    this.growth.reset();
  }

  onCongestion(why: Congestion, window: Segments): void {
    const { cwnd, ssthresh, wMax, cwndPrior, k, origin, epochStart, wEst } = this;
    this.before = { cwnd, ssthresh, wMax, cwndPrior, k, origin, epochStart, wEst };
    // Section 4.7, fast convergence: a flow whose window shrinks from loss to loss releases
    // bandwidth to new flows.
    this.wMax = window < this.wMax ? (window * (1 + BETA)) / 2 : window;
    // Section 4.8: the path may have changed, so the curve begins (K = 0) where slow start ends.
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

  /** Section 5.8: idle time does not count. */
  onSendAfterIdle(idleSince: Micros, _appLimited: boolean, now: Micros): void {
    if (!Number.isNaN(this.epochStart))
      this.epochStart = Math.min(now, this.epochStart + (now - idleSince));
  }
}

const cubed = (x: number): number => x * x * x;
