/**
 * BBR version 1, as in Linux's tcp_bbr (Cardwell et al., "BBR: congestion-based congestion
 * control", 2016). It does not use loss as its signal. It measures the bottleneck's bandwidth (the
 * largest delivery rate of the last ten round trips) and the round-trip time without a queue (the
 * smallest of the last ten seconds), and sends accordingly. Their product, the BDP, is the amount
 * of data that the path holds without a queue.
 *
 *     STARTUP ──bandwidth stopped growing──▶ DRAIN ──in flight is down to the BDP──▶ PROBE_BW
 *       2.89 * bandwidth                       the queue of STARTUP empties            │  ▲
 *                                                               ten seconds without a  ▼  │ 200 ms
 *                                                             new smallest round trip  PROBE_RTT
 *                                                                                      4 segments
 *
 *     PROBE_BW's pacing gain: each phase lasts about one smallest round trip; the cycle begins in
 *     any phase but the second:
 *     1.25 ┌──┐
 *     1.00 │  │  ┌──────────────── …  six phases of cruising
 *     0.75 │  └──┘
 *          probe for more bandwidth, then drain the queue of the probe
 *
 * The two cannot be measured at the same time, because the bandwidth shows only when the path is
 * full and its delay only when it is not. That is why there are phases. Bandwidth is in segments
 * per microsecond here. Two details of Linux are missing: departure times in the future for paced
 * data (our pacing holds the data back instead), and the mark for ACKs that may be delayed, whose
 * RTT samples do not replace an expired minimum.
 */
import type { SeededRandom } from '../../base/random.js';
import { MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import { CaState, type AckSample } from './ack-sample.js';
import { BbrPath } from './bbr-path.js';
import type { Congestion, CongestionControl } from './control.js';

export type BbrMode = 'STARTUP' | 'DRAIN' | 'PROBE_BW' | 'PROBE_RTT';

/** 2/ln 2: the smallest gain that doubles the rate each round trip. */
const HIGH_GAIN = 2885 / 1000;
const DRAIN_GAIN = 1000 / 2885;
const CYCLE_GAINS = [5 / 4, 3 / 4, 1, 1, 1, 1, 1, 1] as const;
/** In PROBE_BW up to twice the BDP may be in flight, because ACKs may be delayed. */
const CWND_GAIN = 2;
/** Pacing is slightly below the bandwidth, so that no standing queue builds up. */
const PACING_MARGIN = 0.99;
const MIN_RTT_WINDOW: Micros = 10 * SECOND;
const PROBE_RTT_TIME: Micros = 200 * MILLISECOND;
const MIN_CWND = 4;
/** At most this much time's worth of data counts as an ACK burst. */
const MOST_EXTRA: Micros = 100 * MILLISECOND;
/** The initial round-trip time if the handshake gave no sample. */
const FIRST_RTT: Micros = MILLISECOND;
/** The time's worth of data that is sent in one burst, approximately: see ../send/pacing.ts. */
const QUANTUM: Micros = MILLISECOND;
const MAX_QUANTUM_BYTES = 65_536;

export class Bbr implements CongestionControl {
  readonly name = 'bbr';
  readonly modelBased = true;
  cwnd: Segments = 1;
  ssthresh: Segments = Infinity;
  mode: BbrMode = 'STARTUP';
  /** The smallest round-trip time of the last ten seconds; Infinity before the first sample. */
  minRtt: Micros = Infinity;
  private minRttAt: Micros = 0;

  private readonly random: SeededRandom;
  private readonly path = new BbrPath();
  private initialWindow = 1;
  private mss: Bytes = 0;
  private rate = 0;
  private hasSeenRtt = false;
  private pacingGain = HIGH_GAIN;
  private cwndGain = HIGH_GAIN;

  private phase = 0;
  private phaseStart: Micros = 0;

  private probeRttDoneAt: Micros = NaN;
  private probeRttRoundDone = false;
  private idleRestart = false;

  private priorCaState: CaState = CaState.open;
  private priorCwnd: Segments = 0;
  /** In the first round trip of recovery one segment is sent for each delivered one. */
  private packetConservation = false;

  constructor(random: SeededRandom) {
    this.random = random;
  }

  get pacingRate(): number {
    return this.rate;
  }

  /** The estimated bandwidth of the path, in segments per microsecond. */
  get bandwidth(): number {
    return this.path.bandwidth;
  }

  start(initialWindow: Segments, mss: Bytes, srtt: Micros, now: Micros): void {
    this.initialWindow = initialWindow;
    this.cwnd = initialWindow;
    this.mss = mss;
    if (srtt > 0) this.minRtt = srtt;
    this.minRttAt = now;
    this.hasSeenRtt = srtt > 0;
    this.rate = this.rateOf(initialWindow / (srtt > 0 ? srtt : FIRST_RTT), HIGH_GAIN);
    this.phaseStart = now;
    this.path.aggregation.restart(now);
  }

  onAck(s: AckSample): void {
    this.mss = s.mss;
    if (this.path.onAck(s, this.cwnd, this.mode === 'PROBE_BW')) this.enterProbeBw(s.now);
    if (this.path.roundStart) this.packetConservation = false;
    if (this.mode === 'PROBE_BW' && this.isPhaseOver(s)) this.nextPhase(s.now);
    this.drainWhenFull(s);
    this.updateMinRtt(s);
    this.setGains();
    this.setPacingRate(this.bandwidth, this.pacingGain, s.srtt);
    this.setCwnd(s);
  }

  // ---- STARTUP, DRAIN, PROBE_RTT ----------------------------------------------------------------

  private drainWhenFull(s: AckSample): void {
    if (this.mode === 'STARTUP' && this.path.isFull) {
      this.mode = 'DRAIN';
      this.ssthresh = this.windowFor(1);
    }
    if (this.mode === 'DRAIN' && s.inFlight <= this.windowFor(1)) this.enterProbeBw(s.now);
  }

  private updateMinRtt(s: AckSample): void {
    const expired = s.now > this.minRttAt + MIN_RTT_WINDOW;
    if (s.rtt >= 0 && (s.rtt < this.minRtt || expired)) {
      this.minRtt = Math.max(s.rtt, 1);
      this.minRttAt = s.now;
    }
    if (expired && !this.idleRestart && this.mode !== 'PROBE_RTT') {
      this.saveCwnd();
      this.mode = 'PROBE_RTT';
      this.probeRttDoneAt = NaN;
      this.path.beginProbeRtt(s);
    }
    if (this.mode === 'PROBE_RTT') this.probeRtt(s);
    if (s.rateDelivered > 0) this.idleRestart = false;
  }

  /**
   * Keeps at most four segments in flight for at least 200 ms and a round trip, so that the queue
   * of all BBR flows on the path empties.
   */
  private probeRtt(s: AckSample): void {
    this.path.inProbeRtt(s);
    if (Number.isNaN(this.probeRttDoneAt)) {
      if (s.inFlight > MIN_CWND) return;
      this.probeRttDoneAt = s.now + PROBE_RTT_TIME;
      this.probeRttRoundDone = false;
      this.path.beginRound(s.delivered);
      return;
    }
    if (this.path.roundStart) this.probeRttRoundDone = true;
    if (this.probeRttRoundDone) this.leaveProbeRtt(s.now);
  }

  private leaveProbeRtt(now: Micros): void {
    if (!(now > this.probeRttDoneAt)) return; // NaN: not started
    this.minRttAt = now;
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
    if (this.path.isFull) this.enterProbeBw(now);
    else this.mode = 'STARTUP';
  }

  // ---- PROBE_BW's cycle -------------------------------------------------------------------------

  private enterProbeBw(now: Micros): void {
    this.mode = 'PROBE_BW';
    // Begins in a random phase, but not the draining one, so that flows on one path do not probe at
    // the same time.
    this.phase = CYCLE_GAINS.length - 1 - this.random.below(CYCLE_GAINS.length - 1);
    this.nextPhase(now);
  }

  private nextPhase(now: Micros): void {
    this.phase = (this.phase + 1) % CYCLE_GAINS.length;
    this.phaseStart = now;
  }

  private isPhaseOver(s: AckSample): boolean {
    const lasted = s.now - this.phaseStart > this.minRtt;
    if (this.pacingGain === 1) return lasted;
    // Probing ends when the probe's amount is in flight or segments are lost. Draining ends early
    // once the queue is empty.
    if (this.pacingGain > 1)
      return lasted && (s.lost > 0 || s.priorInFlight >= this.windowFor(this.pacingGain));
    return lasted || s.priorInFlight <= this.windowFor(1);
  }

  // ---- What follows from the model --------------------------------------------------------------

  private setGains(): void {
    switch (this.mode) {
      case 'STARTUP':
        this.pacingGain = this.cwndGain = HIGH_GAIN;
        break;
      case 'DRAIN':
        this.pacingGain = DRAIN_GAIN;
        this.cwndGain = HIGH_GAIN;
        break;
      case 'PROBE_BW':
        this.pacingGain = this.path.isPoliced ? 1 : CYCLE_GAINS[this.phase]!;
        this.cwndGain = CWND_GAIN;
        break;
      default:
        this.pacingGain = this.cwndGain = 1;
    }
  }

  /** Returns a pacing rate in bytes per second. */
  private rateOf(bandwidth: number, gain: number): number {
    return bandwidth * gain * PACING_MARGIN * this.mss * SECOND;
  }

  private setPacingRate(bandwidth: number, gain: number, srtt: Micros): void {
    if (!this.hasSeenRtt && srtt > 0) {
      this.hasSeenRtt = true;
      this.rate = this.rateOf(this.cwnd / srtt, HIGH_GAIN);
    }
    const rate = this.rateOf(bandwidth, gain);
    // Until the path is full, samples can only raise the rate.
    if (rate > 0 && (this.path.isFull || rate > this.rate)) this.rate = rate;
  }

  private bdp(bandwidth: number, gain: number): Segments {
    return this.minRtt === Infinity
      ? this.initialWindow
      : Math.ceil(gain * bandwidth * this.minRtt);
  }

  /** `gain` times the BDP at the largest bandwidth, in segments, with room for bursts. */
  private windowFor(gain: number): Segments {
    return this.withRoom(this.bdp(this.path.maxBandwidth, gain));
  }

  /**
   * Adds room for data that the hosts hold back: three bursts, rounded up to an even number because
   * a delayed ACK covers two segments, and two more segments while probing.
   */
  private withRoom(segments: Segments): Segments {
    const burst = Math.min((this.rate * QUANTUM) / SECOND, MAX_QUANTUM_BYTES);
    const quantum = Math.max(Math.floor(burst / this.mss), 2);
    const even = (segments + 3 * quantum + 1) & ~1;
    return this.mode === 'PROBE_BW' && this.phase === 0 ? even + 2 : even;
  }

  private setCwnd(s: AckSample): void {
    if (s.acked > 0 && !this.recoverOrRestore(s)) {
      const { bandwidth } = this;
      const burst = this.path.isFull
        ? Math.min(this.path.aggregation.extraAcked, Math.floor(bandwidth * MOST_EXTRA))
        : 0;
      const target = this.withRoom(this.bdp(bandwidth, this.cwndGain) + burst);
      if (this.path.isFull) this.cwnd = Math.min(this.cwnd + s.acked, target);
      else if (this.cwnd < target || s.delivered < this.initialWindow) this.cwnd += s.acked;
      this.cwnd = Math.max(this.cwnd, MIN_CWND);
    }
    if (this.mode === 'PROBE_RTT') this.cwnd = Math.min(this.cwnd, MIN_CWND);
  }

  /** True while one segment is sent for each delivered one, regardless of the model. */
  private recoverOrRestore(s: AckSample): boolean {
    const before = this.priorCaState;
    const state = s.caState;
    if (s.lost > 0) this.cwnd = Math.max(this.cwnd - s.lost, 1);
    if (state === CaState.loss && before !== CaState.loss) this.path.judgeAnew();
    if (state === CaState.recovery && before !== CaState.recovery) {
      this.packetConservation = true;
      this.path.beginRound(s.delivered);
      this.cwnd = s.inFlight + s.acked;
    } else if (before >= CaState.recovery && state < CaState.recovery) {
      this.cwnd = Math.max(this.cwnd, this.priorCwnd);
      this.packetConservation = false;
    }
    this.priorCaState = state;
    if (this.packetConservation) this.cwnd = Math.max(this.cwnd, s.inFlight + s.acked);
    return this.packetConservation;
  }

  // ---- What happens besides ACKs ----------------------------------------------------------------

  private saveCwnd(): void {
    const calm = this.priorCaState < CaState.recovery && this.mode !== 'PROBE_RTT';
    this.priorCwnd = calm ? this.cwnd : Math.max(this.priorCwnd, this.cwnd);
  }

  /**
   * Loss is not a signal: cwnd is only saved, to be restored after recovery. After a timeout
   * STARTUP's search for a full path restarts.
   */
  onCongestion(why: Congestion): void {
    this.saveCwnd();
    if (why !== 'timeout') return;
    this.priorCaState = CaState.loss;
    this.path.judgeAnew();
  }

  onUndo(): void {
    this.path.judgeAnew();
    this.path.forgetPolicer();
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
  }

  onRecovered(): void {}

  /**
   * After a pause, sending resumes at the known bandwidth, without probing. In PROBE_RTT, the pause
   * counts as part of it.
   */
  onSendAfterIdle(_idleSince: Micros, appLimited: boolean, now: Micros): void {
    if (!appLimited) return;
    this.idleRestart = true;
    this.path.aggregation.restart(now);
    if (this.mode === 'PROBE_BW') this.setPacingRate(this.bandwidth, 1, 0);
    else if (this.mode === 'PROBE_RTT') this.leaveProbeRtt(now);
  }
}
