/** One TCP segment of a capture, and what the analyser makes of it. */
import type { Seq } from '../base/seq.js';
import type { Conversation } from './conversation.js';

/** Reused for each segment: valid during the call that gets it. */
export class SeenSegment {
  /** Wireshark's `frame.number`. */
  number = 0;
  /** Nanoseconds since the first packet of the capture. */
  time = NaN;
  conversation: Conversation | null = null;
  /** Index into `conversation.directions`: 0 if A sent it. */
  direction: 0 | 1 = 0;
  seq: Seq = 0;
  ack: Seq = 0;
  /** Bits of wire/tcp.ts's `TcpFlag`. */
  flags = 0;
  /** Payload on the wire. */
  length = 0;
  /** The window field, and the window in bytes. */
  windowField = 0;
  window = 0;
  ttl = 0;

  /** Bits of `Mark`. */
  marks = 0;
  /**
   * It repeats data that is missing: a retransmission, also one that Wireshark calls out of order
   * although the capture holds the same bytes already.
   */
  isRepeat = false;
  /** Of a duplicate ACK: which repetition it is, and the segment that it repeats. */
  duplicateNumber = 0;
  duplicateOf = 0;
  /** Bytes in flight after this segment; -1 if the capture cannot tell. */
  inFlight = -1;
  /** The segment that this one acknowledges to its end, and how long ago that was; 0 and NaN. */
  acksFrame = 0;
  ackRtt = NaN;
  /** Of a retransmission: the segment that it repeats, and how long ago that was; 0 and NaN. */
  rtoFrame = 0;
  rto = NaN;

  /** Relative to the first number of its direction, as Wireshark shows it. */
  get relativeSeq(): number {
    return (this.seq - this.conversation!.directions[this.direction].base) >>> 0;
  }

  get relativeAck(): number {
    return (this.ack - this.conversation!.directions[this.direction ^ 1]!.base) >>> 0;
  }
}
