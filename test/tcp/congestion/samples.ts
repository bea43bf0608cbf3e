/**
 * A path for one congestion control alone, without stack and timers. It acknowledges each segment
 * after a fixed round trip, in rounds of a window, and does a simple loss recovery.
 */
import { MILLISECOND, type Micros } from '../../../src/base/time.js';
import { AckSample } from '../../../src/tcp/congestion/ack-sample.js';
import type { CongestionControl } from '../../../src/tcp/congestion/control.js';
import { setWindow } from './set-window.js';

export const MSS = 1000;

/** An ACK that lets the window grow, with the changes in `fields`. */
export function ack(fields: Partial<AckSample>): AckSample {
  const plain = { acked: 1, mss: MSS, rtt: 50 * MILLISECOND, cwndLimited: true, mayGrow: true };
  const sample = Object.assign(new AckSample(), plain, fields);
  if (fields.minRtt === undefined && sample.rtt > 0) sample.minRtt = sample.rtt;
  if (fields.srtt === undefined && sample.rtt > 0) sample.srtt = sample.rtt;
  return sample;
}

/** A long transfer, always limited by cwnd, over a path of fixed delay. */
export class Transfer {
  now: Micros = 0;
  /** Segments acknowledged so far. */
  delivered = 0;
  /** In segments: SND.UNA, SND.NXT. */
  private una = 0;
  private nxt = 0;
  readonly cc: CongestionControl;
  rtt: Micros;
  minRtt: Micros;

  constructor(cc: CongestionControl, rtt: Micros, initialWindow = 10) {
    this.cc = cc;
    this.rtt = rtt;
    this.minRtt = rtt;
    cc.start(initialWindow, MSS, rtt, 0);
  }

  /** One segment is acknowledged; what cwnd allows is sent. */
  ackOne(fields: Partial<AckSample> = {}): void {
    const priorInFlight = this.nxt - this.una;
    this.una++;
    this.delivered++;
    this.nxt = Math.max(this.nxt, this.una + this.cc.cwnd);
    const { now, una, nxt, rtt, minRtt, delivered } = this;
    this.cc.onAck(
      ack({ now, una, nxt, rtt, minRtt, delivered, priorInFlight, inFlight: nxt - una, ...fields }),
    );
  }

  /**
   * One round trip: a window's worth of ACKs, evenly spread, each after its share of the time.
   * `perAck` is called after each.
   */
  round(perAck?: () => void): void {
    const window = this.cc.cwnd;
    for (let i = 0; i < window; i++) {
      this.now += this.rtt / window;
      this.ackOne();
      perAck?.();
    }
  }

  /** A loss with immediate recovery. */
  lose(): void {
    this.cc.onCongestion('loss', this.cc.cwnd, this.now);
    setWindow(this.cc, { cwnd: this.cc.ssthresh });
    this.cc.onRecovered(this.now);
  }

  /** The average window in segments, with one of `every` lost: over twenty cycles, after five. */
  averageWindow(every: number): number {
    let { delivered, now } = this;
    for (let cycle = 0; cycle < 25; cycle++) {
      if (cycle === 5) ({ delivered, now } = this);
      for (let i = 0; i < every; i++) {
        this.now += this.rtt / this.cc.cwnd;
        this.ackOne();
      }
      this.lose();
    }
    return ((this.delivered - delivered) * this.rtt) / (this.now - now);
  }
}
