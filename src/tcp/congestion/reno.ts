/** Reno: slow start, congestion avoidance and the cuts of RFC 5681. */
import type { AckSample } from './ack-sample.js';
import type { Congestion, CongestionControl } from './control.js';

export class Reno implements CongestionControl {
  readonly name = 'reno';
  cwnd = 1;
  ssthresh = Infinity;
  readonly modelBased = false;
  readonly pacingRate = Infinity;
  private counted = 0;
  private priorCwnd = 0;
  private priorSsthresh = Infinity;

  start(initialWindow: number): void {
    this.cwnd = initialWindow;
  }

  onAck(s: AckSample): void {
    if (!s.mayGrow || !s.cwndLimited) return;
    let rest = s.acked;
    if (this.cwnd < this.ssthresh) {
      const grown = Math.min(this.cwnd + rest, this.ssthresh);
      rest -= grown - this.cwnd;
      this.cwnd = grown;
    }
    if (rest === 0) return;
    this.counted += rest;
    if (this.counted >= this.cwnd) {
      this.counted -= this.cwnd;
      this.cwnd += 1;
    }
  }

  onCongestion(_why: Congestion, window: number): void {
    this.priorCwnd = this.cwnd;
    this.priorSsthresh = this.ssthresh;
    this.ssthresh = Math.max(window >> 1, 2);
    this.counted = 0;
  }

  onUndo(): void {
    this.cwnd = Math.max(this.cwnd, this.priorCwnd);
    this.ssthresh = Math.max(this.ssthresh, this.priorSsthresh);
  }

  onRecovered(): void {}
  onSendAfterIdle(): void {}
}
