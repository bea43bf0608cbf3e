/**
 * Pacing: segments leave at a rate, not in bursts of a window. No timer a segment: output sends about a millisecond's worth (as Linux's
 * TSO autosizing, never less than two segments), and the connection's one pacing deadline says when it may go on.
 *
 *     nextAt ──▶ send, nextAt += bytes / rate ──▶ nextAt still in the past? send more ──▶ wait for nextAt
 */
import { MILLISECOND, SECOND, type Micros } from '../base/time.js';
import type { TcpConfig } from './config.js';
import type { Sender } from './sender.js';

/** Linux's tcp_pacing_ss_ratio and tcp_pacing_ca_ratio: faster than cwnd/SRTT, so that cwnd can be filled and grow. */
const SLOW_START_RATIO = 2;
const AVOIDANCE_RATIO = 1.2;
const QUANTUM: Micros = MILLISECOND;

export class Pacing {
  /** Bytes a second; Infinity: not paced. */
  rate = Infinity;
  /** Nothing is sent before. */
  nextAt: Micros = 0;

  /** Most bytes for the next (super-)segment. */
  quantum(mss: number): number {
    return this.rate === Infinity ? Infinity : Math.max(2 * mss, (this.rate * QUANTUM) / SECOND);
  }

  mustWait(now: Micros): boolean {
    return this.rate !== Infinity && this.nextAt > now;
  }

  onSent(bytes: number, now: Micros): void {
    if (this.rate === Infinity) return;
    // Time in which nothing was sent is not made up for.
    this.nextAt = Math.max(this.nextAt, now) + (bytes * SECOND) / this.rate;
  }
}

/** The control asks for it, or the configuration does. */
export const isPaced = (snd: Sender): boolean => snd.congestion.pacingRate !== Infinity || snd.paces;

export function pacingRateOf(snd: Sender, config: TcpConfig): number {
  const { congestion: cc, rtt, mss, sent } = snd;
  if (cc.pacingRate !== Infinity) return Math.min(cc.pacingRate, config.maxPacingRate);
  if (!rtt.hasSample) return config.maxPacingRate;
  const ratio = cc.cwnd < cc.ssthresh / 2 ? SLOW_START_RATIO : AVOIDANCE_RATIO;
  return Math.min((ratio * Math.max(cc.cwnd, sent.out) * mss * SECOND) / rtt.srtt, config.maxPacingRate);
}
