/**
 * What BBR measures of the path's bandwidth: the largest delivery rate of the last ten round trips
 * (or a policer's), how much comes in bursts, and whether STARTUP has found all there is. Bandwidth
 * is segments a microsecond.
 */
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import { AckAggregation } from './bbr-aggregation.js';
import { PolicerDetector } from './bbr-policer.js';
import { RoundMax } from './round-max.js';

/** A cycle of PROBE_BW and two: the maximum outlives the phases that do not probe. */
const BANDWIDTH_ROUNDS = 10;
/** The path is full when three round trips brought less than a quarter more. */
const FULL_GROWTH = 1.25;
const FULL_ROUNDS = 3;

export class BbrPath {
  /** This ACK begins a round trip. */
  roundStart = false;
  /** All of the bandwidth is found: STARTUP's work is done. */
  isFull = false;
  readonly aggregation = new AckAggregation();
  private readonly max = new RoundMax(BANDWIDTH_ROUNDS);
  private readonly policer = new PolicerDetector();
  /** A round trip is over when a segment is delivered that was sent after so many were. */
  private nextRoundDelivered: Segments = 0;
  private roundCount = 0;
  private fullBandwidth = 0;
  private fullRounds = 0;
  /**
   * Samples of segments sent while so many had been delivered are limited by PROBE_RTT's small
   * window.
   */
  private limitedFrom = Infinity;
  private limitedUntil = -1;

  /** The largest of late. */
  get maxBandwidth(): number {
    return this.max.value;
  }

  /** What is to be sent at. */
  get bandwidth(): number {
    return this.policer.inUse ? this.policer.bandwidth : this.max.value;
  }

  get isPoliced(): boolean {
    return this.policer.inUse;
  }

  /** True when a policer's rate was used long enough: PROBE_BW is to begin anew. */
  onAck(s: AckSample, cwnd: Segments, cruising: boolean): boolean {
    this.policer.lost += s.lost;
    this.roundStart = false;
    if (s.rateDelivered < 0 || s.interval <= 0) return false;
    if (s.priorDelivered >= this.nextRoundDelivered) {
      this.beginRound(s.delivered);
      this.roundCount++;
      this.roundStart = true;
    }
    const probeAnew = this.policer.onAck(s, this.roundStart, cruising);
    const bandwidth = s.rateDelivered / s.interval;
    const limited =
      s.appLimited ||
      (s.priorDelivered >= this.limitedFrom && s.priorDelivered <= this.limitedUntil);
    // A sender with nothing to send says nothing of the path, unless it was faster than anything
    // before.
    if (!limited || bandwidth >= this.max.value) this.max.note(bandwidth, this.roundCount);
    if (s.acked > 0) this.aggregation.onAck(s.acked, this.bandwidth, cwnd, this.roundStart, s.now);
    if (!this.isFull && this.roundStart && !limited) this.judgeGrowth();
    return probeAnew;
  }

  private judgeGrowth(): void {
    if (this.max.value >= this.fullBandwidth * FULL_GROWTH) {
      this.judgeAnew();
      this.fullBandwidth = this.max.value;
      return;
    }
    this.isFull = ++this.fullRounds >= FULL_ROUNDS;
  }

  /** What slowed growth down was no full path: a timeout, or a recovery that was needless. */
  judgeAnew(): void {
    this.fullBandwidth = 0;
    this.fullRounds = 0;
  }

  forgetPolicer(): void {
    this.policer.reset(null);
  }

  beginRound(delivered: Segments): void {
    this.nextRoundDelivered = delivered;
  }

  beginProbeRtt(s: AckSample): void {
    this.limitedFrom = s.delivered;
  }

  /** What is in flight now was sent in PROBE_RTT. */
  inProbeRtt(s: AckSample): void {
    this.limitedUntil = s.delivered + s.inFlight;
  }
}
