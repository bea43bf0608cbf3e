/**
 * Changes of cwnd and ssthresh that are the same for every congestion control: the rules that Linux
 * has in tcp_input.c and tcp_output.c, not in its modules. Recovery and output call them. Only the
 * controls and this file assign cwnd and ssthresh; elsewhere they are read-only.
 */
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import type { CongestionControl } from './control.js';

/** RFC 5681 equation 4: the smallest ssthresh after a loss. */
export const MIN_SSTHRESH: Segments = 2;

/** The window of a control, writable only in this folder. */
interface Window {
  cwnd: Segments;
  ssthresh: Segments;
}

/** RFC 5681 section 3.1: after a timeout one segment (LW) may be sent. */
export function afterTimeout(w: Window, inFlight: Segments): void {
  w.cwnd = inFlight + 1;
}

/** During a reduction PRR (RFC 9937) sets cwnd. */
export function reduceByPrr(w: Window, cwnd: Segments): void {
  w.cwnd = cwnd;
}

/** A reduction ended: RFC 5681 section 3.2 step 6. */
export function reductionEnds(w: Window): void {
  w.cwnd = w.ssthresh;
}

/**
 * RFC 2861 section 3.1: before cwnd decreases without a loss, ssthresh is raised to at least three
 * quarters of it (Linux's tcp_current_ssthresh).
 */
export function rememberWindow(w: Window): void {
  w.ssthresh = Math.max(w.ssthresh, Math.floor(w.cwnd * 0.75));
}

/**
 * At most `needed` segments were in flight for an RTO: cwnd decreases by half of the unused rest.
 */
export function windowUnused(w: Window, needed: Segments): void {
  if (needed >= w.cwnd) return;
  rememberWindow(w);
  w.cwnd = (w.cwnd + needed) >> 1;
}

/**
 * RFC 5681 section 4.1: nothing was sent for `idle`, which exceeds an RTO. As in Linux, cwnd is
 * halved for each RTO, down to the restart window.
 */
export function restartAfterIdle(
  w: Window,
  initialWindow: Segments,
  idle: Micros,
  rto: Micros,
): void {
  const restart = Math.min(initialWindow, w.cwnd);
  rememberWindow(w);
  let cwnd = w.cwnd;
  for (let left = idle - rto; left > 0 && cwnd > restart; left -= rto) cwnd >>= 1;
  w.cwnd = Math.max(cwnd, restart);
}

/** A path MTU probe was sent: it takes the room of two segments. */
export function mtuProbeSent(w: Window): void {
  w.cwnd--;
}

/** The probe was lost because of its size, not of congestion: its room is returned. */
export function mtuProbeLost(w: Window): void {
  w.cwnd++;
}

/** Packets grow from `before` to `after` bytes: cwnd stays the same in bytes. */
export function packetsGrow(w: Window, before: Bytes, after: Bytes): void {
  w.cwnd = Math.max(1, Math.floor((w.cwnd * before) / after));
  rememberWindow(w);
}

/** TCP_CONGESTION selected another control: it takes over ssthresh from `before`. */
export function takeOver(w: Window, before: CongestionControl): void {
  w.ssthresh = before.ssthresh;
}
