/**
 * HyStart++ (RFC 9406): when the smallest delay of a round trip rises, slow start does not end at
 * once, because the rise may be jitter. Five rounds of Conservative Slow Start follow, with a
 * quarter of the growth. If the delay falls below its value at their beginning, slow start resumes.
 *
 *     slow start ──delay rose──▶ conservative ──5 rounds──▶ congestion avoidance
 *         ▲───────delay fell──────────┘
 */
import { seqGt, type Seq } from '../../base/seq.js';
import { MILLISECOND, type Micros } from '../../base/time.js';
import type { AckSample } from './ack-sample.js';
import type { SlowStartExit } from './slow-start-exit.js';

// RFC 9406 section 4.3.
const MIN_RTT_THRESH: Micros = 4 * MILLISECOND;
const MAX_RTT_THRESH: Micros = 16 * MILLISECOND;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** Maximum growth per ACK without pacing, in segments. */
const L = 8;

export class HystartPlusPlus implements SlowStartExit {
  done = false;
  private over = false;
  private started = false;
  private windowEnd: Seq = 0;
  private lastRoundMinRtt: Micros = Infinity;
  private currentRoundMinRtt: Micros = Infinity;
  private samples = 0;
  /** The smallest delay when Conservative Slow Start began; Infinity outside it. */
  private cssBaselineMinRtt: Micros = Infinity;
  private cssRounds = 0;
  /** Quarters of a segment of growth not yet used. */
  private quarters = 0;

  growth(s: AckSample): number {
    if (this.done) this.onCongestion();
    if (this.over) return s.acked;
    if (!this.started || seqGt(s.una, this.windowEnd)) this.newRound(s);
    if (s.rtt > 0) {
      this.currentRoundMinRtt = Math.min(this.currentRoundMinRtt, s.rtt);
      this.samples++;
    }
    const allowed = s.paced ? s.acked : Math.min(s.acked, L);
    if (this.cssBaselineMinRtt === Infinity) {
      this.lookForDelay();
      return allowed;
    }
    // Section 4.2: the delay fell again, so the rise was jitter.
    if (this.samples >= N_RTT_SAMPLE && this.currentRoundMinRtt < this.cssBaselineMinRtt) {
      this.cssBaselineMinRtt = Infinity;
      return allowed;
    }
    this.quarters += allowed;
    const grown = Math.floor(this.quarters / CSS_GROWTH_DIVISOR);
    this.quarters -= grown * CSS_GROWTH_DIVISOR;
    return grown;
  }

  private newRound(s: AckSample): void {
    if (this.cssBaselineMinRtt !== Infinity && ++this.cssRounds >= CSS_ROUNDS) this.done = true;
    this.started = true;
    this.windowEnd = s.nxt;
    this.lastRoundMinRtt = this.currentRoundMinRtt;
    this.currentRoundMinRtt = Infinity;
    this.samples = 0;
  }

  private lookForDelay(): void {
    if (this.samples < N_RTT_SAMPLE || this.lastRoundMinRtt === Infinity) return;
    const threshold = Math.min(
      Math.max(this.lastRoundMinRtt / MIN_RTT_DIVISOR, MIN_RTT_THRESH),
      MAX_RTT_THRESH,
    );
    if (this.currentRoundMinRtt < this.lastRoundMinRtt + threshold) return;
    this.cssBaselineMinRtt = this.currentRoundMinRtt;
    this.cssRounds = 0;
    this.quarters = 0;
  }

  /** Section 4.3: HyStart++ applies only to the initial slow start. */
  onCongestion(): void {
    this.over = true;
    this.done = false;
  }
}
