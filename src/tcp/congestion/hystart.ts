/**
 * HyStart as in Linux: slow start ends when the path is full, before its queue overflows. Two signs
 * are checked in each round trip:
 *
 *     ACK train   closely spaced ACKs arrive for longer than half the smallest round-trip time:
 *                 the window fills the path
 *     delay       the smallest of the round's first RTT samples is more than clamp(minRtt/8, 4 ms,
 *                 16 ms) above the smallest RTT of all: a queue grows
 *
 * Both are ignored while cwnd is below 16 segments, because they are unreliable there. (Ha and
 * Rhee, "Taming the elephants", 2011.)
 */
import { seqGt, type Seq } from '../../base/seq.js';
import { MILLISECOND, type Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import type { SlowStartExit } from './slow-start-exit.js';

const LOW_WINDOW = 16;
const MIN_SAMPLES = 8;
const ACK_SPACING: Micros = 2 * MILLISECOND;
const DELAY_MIN: Micros = 4 * MILLISECOND;
const DELAY_MAX: Micros = 16 * MILLISECOND;

/** The signs that are checked: bits of tcp_cubic's hystart_detect. */
export const HystartSign = { ackTrain: 1, delay: 2, both: 3 } as const;
export type HystartSign = (typeof HystartSign)[keyof typeof HystartSign];

export class Hystart implements SlowStartExit {
  done = false;
  private readonly signs: HystartSign;
  private found = false;
  private roundEnd: Seq = 0;
  private started = false;
  private roundStart: Micros = 0;
  private lastAck: Micros = 0;
  private samples = 0;
  private roundMinRtt: Micros = Infinity;

  constructor(signs: HystartSign = HystartSign.both) {
    this.signs = signs;
  }

  growth(s: AckSample, cwnd: Segments): Segments {
    this.done = false;
    if (this.found) return s.acked;
    if (!this.started || seqGt(s.una, this.roundEnd)) this.newRound(s);
    if (s.rtt > 0 && cwnd >= LOW_WINDOW) this.look(s);
    this.found = this.done;
    return s.acked;
  }

  private newRound(s: AckSample): void {
    this.started = true;
    this.roundEnd = s.nxt;
    this.roundStart = s.now;
    this.lastAck = s.now;
    this.samples = 0;
    this.roundMinRtt = Infinity;
  }

  private look(s: AckSample): void {
    if ((this.signs & HystartSign.ackTrain) !== 0) this.lookAtTrain(s);
    if ((this.signs & HystartSign.delay) !== 0) this.lookAtDelay(s);
  }

  private lookAtTrain(s: AckSample): void {
    if (s.now - this.lastAck > ACK_SPACING) return;
    this.lastAck = s.now;
    // A train longer than half a round-trip time fills the path in one direction. With pacing, a
    // window takes half a round trip to leave even if the path is not full, so the limit is a whole
    // one.
    if (s.now - this.roundStart > (s.paced ? s.minRtt : s.minRtt / 2)) this.done = true;
  }

  private lookAtDelay(s: AckSample): void {
    this.roundMinRtt = Math.min(this.roundMinRtt, s.rtt);
    if (this.samples < MIN_SAMPLES) {
      this.samples++;
    } else if (
      this.roundMinRtt >
      s.minRtt + Math.min(Math.max(s.minRtt / 8, DELAY_MIN), DELAY_MAX)
    ) {
      this.done = true;
    }
  }

  /** A later slow start, after a timeout, is checked again. */
  onCongestion(): void {
    this.done = false;
    this.found = false;
    this.started = false;
  }
}
