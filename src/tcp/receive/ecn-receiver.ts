/**
 * The receiving half of ECN, RFC 3168 section 6.1.3: once a packet came with CE, every ACK carries
 * ECE until the sender says CWR, so that no single ACK's loss hides the mark.
 */
import { Ecn, TcpFlag, type Segment } from '../../wire/tcp.js';

/** How soon what came is to be acknowledged. */
export const EcnUrgency = {
  none: 0,
  /**
   * The next two segments at once: the sender's window may be so small that it waits for our ACK.
   */
  quick: 1,
  /** At once. */
  now: 2,
} as const;
export type EcnUrgency = (typeof EcnUrgency)[keyof typeof EcnUrgency];

export class EcnReceiver {
  /** ECN was agreed on in the handshake. */
  agreed = false;
  /** Every segment that we send carries ECE. */
  echo = false;
  /** A packet with ECT or CE came. */
  ectSeen = false;

  /**
   * A segment with data, any part of which is in the window: what its CWR and its CE mean. CWR is
   * the older of the two.
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
        // As Linux: from a sender that marks its data this is most likely a retransmission, and it
        // waits.
        if (this.ectSeen) urgency = urgency || EcnUrgency.quick;
        break;
      default:
        this.ectSeen = true;
    }
    return urgency;
  }
}
