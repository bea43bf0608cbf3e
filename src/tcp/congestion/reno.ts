/** Reno: slow start, congestion avoidance and the cuts of RFC 5681, counted in bytes. */
import type { CongestionControl } from './control.js';

export class Reno implements CongestionControl {
  readonly name = 'reno';
  cwnd = 0;
  /** Arbitrarily high at first (RFC 5681 section 3.1). */
  ssthresh = Infinity;
  private smss = 0;
  private initialWindow = 0;
  /** Bytes acknowledged in congestion avoidance since cwnd last grew. */
  private counted = 0;

  start(smss: number, iw: number): void {
    this.smss = smss;
    this.initialWindow = iw * smss;
    this.cwnd = this.initialWindow;
  }

  /**
   * RFC 5681 lets one ACK open the window by one SMSS at most, against receivers that split ACKs. With offloads one
   * ACK covers up to 64 KB, and that cap would make slow start crawl: as Linux does (and RFC 3465 with a large L) we
   * count the acknowledged bytes. An ACK-splitting receiver gains nothing either, because bytes are counted, not ACKs.
   */
  onAck(acked: number): void {
    let rest = acked;
    if (this.cwnd < this.ssthresh) {
      const grow = Math.min(rest, this.ssthresh - this.cwnd);
      this.cwnd += grow;
      rest -= grow;
    }
    if (rest === 0) return;
    // One SMSS each time a whole window was acknowledged: at most one SMSS a round trip.
    this.counted += rest;
    if (this.counted >= this.cwnd) {
      this.counted -= this.cwnd;
      this.cwnd += this.smss;
    }
  }

  onLoss(flight: number): void {
    this.ssthresh = Math.max(flight / 2, 2 * this.smss);
    this.counted = 0;
  }

  onTimeout(flight: number, again: boolean): void {
    if (!again) this.ssthresh = Math.max(flight / 2, 2 * this.smss);
    this.cwnd = this.smss; // LW
    this.counted = 0;
  }

  onIdle(): void {
    this.cwnd = Math.min(this.cwnd, this.initialWindow);
  }
}
