/**
 * What one ACK told, as far as congestion control may know it: one reused object for each
 * connection, filled by loss recovery (and its rate half by ../delivery-rate.ts) before the control
 * is called. Counts are segments: a super-segment counts as the segments that it is on the wire.
 * Times are microseconds.
 */
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';

/** Where loss recovery stands, by Linux's names and numbers (tcpi_ca_state). */
export const CaState = {
  /** Nothing dubious. */
  open: 0,
  /** Duplicate ACKs or SACKs came, no loss is certain yet. */
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
   * SND.UNA and SND.NXT after this ACK: a round trip is over when SND.UNA passes what SND.NXT was
   * at its start.
   */
  una: Seq = 0;
  nxt: Seq = 0;
  /** Newly delivered by this ACK, cumulatively or by SACK. */
  acked: Segments = 0;
  /** Newly taken for lost. */
  lost: Segments = 0;
  /** In flight (sent, neither delivered nor taken for lost) before and after this ACK. */
  priorInFlight: Segments = 0;
  inFlight: Segments = 0;
  caState: CaState = CaState.open;
  /** Round trip of the newest delivered segment that was sent once; -1 without one. */
  rtt: Micros = -1;
  srtt: Micros = 0;
  minRtt: Micros = Infinity;
  /** The effective send MSS in bytes. */
  mss: Bytes = 0;
  /** Segments leave at a rate, not in bursts. */
  paced = false;
  /**
   * The sender was held by cwnd lately: only then may cwnd grow (RFC 7661's spirit, as Linux's
   * is_cwnd_limited).
   */
  cwndLimited = false;
  /**
   * cwnd may grow by this ACK: it brought SND.UNA (or, with reordering seen, any delivery) forward
   * and no reduction is under way.
   */
  mayGrow = false;

  // ---- Delivery rate, draft-ietf-ccwg-bbr section 4.1 (as Linux's tcp_rate.c) ----
  /** Segments delivered on this connection so far. */
  delivered: Segments = 0;
  /** `delivered` when the newest delivered segment was sent. */
  priorDelivered: Segments = 0;
  /** Segments delivered over `interval`; -1 when this ACK gives no valid rate sample. */
  rateDelivered: Segments = -1;
  /** The longer of the send and the ACK interval of the sample. */
  interval: Micros = 0;
  /** The sample was taken while the sender had nothing to send: the rate is a lower bound. */
  appLimited = false;
  /** The newest delivered segment was sent more than once. */
  retransmitted = false;
}
