/**
 * What a congestion control is: it owns cwnd and ssthresh, in bytes, and is told what happened. It never sees a timer, a
 * segment or a sequence number; which bytes to send again is loss recovery's business (../recovery.ts).
 */
import type { Micros } from '../../base/time.js';

export interface CongestionControl {
  readonly name: string;
  /** Bytes that may be in flight. */
  cwnd: number;
  /** Slow start ends here. */
  ssthresh: number;

  /** The connection is established: `iw` segments of `smss` bytes (RFC 6928). */
  start(smss: number, iw: number): void;
  /** `acked` new bytes were acknowledged outside recovery while the window was used up (RFC 7661: only then may it grow). */
  onAck(acked: number, srtt: Micros, now: Micros): void;
  /** Loss seen by duplicate ACKs: ssthresh from `flight` bytes in flight (RFC 5681 equation 4). cwnd is recovery's to set. */
  onLoss(flight: number): void;
  /** The retransmission timer expired. `again`: for the same segment as last time, which keeps ssthresh. */
  onTimeout(flight: number, again: boolean): void;
  /** Nothing was sent for longer than an RTO: RFC 5681 section 4.1. */
  onIdle(): void;
}
