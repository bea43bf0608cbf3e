/**
 * Reno (RFC 5681): slow start, congestion avoidance and halving, in segments.
 *
 *     cwnd        ╱│    ╱│    ╱│         sawtooth: one more per round trip, half after a loss
 *        ╱│    ╱  │  ╱  │  ╱  │
 *      ╱  │ ╱     ╱     ╱
 *     slow start   congestion avoidance
 */
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';
import type { Congestion, CongestionControl } from './control.js';
import { Growth } from './growth.js';
import { MIN_SSTHRESH } from './window.js';

export class Reno implements CongestionControl {
  readonly name = 'reno';
  readonly modelBased = false;
  readonly pacingRate = Infinity;
  cwnd: Segments = 1;
  ssthresh: Segments = Infinity;
  private readonly growth = new Growth();
  private priorCwnd: Segments = 0;
  private priorSsthresh: Segments = Infinity;

  start(initialWindow: Segments): void {
    this.cwnd = initialWindow;
  }

  onAck(s: AckSample): void {
    if (!s.mayGrow || !s.cwndLimited) return;
    let acked = s.acked;
    if (this.cwnd < this.ssthresh) {
      this.cwnd = this.growth.slowStart(this.cwnd, this.ssthresh, acked);
      acked = this.growth.rest;
    }
    if (acked > 0) this.cwnd = this.growth.avoid(this.cwnd, this.cwnd, acked);
  }

  onCongestion(_why: Congestion, window: Segments): void {
    this.priorCwnd = this.cwnd;
    this.priorSsthresh = this.ssthresh;
    this.ssthresh = Math.max(Math.floor(window / 2), MIN_SSTHRESH);
    this.growth.reset();
  }

  onUndo(): void {
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.priorSsthresh);
  }

  onRecovered(): void {}
  onSendAfterIdle(): void {}
}
