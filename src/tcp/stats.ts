/**
 * What one connection has sent and received so far: the counts of TCP_INFO, counted as Linux
 * counts.
 */
import type { Micros } from '../base/time.js';
import { Ecn, type Segment } from '../wire/tcp.js';

export class TcpStats {
  /** In order; the peer's FIN counts as one. */
  bytesIn = 0;
  /** Bytes that the user gave. */
  bytesOut = 0;
  bytesSent = 0;
  /** Our FIN counts as one, and so does the SYN of an active open. */
  bytesAcked = 0;
  bytesRetransmitted = 0;
  segsIn = 0;
  /** Without a listener's SYN,ACK: Linux makes the connection when the handshake is over. */
  segsOut = 0;
  /** Whatever became of them. */
  dataSegsIn = 0;
  dataSegsOut = 0;
  retransmissions = 0;
  duplicateAcksIn = 0;
  /** Segments of ours that were acknowledged with ECE. */
  deliveredCe = 0;
  /** What came by IP's ECN field: segments with CE, and the payload bytes of each codepoint. */
  ceSegmentsIn = 0;
  ceBytesIn = 0;
  ect0BytesIn = 0;
  ect1BytesIn = 0;
  /** Expiries of the retransmission timer, a SYN's too, and the episodes that they make up. */
  timeouts = 0;
  timeoutEpisodes = 0;
  /** How often the SYN's timer was doubled. */
  synBackoff = 0;
  /** What the user gave and no segment had carried when the connection broke off. */
  leftUnsent = 0;
  /** How long those that are over took, and when the one under way began: NaN for none. */
  private timeoutTime: Micros = 0;
  private timeoutSince: Micros = NaN;

  segmentArrived(seg: Segment): void {
    const segments = seg.wireSegments;
    this.segsIn += segments;
    if (seg.payloadBytes > 0) this.dataSegsIn += segments;
  }

  /**
   * A listener's handshake is over with `ack`: Linux makes the connection now, and of what came
   * before it only the SYN is counted.
   */
  handshakeEnds(ack: Segment): void {
    this.segsIn = 1;
    this.dataSegsIn = 0;
    this.segmentArrived(ack);
  }

  /** `seg` is a valid one. */
  countEcn(seg: Segment): void {
    switch (seg.ecn) {
      case Ecn.ect0:
        this.ect0BytesIn += seg.payloadBytes;
        return;
      case Ecn.ect1:
        this.ect1BytesIn += seg.payloadBytes;
        return;
      case Ecn.ce:
        this.ceSegmentsIn += seg.wireSegments;
        this.ceBytesIn += seg.payloadBytes;
    }
  }

  /** `first`: no timeout came before it in this episode, which began at `since`. */
  timeoutExpired(first: boolean, since: Micros): void {
    this.timeouts++;
    if (!first) return;
    this.timeoutEpisodes++;
    this.timeoutSince = since;
  }

  timeoutRecovered(now: Micros): void {
    this.timeoutTime = this.timeInTimeouts(now);
    this.timeoutSince = NaN;
  }

  timeInTimeouts(now: Micros): Micros {
    return this.timeoutTime + (Number.isNaN(this.timeoutSince) ? 0 : now - this.timeoutSince);
  }
}
