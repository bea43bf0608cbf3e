/**
 * One direction of a conversation: what its sender sent, as far as the capture shows it. The rules
 * (rules.ts) read and write the first block of fields, everything else is statistics.
 */
import type { Seq } from '../base/seq.js';
import { MAX_SACK_BLOCKS } from '../wire/tcp.js';
import { MARK_NAMES } from './marks.js';
import { Unacked } from './unacked.js';

/** `scale` before a SYN was seen, and after one without the option (RFC 7323). */
export const SCALE_UNKNOWN = -1;
export const SCALE_NONE = -2;

export class Direction {
  // ---- for the rules ----------------------------------------------------------------------------

  /** The sequence number that is shown as 0: that of the SYN, or one less than the first seen. */
  base: Seq = 0;
  hasBase = false;
  /** One more than the highest sequence number seen, and when and where it was seen. */
  next: Seq = 0;
  hasNext = false;
  nextFrame = 0;
  nextTime = NaN;
  /** One more than the highest that was seen without a gap before it. */
  contiguous: Seq = 0;
  hasContiguous = false;
  /** The last acknowledgement number, window field and marks. */
  lastAck: Seq = 0;
  lastAckTime = NaN;
  lastWindow = -1;
  lastMarks = 0;
  /** Repetitions of `lastAck` so far, and the segment that said it first. */
  duplicateAcks = 0;
  firstAckFrame = 0;
  /** False after a gap, until the other side acknowledges something again. */
  knowsFlight = true;
  readonly unacked = new Unacked();
  /** SACK blocks of the last ACK: left and right edges alternating. */
  readonly sackEdges = new Int32Array(2 * MAX_SACK_BLOCKS);
  sackCount = 0;

  // ---- options of the SYN -----------------------------------------------------------------------

  scale = SCALE_UNKNOWN;
  /** The option's value in the SYN, -1 without it. */
  scaleSent = -1;
  mss = 0;
  sackPermitted = false;
  timestamps = false;
  hasSyn = false;

  // ---- windows ----------------------------------------------------------------------------------

  /** The last window in bytes. -1 before the first segment. */
  window = -1;
  minWindow = Infinity;
  maxWindow = 0;
  /** Acknowledgement number and window together: how far the peer may send. */
  edge: Seq = 0;
  hasEdge = false;
  /** The edge between one and two round trips ago, for a capture that was made at the receiver. */
  edgeBefore: Seq = 0;
  private edgeSampled: Seq = 0;
  private edgeTime = NaN;

  // ---- counts -----------------------------------------------------------------------------------

  packets = 0;
  /** Bytes on the wire, from the IP header on. */
  bytes = 0;
  /** Payload with what was sent again, and without it (by the sequence numbers). */
  payload = 0;
  uniqueBytes = 0;
  dataPackets = 0;
  /** How often each mark was set: the index is the bit's number. */
  readonly marks = new Int32Array(MARK_NAMES.length);
  /** The first and the last segment with each mark. */
  readonly firstMarked = new Int32Array(MARK_NAMES.length);
  readonly lastMarked = new Int32Array(MARK_NAMES.length);
  maxFlight = 0;
  /** Segments marked out of order whose bytes the capture held already: sent again. */
  lateRepeats = 0;
  /** Largest payload of a segment, and of one that was acknowledged. */
  largest = 0;
  largestAcked = 0;
  lastLength = 0;
  lastDataTime = NaN;
  lastPush = false;
  firstTime = NaN;
  lastTime = NaN;
  ttl = 0;
  /** Segments with ECN's CE, and with the echo of it. */
  congestionMarks = 0;
  congestionEchoes = 0;

  // ---- round trips: from a data segment to its ACK, and from a timestamp to its echo -----------

  rttCount = 0;
  rttSum = 0;
  rttMin = Infinity;
  rttMax = 0;
  tsRttCount = 0;
  tsRttSum = 0;
  tsRttMin = Infinity;
  tsRttMax = 0;
  tsPending = 0;
  tsPendingTime = NaN;

  // ---- losses -----------------------------------------------------------------------------------

  /** The highest number sent when a loss was noticed; recovery lasts until it is acknowledged. */
  recoverTo: Seq = 0;
  inRecovery = false;
  episodes = 0;
  /** Repetitions of one segment without an answer, the longest such row, and its length. */
  stuckSeq: Seq = 0;
  stuckCount = 0;
  mostStuck = 0;
  stuckLength = 0;
  longestTimeout = 0;
  timeouts = 0;

  // ---- the ends ---------------------------------------------------------------------------------

  synFrame = 0;
  synTime = NaN;
  syns = 0;
  finFrame = 0;
  finTime = NaN;
  /** The number behind the FIN. */
  finEnd: Seq = 0;
  /** When the peer acknowledged the FIN. */
  finAckedTime = NaN;
  rstFrame = 0;
  rstTime = NaN;
  rstTtl = 0;
  resets = 0;
  /** Of the first RST: its flags had no ACK, so it answers a packet of an unknown connection. */
  resetWithoutAck = false;
  packetsBeforeReset = 0;
  idleBeforeReset = 0;

  // ---- small segments that wait for an ACK (RFC 1122 4.2.3.2 and 4.2.3.4) -----------------------

  /** Small segments that were sent right after the ACK of another one that had come late. */
  nagleWaits = 0;
  nagleTime = 0;
  /** How long the last ACK took, until the next segment is sent. */
  delayedAck = NaN;

  /** Notes the edge of the window, and that of about a round trip before. */
  setEdge(edge: Seq, time: number, roundTrip: number): void {
    this.edge = edge;
    if (!this.hasEdge || time - this.edgeTime > roundTrip) {
      this.edgeBefore = this.hasEdge ? this.edgeSampled : edge;
      this.edgeSampled = edge;
      this.edgeTime = time;
    }
    this.hasEdge = true;
  }

  count(marks: number, frame: number): void {
    for (let bit = 0, left = marks; left !== 0; bit++, left >>= 1) {
      if ((left & 1) === 0) continue;
      if (this.marks[bit]!++ === 0) this.firstMarked[bit] = frame;
      this.lastMarked[bit] = frame;
    }
  }
}
