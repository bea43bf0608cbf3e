/**
 * The marks of a segment. The rules are those of Wireshark's analysis of sequence numbers, in its
 * order, because an answer that differs from Wireshark's needs a reason: each rule decides with
 * what was captured before, in both directions, and with nothing that comes later.
 */
import { seqAdd, seqDiff, seqGt, seqLeq, seqLt } from '../base/seq.js';
import { TcpFlag } from '../wire/tcp.js';
import type { Conversation } from './conversation.js';
import { type Direction, SCALE_UNKNOWN } from './direction.js';
import { Mark } from './marks.js';
import type { SeenSegment } from './segment.js';

const { SYN, FIN, RST, ACK } = TcpFlag;
const SYN_FIN = SYN | FIN;
const SYN_FIN_RST = SYN | FIN | RST;

/** A retransmission that follows the last duplicate ACK so closely (ns) is a fast one. */
const FAST_RETRANSMIT = 20e6;
/** The limit for "overtaken" (ns) where the handshake with its round trip was not captured. */
const OVERTAKEN = 3e6;
/** More bytes in flight than that are an error of the capture. */
const MOST_IN_FLIGHT = 2_000_000_000;

/** Sets `seg.marks` and the numbers beside it, and moves `own` and `peer` on. */
export function judge(seg: SeenSegment, conv: Conversation, own: Direction, peer: Direction): void {
  if ((seg.flags & ACK) !== 0) peer.knowsFlight = true;
  let marks = marksBefore(seg, own, peer);
  if (seg.ack !== own.lastAck) {
    own.firstAckFrame = seg.number;
    own.duplicateAcks = 0;
  }
  marks |= ackMarks(seg, peer);
  if ((seg.length > 0 || (seg.flags & SYN_FIN) !== 0) && (marks & Mark.keepAlive) === 0)
    marks |= repetition(seg, conv, own, peer);
  seg.marks |= marks;
  if ((marks & (Mark.retransmission | Mark.fastRetransmission)) !== 0) seg.isRepeat = true;
  if ((marks & Mark.outOfOrder) !== 0 && own.unacked.holds(seg.seq, seqAdd(seg.seq, seg.length))) {
    seg.isRepeat = true;
    own.lateRepeats++;
  }
  remember(seg, own, peer);
}

/** Windows, gaps, keep-alives, probes and duplicate ACKs. */
function marksBefore(seg: SeenSegment, own: Direction, peer: Direction): number {
  const { seq, ack, length, windowField: window } = seg;
  const isPlain = (seg.flags & SYN_FIN_RST) === 0;
  const isNext = own.hasNext && seq === own.next;
  if (length === 1 && isNext && peer.lastWindow === 0) return Mark.zeroWindowProbe;
  let marks = 0;
  if (window === 0 && isPlain) marks |= Mark.zeroWindow;
  if (own.hasNext && seqGt(seq, own.next) && (seg.flags & RST) === 0) {
    marks |= Mark.lostSegment;
    own.knowsFlight = false;
  }
  if (!isPlain) return marks;
  if (length <= 1 && own.hasNext && seq === seqAdd(own.next, -1)) marks |= Mark.keepAlive;
  if (length > 0) {
    const isFull = peer.scale !== SCALE_UNKNOWN && peer.hasEdge;
    if (isFull && seqAdd(seq, length) === peer.edge) marks |= Mark.windowFull;
    return marks;
  }
  if (!isNext) return marks;
  const repeatsAck = ack === own.lastAck;
  if (window !== 0 && window !== own.lastWindow && repeatsAck) marks |= Mark.windowUpdate;
  if (window !== own.lastWindow) return marks;
  if (!repeatsAck) return marks;
  if (window === 0)
    return (peer.lastMarks & Mark.zeroWindowProbe) === 0 ? marks : marks | Mark.zeroWindowProbeAck;
  if ((peer.lastMarks & Mark.keepAlive) !== 0) return marks | Mark.keepAliveAck;
  own.duplicateAcks++;
  seg.duplicateNumber = own.duplicateAcks;
  seg.duplicateOf = own.firstAckFrame;
  return marks | Mark.duplicateAck;
}

/** An ACK of what was not captured. */
function ackMarks(seg: SeenSegment, peer: Direction): number {
  const { ack } = seg;
  if ((seg.flags & ACK) === 0 || !peer.hasContiguous || !seqGt(ack, peer.contiguous)) return 0;
  // Said once for each gap: what comes next from that side says from where on it is complete again.
  peer.hasContiguous = false;
  return Mark.ackLostSegment;
}

/** The kind of a segment that repeats sequence numbers; 0 if it does not. */
function repetition(seg: SeenSegment, conv: Conversation, own: Direction, peer: Direction): number {
  const { seq, length, time } = seg;
  const end = seqAdd(seq, length);
  let repeats = own.hasNext && seqLt(seq, own.next);
  // The byte of a probe is not counted as sent, so the segment that contains it is new.
  if (length > 1 && seq === seqAdd(own.next, -1)) repeats = false;
  if (length > 0 && peer.lastAck !== 0 && seqLeq(end, peer.lastAck))
    return Mark.spuriousRetransmission;
  if (!repeats) return 0;
  const wasAsked = peer.duplicateAcks >= 2 && peer.lastAck === seq;
  if (wasAsked && time - peer.lastAckTime < FAST_RETRANSMIT) return Mark.fastRetransmission;
  const limit = conv.initialRtt > 0 ? conv.initialRtt : OVERTAKEN;
  const whole = (seg.flags & SYN_FIN) === 0 ? end : seqAdd(end, 1);
  if (time - own.nextTime < limit && own.next !== whole) return Mark.outOfOrder;
  const { unacked } = own;
  const since = unacked.count > 0 ? unacked.oldestTime : own.nextTime;
  if (time > since) {
    seg.rto = time - since;
    seg.rtoFrame = unacked.count > 0 ? unacked.oldestFrame : own.nextFrame;
  }
  return Mark.retransmission;
}

/** What the next segments are compared with. */
function remember(seg: SeenSegment, own: Direction, peer: Direction): void {
  const { seq, ack, flags, length, number, time, marks } = seg;
  let end = seqAdd(seq, length);
  if (length > 0 || (flags & SYN_FIN) !== 0) {
    if ((flags & SYN_FIN) !== 0) end = seqAdd(end, 1);
    own.unacked.add(seq, end, number, time);
  }
  const isProbe = (marks & Mark.zeroWindowProbe) !== 0;
  const before = own.next;
  if (!isProbe && (!own.hasNext || seqGt(end, own.next))) {
    own.next = end;
    own.hasNext = true;
    own.nextFrame = number;
    own.nextTime = time;
  }
  if (!isProbe && (!own.hasContiguous || seq === own.contiguous)) {
    const isBehindGap = !own.hasContiguous && (marks & Mark.lostSegment) !== 0;
    own.contiguous = isBehindGap ? before : own.next;
    own.hasContiguous = true;
  }
  own.lastWindow = seg.windowField;
  own.lastAck = ack;
  own.lastAckTime = time;
  own.lastMarks = marks;
  peer.unacked.acknowledge(ack);
  if (peer.unacked.ackedFrame !== 0) {
    seg.acksFrame = peer.unacked.ackedFrame;
    seg.ackRtt = time - peer.unacked.ackedTime;
  }
  if (length > 0 && own.knowsFlight) {
    const flight = inFlight(own, peer) - ((flags & FIN) === 0 ? 0 : 1); // a FIN is no byte
    if (flight > 0 && flight < MOST_IN_FLIGHT) seg.inFlight = flight;
  }
}

/** What is not acknowledged, less what the last ACK reported by SACK (RFC 2018). */
function inFlight(own: Direction, peer: Direction): number {
  const span = own.unacked.span;
  let delivered = 0;
  for (let i = 0; i < 2 * peer.sackCount; i += 2)
    delivered += seqDiff(peer.sackEdges[i + 1]!, peer.sackEdges[i]!);
  return delivered <= span ? span - delivered : span;
}
