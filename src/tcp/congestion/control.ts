/**
 * What a congestion control is: it owns cwnd and ssthresh, in segments of SMSS (as Linux counts,
 * and RFC 9438 writes), and is told what happened. Others read the two. What all controls do alike
 * is in window.ts. A control never sees a timer, a segment or a scoreboard; which bytes to send
 * again is loss recovery's business (../recovery/recovery.ts), and in fast recovery Proportional
 * Rate Reduction steers cwnd (../recovery/prr.ts), unless the control is `modelBased`.
 */
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

/** Why a reduction begins: loss seen by ACKs, an ECN mark, or the retransmission timer. */
export type Congestion = 'loss' | 'ecn' | 'timeout';

export interface CongestionControl {
  readonly name: string;
  /** Segments that may be in flight, whole, at least 1. */
  readonly cwnd: Segments;
  /** Slow start ends here; Infinity at first (RFC 5681 section 3.1: arbitrarily high). */
  readonly ssthresh: Segments;
  /**
   * A model of the path steers cwnd in every state (BBR); else recovery does after a congestion
   * event.
   */
  readonly modelBased: boolean;
  /** Bytes a second at which output shall pace; Infinity when this control asks for no pacing. */
  readonly pacingRate: number;

  /**
   * The connection is established: `initialWindow` segments of `mss` bytes (RFC 6928); `srtt` 0
   * when the handshake gave no sample.
   */
  start(initialWindow: Segments, mss: Bytes, srtt: Micros, now: Micros): void;
  /**
   * An ACK delivered something or took something for lost. The window grows only if
   * `s.mayGrow && s.cwndLimited`, except for a model's.
   */
  onAck(s: AckSample): void;
  /**
   * A reduction begins, once for each window of data: sets `ssthresh` from `window` (segments: cwnd
   * in the linux profile, the flight in the rfc one), and remembers what `onUndo` needs. cwnd is
   * not touched: PRR or `afterTimeout` brings it down.
   */
  onCongestion(why: Congestion, window: Segments, now: Micros): void;
  /**
   * The last reduction was spurious (Eifel, D-SACK, F-RTO): cwnd and ssthresh are to be what they
   * were, or more.
   */
  onUndo(): void;
  /** A reduction is over; cwnd is ssthresh (`reductionEnds`). */
  onRecovered(now: Micros): void;
  /**
   * Something is sent after nothing was in flight since `idleSince` (Linux's CA_EVENT_TX_START): an
   * epoch shifts by it.
   */
  onSendAfterIdle(idleSince: Micros, appLimited: boolean, now: Micros): void;
}
