/**
 * The receiving half of ECN (RFC 3168 section 6.1.3): after a packet with CE, every ACK carries ECE
 * until the sender sends CWR, so that the loss of one ACK does not hide the mark.
 */
import { Ecn, TcpFlag, type Segment } from '../../wire/tcp.js';

/** How soon received data must be acknowledged. */
export const EcnUrgency = {
  none: 0,
  /** The next two segments at once, because a sender with a small window may wait for our ACK. */
  quick: 1,
  /** At once. */
  now: 2,
} as const;
export type EcnUrgency = (typeof EcnUrgency)[keyof typeof EcnUrgency];

export class EcnReceiver {
  /** ECN was negotiated in the handshake. */
  agreed = false;
  /** Every segment that we send carries ECE. */
  echo = false;
  /** A packet with ECT or CE was received. */
  ectSeen = false;

  /**
   * Processes CWR and CE of a segment with data in the window. CWR is processed first, because it
   * is about earlier marks.
   */
  onData(seg: Segment): EcnUrgency {
    let urgency: EcnUrgency = EcnUrgency.none;
    if (seg.has(TcpFlag.CWR)) {
      this.echo = false;
      urgency = EcnUrgency.now;
    }
    switch (seg.ecn) {
      case Ecn.ce:
        if (!this.echo) urgency = urgency || EcnUrgency.quick;
        this.echo = true;
        this.ectSeen = true;
        break;
      case Ecn.notEct:
        // As in Linux: a sender that sets ECT on data sends retransmissions without it, so this is
        // probably one, and the sender waits for its ACK.
        if (this.ectSeen) urgency = urgency || EcnUrgency.quick;
        break;
      default:
        this.ectSeen = true;
    }
    return urgency;
  }
}
