/**
 * Where the time of a conversation goes. The time between two of its packets belongs to what held
 * it up:
 *
 *     handshake     the connection is not open yet
 *     loss          a segment is missing: from the first retransmission, or the silence before it,
 *                   until everything that was sent until then is acknowledged (RFC 6675's recovery)
 *     receiver      the window has no room for another full segment
 *     network       data is in flight, and the window has room: the congestion window and the round
 *                   trip limit the sender (RFC 5681)
 *     application   nothing is in flight: a program has not written yet. Also the wait for the ACK
 *                   of the last, small segment
 *     closing       both sides have sent a FIN, or one has reset
 *
 * A capture at the receiver sees data and its ACK together, so little seems to be in flight. There
 * the view of the sender, a round trip ago, decides.
 */
import { seqAdd, seqDiff, seqLt } from '../base/seq.js';
import { TcpFlag } from '../wire/tcp.js';
import { type Conversation, LimitIndex, LIMITS } from './conversation.js';
import type { Direction } from './direction.js';
import { Mark } from './marks.js';
import type { SeenSegment } from './segment.js';

/** A capture this much closer (ratio) to the receiver sees the receiver's view. */
const NEAR_RECEIVER = 0.5;
/** Waits of the sender's view are at most that many round trips. */
const WAITED_ROUND_TRIPS = 1.5;
/** A retransmission (ns) so long after the data was sent by a timer: Linux's smallest RTO. */
const SILENCE = 200e6;
/** Headers and options that a full segment may carry beside its MSS. */
const OPTION_BYTES = 40;

/**
 * Adds the time since the last packet to what `expect` said then, or to a loss, if the segment
 * shows that there was one.
 */
export function attribute(conv: Conversation, seg: SeenSegment): void {
  const gap = seg.time - conv.lastTime;
  if (!(gap > 0)) return;
  if (gap > conv.longestPause) {
    conv.longestPause = gap;
    conv.longestPauseFrame = seg.number;
  }
  const { waitingFor } = conv;
  if (waitingFor === LimitIndex.closing || waitingFor === LimitIndex.handshake)
    add(conv, conv.waitingEnd, waitingFor, gap);
  else if (seg.isRepeat) add(conv, seg.direction, LimitIndex.loss, gap);
  else if (waitingFor !== LimitIndex.application || conv.hasFlight)
    add(conv, conv.waitingEnd, waitingFor, gap);
  else attributeSilence(conv, seg, gap);
}

/** Nothing was in flight: a program had the word, or the sender waited for an ACK still far off. */
function attributeSilence(conv: Conversation, seg: SeenSegment, gap: number): void {
  const talker = conv.lastTalker;
  const own = conv.directions[talker];
  const peer = conv.directions[talker === 0 ? 1 : 0];
  if (isNearReceiver(conv, own) && waitsForOurAck(conv, seg, own, gap)) {
    const isFull = peer.hasEdge && seqDiff(peer.edgeBefore, own.next) < fullSegment(own, peer);
    add(conv, talker, isFull ? LimitIndex.receiver : LimitIndex.network, gap);
    return;
  }
  // The program whose turn it is: it sends now, or the other one sent last.
  const speaks = seg.length > 0 || (seg.flags & (TcpFlag.FIN | TcpFlag.RST)) !== 0;
  const thinker = speaks ? seg.direction : talker === 0 ? 1 : 0;
  add(conv, thinker, LimitIndex.application, gap);
  if (speaks && gap > conv.longestThought[thinker]!) {
    conv.longestThought[thinker] = gap;
    conv.thoughtFrame[thinker] = seg.number;
  }
}

/** What the conversation waits for from now on, until its next packet. */
export function expect(conv: Conversation): void {
  const [a, b] = conv.directions;
  const talker = conv.lastTalker;
  conv.waitingEnd = talker;
  conv.hasFlight = false;
  if (a.rstFrame + b.rstFrame > 0 || (a.finFrame > 0 && b.finFrame > 0))
    conv.waitingFor = LimitIndex.closing;
  else if (Number.isNaN(conv.handshakeTime) && (a.hasSyn || b.hasSyn)) {
    conv.waitingFor = LimitIndex.handshake;
    conv.waitingEnd = conv.opener;
  } else if (a.inRecovery || b.inRecovery) {
    conv.waitingFor = LimitIndex.loss;
    conv.waitingEnd = a.inRecovery ? 0 : 1;
  } else {
    const own = conv.directions[talker];
    const peer = conv.directions[talker === 0 ? 1 : 0];
    conv.hasFlight = own.hasNext && peer.hasEdge && seqLt(peer.lastAck, own.next);
    if (conv.hasFlight) conv.waitingFor = limitInFlight(own, peer);
    else if (peer.window === 0 && own.dataPackets > 0) conv.waitingFor = LimitIndex.receiver;
    else conv.waitingFor = LimitIndex.application;
  }
}

function limitInFlight(own: Direction, peer: Direction): number {
  const full = fullSegment(own, peer);
  if (seqDiff(peer.edge, own.next) < full) return LimitIndex.receiver;
  return own.lastLength < full ? LimitIndex.application : LimitIndex.network;
}

/** Payload of a full segment. Super-segments of an offloading device are larger than the MSS. */
function fullSegment(own: Direction, peer: Direction): number {
  const most = peer.mss > 0 ? peer.mss - OPTION_BYTES : 1400;
  return Math.max(1, Math.min(own.largest, most));
}

/** The round trip from data to ACK is much shorter than that of the handshake's other half. */
function isNearReceiver(conv: Conversation, own: Direction): boolean {
  return own.rttCount > 0 && conv.initialRtt > 0 && own.rttMin < NEAR_RECEIVER * conv.initialRtt;
}

/** The sender's next segment was sent when our last ACK reached it. */
function waitsForOurAck(
  conv: Conversation,
  seg: SeenSegment,
  own: Direction,
  gap: number,
): boolean {
  const isSame = conv.directions[seg.direction] === own && seg.length > 0;
  return isSame && gap < WAITED_ROUND_TRIPS * conv.initialRtt && own.lastLength >= own.largest / 2;
}

function add(conv: Conversation, direction: 0 | 1, limit: number, gap: number): void {
  const index = direction * LIMITS.length + limit;
  conv.limited[index]! += gap;
  conv.lastLimit = index;
}

/** Begins and ends recovery, and counts repetitions of one segment; called after the rules. */
export function followLoss(seg: SeenSegment, own: Direction, peer: Direction): void {
  if (peer.inRecovery && !seqLt(seg.ack, peer.recoverTo)) peer.inRecovery = false;
  if (!seg.isRepeat) {
    if (seg.length > 0 && own.stuckCount > 0 && !seqLt(peer.lastAck, seqAdd(own.stuckSeq, 1)))
      own.stuckCount = 0;
    return;
  }
  if (!own.inRecovery) {
    own.inRecovery = true;
    own.episodes++;
    own.recoverTo = own.next;
  }
  if ((seg.marks & Mark.retransmission) !== 0 && seg.rto > own.longestTimeout)
    own.longestTimeout = seg.rto;
  if (own.stuckCount > 0 && own.stuckSeq === seg.seq) own.stuckCount++;
  else {
    own.stuckCount = 1;
    const isNewest = seg.length > 0 && seqDiff(own.next, seqAdd(seg.seq, seg.length)) <= 1;
    if (isNewest && seg.rto >= SILENCE) own.timeouts++;
  }
  own.stuckSeq = seg.seq;
  if (own.stuckCount > own.mostStuck) {
    own.mostStuck = own.stuckCount;
    own.stuckLength = seg.length;
  }
}
