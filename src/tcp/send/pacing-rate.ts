/** How fast a sender is paced: at its congestion control's rate, or at one made of cwnd/SRTT. */
import { SECOND } from '../../base/time.js';
import type { Sender } from './sender.js';

/**
 * Linux's tcp_pacing_ss_ratio and tcp_pacing_ca_ratio: faster than cwnd/SRTT, so that cwnd can be
 * filled and grow.
 */
const SLOW_START_RATIO = 2;
const AVOIDANCE_RATIO = 1.2;

/** The control asks for it, or the configuration does. */
export const isPaced = (snd: Sender): boolean =>
  snd.congestion.pacingRate !== Infinity || snd.config.pacing;

export function pacingRateOf(snd: Sender): number {
  const { congestion: cc, rtt, mss, sent, config } = snd;
  if (cc.pacingRate !== Infinity) return Math.min(cc.pacingRate, config.maxPacingRate);
  if (!rtt.hasSample) return config.maxPacingRate;
  const ratio = cc.cwnd < cc.ssthresh / 2 ? SLOW_START_RATIO : AVOIDANCE_RATIO;
  return Math.min(
    (ratio * Math.max(cc.cwnd, sent.out) * mss * SECOND) / rtt.srtt,
    config.maxPacingRate,
  );
}
