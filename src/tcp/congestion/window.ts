/**
 * What changes cwnd and ssthresh in the same way under every congestion control: the rules that
 * Linux keeps in tcp_input.c and tcp_output.c, not in its modules. Recovery and output say what
 * happened. Only the controls and this file assign the two; everywhere else they are read-only.
 */
import type { Micros } from '../../base/time.js';
import type { CongestionControl } from './control.js';

/** A control's window, as this folder may change it. */
interface Window {
  cwnd: number;
  ssthresh: number;
}

/** RFC 5681 section 3.1: after a timeout one segment (LW) may go out. */
export function afterTimeout(w: Window, inFlight: number): void {
  w.cwnd = inFlight + 1;
}

/** In a reduction PRR (RFC 9937) says how much may be in flight. */
export function reduceByPrr(w: Window, cwnd: number): void {
  w.cwnd = cwnd;
}

/** A reduction is over: RFC 5681 section 3.2 step 6. */
export function reductionEnds(w: Window): void {
  w.cwnd = w.ssthresh;
}

/**
 * RFC 2861 section 3.1: when cwnd comes down without a loss, ssthresh keeps three quarters of it
 * (Linux's tcp_current_ssthresh).
 */
export function rememberWindow(w: Window): void {
  w.ssthresh = Math.max(w.ssthresh, Math.floor(w.cwnd * 0.75));
}

/** No more than `needed` segments were out for an RTO: half of what is above them goes. */
export function windowUnused(w: Window, needed: number): void {
  if (needed >= w.cwnd) return;
  rememberWindow(w);
  w.cwnd = (w.cwnd + needed) >> 1;
}

/**
 * RFC 5681 section 4.1: nothing was sent for `idle`, longer than an RTO. As Linux, cwnd is halved
 * for each RTO, down to the restart window.
 */
export function restartAfterIdle(
  w: Window,
  initialWindow: number,
  idle: Micros,
  rto: Micros,
): void {
  const restart = Math.min(initialWindow, w.cwnd);
  rememberWindow(w);
  let cwnd = w.cwnd;
  for (let left = idle - rto; left > 0 && cwnd > restart; left -= rto) cwnd >>= 1;
  w.cwnd = Math.max(cwnd, restart);
}

/** A probe of the path's MTU went out: it takes the room of two segments. */
export function mtuProbeSent(w: Window): void {
  w.cwnd--;
}

/** The probe is lost, and not to congestion: its room is given back. */
export function mtuProbeLost(w: Window): void {
  w.cwnd++;
}

/** Packets grow from `before` to `after` bytes: cwnd counts as many bytes as it did. */
export function packetsGrow(w: Window, before: number, after: number): void {
  w.cwnd = Math.max(1, Math.floor((w.cwnd * before) / after));
  rememberWindow(w);
}

/** TCP_CONGESTION chose another control: its slow start ends where that of `before` would have. */
export function takeOver(w: Window, before: CongestionControl): void {
  w.ssthresh = before.ssthresh;
}
