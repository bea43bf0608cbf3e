/**
 * What one ACK changed, for congestion control. Each connection reuses one object. Loss recovery
 * (and, for the delivery rate, ../send/delivery-rate.ts) fills it in before it calls the control.
 * Counts are segments; a super-segment counts as the segments that it becomes on the wire. Times
 * are microseconds.
 */
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';

/** The state of loss recovery, with Linux's names and numbers (tcpi_ca_state). */
export const CaState = {
  /** No sign of loss. */
  open: 0,
  /** Duplicate ACKs or SACKs were received, but no segment is marked lost. */
  disorder: 1,
  /** cwnd is reduced because of an ECN mark (or a loss that a tail loss probe repaired). */
  cwr: 2,
  /** Fast recovery. */
  recovery: 3,
  /** After a retransmission timeout. */
  loss: 4,
} as const;
export type CaState = (typeof CaState)[keyof typeof CaState];
export const CA_STATE_NAMES = ['Open', 'Disorder', 'CWR', 'Recovery', 'Loss'] as const;
export type CaStateName = (typeof CA_STATE_NAMES)[number];

export class AckSample {
  now: Micros = 0;
  /**
   * SND.UNA and SND.NXT after this ACK. A round trip ends when SND.UNA passes the SND.NXT of its
   * start.
   */
  una: Seq = 0;
  nxt: Seq = 0;
  /** Segments newly delivered by this ACK, cumulatively or by SACK. */
  acked: Segments = 0;
  /** Segments newly marked lost. */
  lost: Segments = 0;
  /** In flight (sent, neither delivered nor marked lost) before and after this ACK. */
  priorInFlight: Segments = 0;
  inFlight: Segments = 0;
  caState: CaState = CaState.open;
  /** RTT sample of the newest delivered segment that was sent only once; -1 without one. */
  rtt: Micros = -1;
  srtt: Micros = 0;
  minRtt: Micros = Infinity;
  /** The effective send MSS in bytes. */
  mss: Bytes = 0;
  /** Output is paced. */
  paced = false;
  /**
   * cwnd limited the sender recently. Only then may cwnd grow (the idea of RFC 7661, Linux's
   * is_cwnd_limited).
   */
  cwndLimited = false;
  /**
   * cwnd may grow: this ACK acknowledged data (or, with much reordering, SACKed data), and no
   * reduction is in progress.
   */
  mayGrow = false;

  // ---- Delivery rate, draft-ietf-ccwg-bbr section 4.1 (as Linux's tcp_rate.c) ----
  /** Segments delivered on this connection so far. */
  delivered: Segments = 0;
  /** `delivered` when the newest delivered segment was sent. */
  priorDelivered: Segments = 0;
  /** Segments delivered during `interval`; -1 if this ACK gives no valid rate sample. */
  rateDelivered: Segments = -1;
  /** The longer of the send interval and the ACK interval of the sample. */
  interval: Micros = 0;
  /** The sender had no data to send during the sample, so the rate is a lower bound. */
  appLimited = false;
  /** The newest delivered segment was sent more than once. */
  retransmitted = false;
}
