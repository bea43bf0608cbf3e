/**
 * The interface of a congestion control. A control owns cwnd and ssthresh, in segments of SMSS (as
 * in Linux and RFC 9438); other code only reads them. Changes that are the same for all controls
 * are in window.ts. A control sees no timers, segments or scoreboard, because loss recovery decides
 * what to retransmit (../recovery/recovery.ts). During a reduction Proportional Rate Reduction sets
 * cwnd (../recovery/prr.ts), unless the control is `modelBased`.
 *
 * What a new control needs besides its file: docs/changing.md.
 */
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

/** Why a reduction begins: a loss detected by ACKs, an ECN mark, or the retransmission timer. */
export type Congestion = 'loss' | 'ecn' | 'timeout';

export interface CongestionControl {
  readonly name: string;
  /** Number of segments that may be in flight, an integer of at least 1. */
  readonly cwnd: Segments;
  /** Slow start ends here; Infinity at first (RFC 5681 section 3.1: arbitrarily high). */
  readonly ssthresh: Segments;
  /**
   * A model of the path sets cwnd in every state (BBR). Otherwise recovery sets it after a
   * congestion event.
   */
  readonly modelBased: boolean;
  /** Pacing rate in bytes per second; Infinity if the control requests no pacing. */
  readonly pacingRate: number;

  /**
   * The connection is established. `initialWindow`: segments of `mss` bytes (RFC 6928). `srtt`: 0
   * if the handshake gave no sample.
   */
  start(initialWindow: Segments, mss: Bytes, srtt: Micros, now: Micros): void;
  /**
   * An ACK delivered segments or marked some lost. The window grows only if
   * `s.mayGrow && s.cwndLimited`, unless the control is `modelBased`.
   */
  onAck(s: AckSample): void;
  /**
   * A reduction begins, once per window of data. Sets `ssthresh` from `window` (segments: cwnd in
   * the linux profile, the flight size in the rfc profile) and saves the state that `onUndo`
   * restores. cwnd does not change here, because PRR or `afterTimeout` reduces it.
   */
  onCongestion(why: Congestion, window: Segments, now: Micros): void;
  /**
   * The last reduction was spurious (Eifel, D-SACK, F-RTO): restores cwnd and ssthresh, which never
   * decrease by this.
   */
  onUndo(): void;
  /** A reduction ended, and cwnd is ssthresh (`reductionEnds`). */
  onRecovered(now: Micros): void;
  /**
   * Data is sent after nothing was in flight since `idleSince` (Linux's CA_EVENT_TX_START). The
   * idle time does not count for an epoch.
   */
  onSendAfterIdle(idleSince: Micros, appLimited: boolean, now: Micros): void;
}
