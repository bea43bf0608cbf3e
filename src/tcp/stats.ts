/** Counters of one connection: those of TCP_INFO, counted as in Linux. */
import type { Micros } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import { Ecn, type Segment } from '../wire/tcp.js';

export class TcpStats {
  /** Received in order; the peer's FIN counts as one byte. */
  bytesIn: Bytes = 0;
  /** Bytes that the user wrote. */
  bytesOut: Bytes = 0;
  bytesSent: Bytes = 0;
  /** Our FIN counts as one byte, and so does the SYN of an active open. */
  bytesAcked: Bytes = 0;
  bytesRetransmitted: Bytes = 0;
  segsIn: Segments = 0;
  /**
   * Without the SYN,ACK of a passive open, because Linux creates the connection when the handshake
   * ends.
   */
  segsOut: Segments = 0;
  /** Received segments with data, valid or not. */
  dataSegsIn: Segments = 0;
  dataSegsOut: Segments = 0;
  retransmissions: Segments = 0;
  duplicateAcksIn: Segments = 0;
  /** Our segments that were acknowledged with ECE. */
  deliveredCe: Segments = 0;
  /** Received by ECN field: segments with CE, and payload bytes of each codepoint. */
  ceSegmentsIn: Segments = 0;
  ceBytesIn: Bytes = 0;
  ect0BytesIn = 0;
  ect1BytesIn = 0;
  /** Expiries of the retransmission timer, including a SYN's, and the episodes that they form. */
  timeouts = 0;
  timeoutEpisodes = 0;
  /** Number of times the SYN's timer was doubled. */
  synBackoff = 0;
  /** Bytes that were written and never sent when the connection ended early. */
  leftUnsent: Bytes = 0;
  /** Total time of finished timeout episodes, and the start of the current one: NaN for none. */
  private timeoutTime: Micros = 0;
  private timeoutSince: Micros = NaN;

  segmentArrived(seg: Segment): void {
    const segments = seg.wireSegments;
    this.segsIn += segments;
    if (seg.payloadBytes > 0) this.dataSegsIn += segments;
  }

  /**
   * A passive handshake ends with `ack`: Linux creates the connection now, so of the earlier
   * segments only the SYN counts.
   */
  handshakeEnds(ack: Segment): void {
    this.segsIn = 1;
    this.dataSegsIn = 0;
    this.segmentArrived(ack);
  }

  /** Counts the ECN field of `seg`, which is valid. */
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

  /** `first`: the first timeout of the episode, which began at `since`. */
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
