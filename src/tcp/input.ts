/**
 * SEGMENT ARRIVES (RFC 9293 section 3.10.7): one function for each step, in the RFC's order. This
 * file has SYN-SENT (3.10.7.3) and the other states (3.10.7.4). CLOSED (`reset.ts`) and LISTEN
 * (`arrivesInListen` in stack/tcp/listen.ts) have no connection, and TIME-WAIT has only a record
 * (`time-wait.ts`).
 *
 * Nothing is sent from here: steps note what is owed. A step that ends the processing returns
 * false.
 */
import { seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt } from '../base/seq.js';
import { MILLISECOND, type Micros } from '../base/time.js';
import { Drop } from '../wire/drop.js';
import { Ecn, TcpFlag, type Segment } from '../wire/tcp.js';
import type { Cause } from './causes.js';
import { acknowledgmentArrives, synAcknowledged } from './recovery/ack.js';
import { answersAlways } from './challenge.js';
import { orphanInFinWait2, shutdown } from './closing.js';
import { TcpEvent } from './events.js';
import { peerSyn } from './handshake.js';
import type { Tcb } from './tcb.js';
import { peerIsKnown } from './path-mtu.js';
import { isPaced, pacingRateOf } from './send/pacing-rate.js';
import { synAckRecovered } from './recovery/recovery.js';
import { answerWithReset } from './reset.js';
import { isSynchronized, State } from './state.js';
import { synAnswered } from './syn-data.js';
import { Timer } from './timers.js';
import { isForeignEcho, timestampFault } from './timestamps.js';
import { takeUrgent } from './urgent.js';
import { TCP_TIMEOUT_MIN } from './linux-constants.js';

export function segmentArrives(c: Tcb, seg: Segment, now: Micros): void {
  switch (c.state) {
    case State.closed:
    case State.listen:
    case State.timeWait:
      return; // the stack handles these
    case State.synSent:
      c.env.counters.steps[0]!++;
      arrivesInSynSent(c, seg, now);
      return;
    case State.synReceived:
    case State.established:
    case State.finWait1:
    case State.finWait2:
    case State.closeWait:
    case State.closing:
    case State.lastAck:
      arrivesInOther(c, seg, now);
      return;
    default:
      c.state satisfies never;
  }
}

// ---- 3.10.7.3 SYN-SENT --------------------------------------------------------------------------

function arrivesInSynSent(c: Tcb, seg: Segment, now: Micros): void {
  const { snd } = c;
  const ack = seg.has(TcpFlag.ACK);
  // First, the ACK: it must acknowledge our SYN, and nothing that was not sent.
  if (ack && (seqLeq(seg.ack, snd.iss) || seqGt(seg.ack, snd.nxt))) {
    if (!seg.has(TcpFlag.RST)) {
      answerWithReset(c, seg);
      // RFC 9293 figure 9: our RST ends the peer's old connection with these ports, so it accepts
      // our next SYN. As in Linux that SYN goes out early, without waiting a second.
      if (c.synTries === 0) c.setTimer(Timer.rto, now + TCP_TIMEOUT_MIN, now);
    }
    c.dropped(seg, Drop.tcpBadAck, now);
    return;
  }
  if (ack && isForeignEcho(c, seg, now)) {
    c.env.counters.TcpExtPAWSActive++;
    if (!seg.has(TcpFlag.RST)) answerWithReset(c, seg);
    c.dropped(seg, Drop.tcpForeignEcho, now);
    return;
  }
  // Second, RST: valid only with an acceptable ACK.
  if (seg.has(TcpFlag.RST)) {
    if (ack) c.finish('ECONNREFUSED', 'rst', now);
    else c.dropped(seg, Drop.tcpBadFlags, now);
    return;
  }
  // Third, security: obsolete. Fourth, SYN.
  if (!seg.has(TcpFlag.SYN)) {
    c.dropped(seg, Drop.tcpBadFlags, now);
    return;
  }
  peerSyn(c, seg, now);
  c.lastReceivedAt = now;
  if (ack) {
    c.rcv.ackNow = true;
    synAcknowledged(snd, seg, now);
    // RFC 7323 section 2.2: the window of a SYN is never scaled.
    snd.windowOffered(seg.seq, seg.ack, seg.wnd);
    if (c.fastOpen !== null) synAnswered(c, c.fastOpen, seg, now);
    becomeEstablished(c, 'syn-ack', now);
    // As in Linux: a FIN that acknowledges the data of our SYN makes the connection interactive, so
    // the ACK of the FIN may be delayed for our own FIN.
    const finAcksSynData = seg.has(TcpFlag.FIN) && c.fastOpen?.synDataAcked === true;
    if (!finAcksSynData) saveAck(c, now);
    if (seg.payloadBytes > 0 || seg.has(TcpFlag.FIN)) afterAck(c, seg, now);
    if (finAcksSynData) saveAck(c, now);
    return;
  }
  // MUST-10: simultaneous open. Our SYN is sent again, now with an ACK.
  snd.windowOffered(seg.seq, snd.iss, seg.wnd);
  c.setState(State.synReceived, 'simultaneous-syn', now);
  c.owed.syn = true;
}

/**
 * As in Linux: the ACK of the SYN,ACK is not sent alone if unsent data can carry it. A program that
 * writes this early is interactive, so the ACK of the peer's answer can go with the next request.
 * If TCP_QUICKACK is off, or TCP_DEFER_ACCEPT is set, the ACK is delayed for data that is still to
 * be written.
 */
function saveAck(c: Tcb, now: Micros): void {
  const { rcv, snd, config } = c;
  const { interactive } = rcv.ack;
  if (snd.unsent === 0 && !interactive && config.deferAccept === 0) return;
  rcv.ack.enterQuickMode(rcv.wnd);
  if (snd.unsent > 0) return;
  rcv.ackNow = false;
  rcv.ack.owed = true;
  rcv.ack.fresh = false; // the delay is already chosen
  c.setTimer(Timer.delayedAck, now + config.delayedAckMax, now);
}

// ---- 3.10.7.4 The other states ------------------------------------------------------------------

function arrivesInOther(c: Tcb, seg: Segment, now: Micros): void {
  if (!checkTimestamp(c, seg, now)) return;
  if (!checkSequence(c, seg, now)) return;
  if (!checkReset(c, seg, now)) return;
  // Third, security and compartment: obsolete (RFC 9293 appendix A.1).
  if (!checkSyn(c, seg, now)) return;
  if (!checkAck(c, seg, now)) return;
  afterAck(c, seg, now);
}

function afterAck(c: Tcb, seg: Segment, now: Micros): void {
  c.lastReceivedAt = now;
  c.keepAliveUnanswered = 0;
  if (seg.ecn !== Ecn.notEct) c.stats.countEcn(seg);
  // Sixth, URG.
  c.env.counters.steps[6]!++;
  if (seg.has(TcpFlag.URG) || c.rcv.urgent.isByteAwaited) takeUrgent(c, seg, now);
  if (seg.has(TcpFlag.FIN)) noteFin(c, seg);
  if (!takeText(c, seg, now)) return;
  takeFin(c, seg, now);
}

/**
 * A FIN beyond the window is trimmed with the data before it and will be retransmitted. As in
 * Linux, a FIN right after the window is accepted, also when the window is zero
 * (`takesFinBeyondWindow`).
 */
function noteFin({ rcv, config }: Tcb, seg: Segment): void {
  const finSeq = seqAdd(seg.seq, seg.len - 1);
  const right = seqAdd(rcv.nxt, rcv.wnd);
  const isTaken = seqLt(finSeq, right) || (finSeq === right && config.takesFinBeyondWindow);
  if (isTaken) rcv.noteFin(finSeq, seg.seq);
}

/** RFC 7323 section 5.3 R1: PAWS comes before the sequence check. */
function checkTimestamp(c: Tcb, seg: Segment, now: Micros): boolean {
  if (!c.timestamps) return true;
  if (!seg.hasTimestamps) {
    // Section 3.2: once negotiated, every segment must have timestamps, and one without SHOULD be
    // dropped. Linux accepts it, because some paths strip the option. A SYN continues to its
    // challenge ACK, because a peer that restarted has no negotiated options (RFC 5961 section
    // 4.2).
    if (!c.config.strictTimestamps || seg.has(TcpFlag.RST) || seg.has(TcpFlag.SYN)) return true;
    c.dropped(seg, Drop.tcpNoTimestamp, now);
    return false;
  }
  const fault = timestampFault(c, seg, now);
  if (fault === null) return true;
  if (isChallenged(c, seg)) {
    challengeSyn(c, seg, now);
    return false;
  }
  c.env.counters[fault.counter]++;
  if (fault.answered && !seg.has(TcpFlag.RST)) oweAckForBad(c, seg, 'TcpExtTCPACKSkippedPAWS', now);
  c.dropped(seg, fault.reason, now);
  return false;
}

/** First, the sequence number: is any part of the segment in the window? */
function checkSequence(c: Tcb, seg: Segment, now: Micros): boolean {
  c.env.counters.steps[1]!++;
  const { rcv } = c;
  if (rcv.isAcceptable(seg.seq, seg.len)) return true;
  if (seg.has(TcpFlag.RST) && repeatsFin(c, seg)) return true;
  // The SYN,ACK of a simultaneous open repeats IRS, so only its ACK is new (RFC 9293 section
  // 3.10.7.4, end of the first step).
  if (
    c.state === State.synReceived &&
    seg.has(TcpFlag.SYN) &&
    seg.has(TcpFlag.ACK) &&
    seg.seq === rcv.irs
  ) {
    if (checkAck(c, seg, now)) rcv.ackNow = true;
    return false;
  }
  if (isChallenged(c, seg)) {
    challengeSyn(c, seg, now);
    return false;
  }
  if (!seg.has(TcpFlag.RST)) {
    if (c.state === State.synReceived && seg.has(TcpFlag.SYN) && seg.seq === rcv.irs) {
      if (takeAnswerSlot(c, 'TcpExtTCPACKSkippedSynRecv', now)) c.owed.syn = true;
    } else oweAckForBad(c, seg, 'TcpExtTCPACKSkippedSeq', now);
  }
  c.dropped(seg, seg.has(TcpFlag.RST) ? Drop.tcpRstOutsideWindow : Drop.tcpUnacceptable, now);
  return false;
}

/**
 * As in Linux: some stacks do not count their FIN when they send a RST, so its sequence number may
 * be the FIN's own.
 */
const repeatsFin = (c: Tcb, seg: Segment): boolean =>
  c.rcv.finReceived && seg.seq === seqAdd(c.rcv.nxt, -1);

/**
 * True if the RST resets: it is at RCV.NXT (RFC 5961 section 3.2). As in Linux two other sequence
 * numbers reset, too: that of a FIN (`repeatsFin`), and the end of the out-of-order data, because
 * the peer's SND.NXT is there and our SACK blocks reported it.
 */
function mayReset(c: Tcb, seg: Segment): boolean {
  const { rcv } = c;
  if (seg.seq === rcv.nxt || repeatsFin(c, seg)) return true;
  return c.sack && !rcv.outOfOrder.isEmpty && seg.seq === rcv.outOfOrder.end;
}

/**
 * Second, RST (RFC 5961 section 3.2): only a RST that `mayReset` accepts resets. A RST elsewhere in
 * the window gets a challenge ACK.
 */
function checkReset(c: Tcb, seg: Segment, now: Micros): boolean {
  c.env.counters.steps[2]!++;
  if (!seg.has(TcpFlag.RST)) return true;
  if (!mayReset(c, seg)) {
    if (c.state === State.established) c.fastOpen?.resetOutOfOrder(c.stats.dataSegsIn, now);
    oweChallenge(c, now);
    c.dropped(seg, Drop.tcpRstChallenge, now);
    return false;
  }
  switch (c.state) {
    case State.synReceived:
      // MUST-11: a passive open returns to LISTEN, where its listener always stays; an active open
      // was refused.
      c.finish(c.passive ? 'ECONNRESET' : 'ECONNREFUSED', 'rst', now);
      break;
    case State.closing:
    case State.lastAck:
      c.finish(null, 'rst', now);
      break;
    case State.closeWait:
      c.finish('EPIPE', 'rst', now); // as in Linux: the peer's stream has already ended
      break;
    default:
      c.finish('ECONNRESET', 'rst', now);
  }
  return false;
}

/**
 * A SYN that gets a challenge ACK, whatever its timestamps and sequence number (RFC 5961 section
 * 4.2).
 */
const isChallenged = (c: Tcb, seg: Segment): boolean =>
  seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.RST) && isSynchronized(c.state);

/** Fourth, SYN. */
function checkSyn(c: Tcb, seg: Segment, now: Micros): boolean {
  c.env.counters.steps[4]!++;
  if (!seg.has(TcpFlag.SYN)) return true;
  if (c.state === State.synReceived && c.passive) newSynInSynReceived(c, seg, now);
  else challengeSyn(c, seg, now);
  return false;
}

/**
 * RFC 9293: returns to LISTEN, because the peer restarted and its next SYN will find the listener.
 * Linux also answers the SYN with a RST. Linux keeps the half-open connection if the SYN
 * acknowledges something other than our SYN, or if it already has data (Fast Open), so that a blind
 * guess cannot end it.
 */
function newSynInSynReceived(c: Tcb, seg: Segment, now: Micros): void {
  if (c.config.refuseSynInWindow) {
    const { snd } = c;
    answerWithReset(c, seg);
    const foreign = seg.has(TcpFlag.ACK) && seg.ack !== seqAdd(snd.iss, 1);
    if (foreign || c.fastOpen?.accepted === true) {
      c.dropped(seg, foreign ? Drop.tcpBadAck : Drop.tcpBadFlags, now);
      return;
    }
  }
  c.finish('ECONNRESET', 'syn-in-syn-received', now);
}

function challengeSyn(c: Tcb, seg: Segment, now: Micros): void {
  c.env.counters.TcpExtTCPSYNChallenge++;
  oweChallenge(c, now);
  c.dropped(seg, Drop.tcpSynChallenge, now);
}

/** Fifth, ACK. */
function checkAck(c: Tcb, seg: Segment, now: Micros): boolean {
  c.env.counters.steps[5]!++;
  const { snd } = c;
  if (!seg.has(TcpFlag.ACK)) {
    c.dropped(seg, Drop.tcpNoAck, now);
    return false;
  }
  if (c.state === State.synReceived) {
    if (!(seqLt(snd.una, seg.ack) && seqLeq(seg.ack, snd.nxt))) {
      answerWithReset(c, seg);
      c.dropped(seg, Drop.tcpBadAck, now);
      return false;
    }
    if (c.passive && c.fastOpen?.accepted !== true) c.stats.handshakeEnds(seg);
    noteTimestamp(c, seg, now);
    // also the SYN,ACK of a simultaneous open
    const wnd = seg.has(TcpFlag.SYN) ? seg.wnd : seg.wnd << snd.wscale;
    if (c.fastOpen?.accepted === true) {
      c.icmpError = null;
      acknowledgmentArrives(snd, seg, wnd, now); // our data may be in flight
    } else {
      synAcknowledged(snd, seg, now);
      // as in Linux: the unscaled window of a SYN does not count for the largest window
      if (c.passive) snd.maxWnd = 0;
      snd.windowOffered(seg.seq, seg.ack, wnd);
      if (c.passive) peerIsKnown(c, now);
    }
    becomeEstablished(c, 'ack-of-syn', now);
    return afterOurFin(c, seg, now);
  }
  // RFC 5961 section 5.2 (MAY-12): SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, else the segment is
  // dropped with a challenge ACK. As in Linux the lower bound is also not below ISS: otherwise one
  // blind guess in four would pass on a new connection with a large window.
  if (
    seqGt(seg.ack, snd.nxt) ||
    seqLt(seg.ack, seqAdd(snd.una, -Math.min(snd.maxWnd, c.stats.bytesAcked)))
  ) {
    oweChallenge(c, now);
    c.dropped(seg, seqGt(seg.ack, snd.nxt) ? Drop.tcpBadAck : Drop.tcpOldAck, now);
    return false;
  }
  if (seqGeq(seg.ack, snd.una)) noteTimestamp(c, seg, now);
  c.icmpError = null;
  acknowledgmentArrives(snd, seg, seg.wnd << snd.wscale, now);
  return afterOurFin(c, seg, now);
}

/**
 * RFC 7323 section 4.3. Its section 5.3 updates TS.Recent once the sequence number is acceptable.
 * As in Linux the ACK must be acceptable, too, and the segment is neither RST nor SYN. Otherwise a
 * blind attacker could set TS.Recent to a future value, and PAWS would drop all that the peer
 * sends.
 */
function noteTimestamp(c: Tcb, seg: Segment, now: Micros): void {
  if (seg.hasTimestamps) c.rcv.updateTsRecent(seg, now);
}

/** Changes the state once our FIN is acknowledged. */
function afterOurFin(c: Tcb, seg: Segment, now: Micros): boolean {
  if (!c.snd.finAcked) return true;
  switch (c.state) {
    case State.finWait1:
      c.setState(State.finWait2, 'ack-of-fin', now);
      if (!c.rcv.orphaned) return true;
      orphanInFinWait2(c, now);
      if (c.owed.reset === null) return true;
      answerWithReset(c, seg);
      return false;
    case State.closing:
      c.enterTimeWait('ack-of-fin', now);
      return false;
    case State.lastAck:
      c.finish(null, 'ack-of-fin', now);
      return false;
    default:
      return true;
  }
}

/** Seventh, the segment text. */
function takeText(c: Tcb, seg: Segment, now: Micros): boolean {
  c.env.counters.steps[7]!++;
  if (seg.payloadBytes === 0) return true;
  const { rcv } = c;
  switch (c.state) {
    case State.established:
    case State.finWait1:
    case State.finWait2:
      break;
    default: // the peer's FIN was received: no data can follow it
      c.dropped(seg, Drop.tcpAfterClose, now);
      return true;
  }
  if (rcv.orphaned && seqGt(seqAdd(seg.seq, seg.payloadBytes), rcv.nxt)) {
    // SHLD-3: data for a user who has closed is lost, and the RST tells the peer.
    c.env.counters.TcpExtTCPAbortOnData++;
    answerWithReset(c, seg);
    c.finish(null, 'data-after-close', now);
    c.dropped(seg, Drop.tcpAfterClose, now);
    return false;
  }
  const before = rcv.nxt;
  const owedBefore = rcv.duplicatesOwed;
  const { bytes: wasOutOfOrder, prunes } = rcv.outOfOrder;
  if (rcv.ecn.agreed) takeEcn(c, seg, now);
  if (c.timestamps && seg.tsEcr !== 0 && seg.payloadBytes >= rcv.mss) {
    rcv.tuning.measureEcho(
      seg.tsEcr,
      Math.max(1, (c.timestampNow(now) - seg.tsEcr) | 0) * MILLISECOND,
    );
  }
  const reason = rcv.takeText(seg, now, c.snd.rtt.rto);
  if (reason !== Drop.none) c.dropped(seg, reason, now);
  if (reason === Drop.tcpOutOfOrderLimit) c.env.counters.TcpExtTCPOFODrop++;
  c.env.counters.TcpExtOfoPruned += rcv.outOfOrder.prunes - prunes;
  const advanced = seqDiff(rcv.nxt, before);
  if (advanced > 0) {
    c.stats.bytesIn += advanced;
    rcv.dataAt = now;
    c.raise(TcpEvent.readable);
  } else if (rcv.duplicatesOwed > owedBefore) {
    if (rcv.outOfOrder.bytes > wasOutOfOrder) c.env.counters.TcpExtTCPOFOQueue++;
    c.observed?.note(
      { note: 'duplicate-ack-owed', seq: seg.seq >>> 0, bytes: seg.payloadBytes },
      now,
    );
  }
  return true;
}

function takeEcn(c: Tcb, seg: Segment, now: Micros): void {
  const { ecn } = c.rcv;
  const before = ecn.echo;
  c.rcv.takeEcn(seg);
  if (ecn.echo === before) return;
  c.observed?.note({ note: ecn.echo ? 'ecn-marked' : 'ecn-answered', seq: seg.seq >>> 0 }, now);
}

/** Eighth, the FIN. It takes effect once all data before it has arrived. */
function takeFin(c: Tcb, seg: Segment, now: Micros): void {
  c.env.counters.steps[8]!++;
  const { rcv } = c;
  if (!rcv.reachFin()) {
    if (!seg.has(TcpFlag.FIN)) return;
    if (rcv.finReceived)
      rcv.ackNow = true; // a retransmission: our ACK of it was lost
    // a FIN with data was counted with the data, which owes the duplicate ACK
    else if (seg.payloadBytes === 0) rcv.finOutOfOrder(seg.seq);
    return;
  }
  c.stats.bytesIn++;
  c.raise(TcpEvent.endOfStream);
  switch (c.state) {
    case State.established:
      c.setState(State.closeWait, 'fin', now);
      break;
    // our FIN is not acknowledged; otherwise the fifth step would have left this state
    case State.finWait1:
      c.setState(State.closing, 'fin', now);
      rcv.ackNow = true;
      break;
    case State.finWait2:
      c.enterTimeWait('fin', now);
      rcv.ackNow = true;
      break;
    default: // CLOSE-WAIT, CLOSING, LAST-ACK: a FIN was received before
  }
}

function becomeEstablished(c: Tcb, cause: Cause, now: Micros): void {
  c.owed.syn = false;
  c.setState(State.established, cause, now);
  if (c.passive) {
    c.env.counters.TcpPassiveOpens++;
    c.snd.rate.delivered++; // the SYN,ACK
  }
  // RFC 5681 section 3.1: after a lost SYN or SYN,ACK the initial window is one segment. As in
  // Linux, only after a second timeout, because the peer may have delayed the first answer.
  const { snd } = c;
  if (c.rcv.dataAt === 0) c.rcv.dataAt = now;
  c.rcv.ack.connected(now);
  snd.lastSentAt = now; // as in Linux: the first data does not count as sent after a pause
  if (c.fastOpen?.accepted === true) synAckRecovered(snd, now);
  else {
    const lost = c.synTries > 1 && c.stats.retransmissions > 1;
    snd.congestion.start(lost ? 1 : c.config.initialWindow, snd.mss, snd.rtt.srtt, now);
  }
  if (isPaced(snd)) snd.pacing.rate = pacingRateOf(snd);
  snd.recovery.highSeq = snd.nxt;
  snd.rtt.endHandshake(c.synTries > 0);
  c.stats.timeoutRecovered(now);
  if (!c.passive) c.stats.synBackoff = Math.max(0, c.synTries - c.config.synLinearTimeouts);
  c.synTries = 0;
  c.snd.expandBuffer();
  c.armKeepAlive(now);
  c.raise(TcpEvent.established);
  if (c.closeQueued) shutdown(c, now);
}

// ---- Answers to invalid segments ----------------------------------------------------------------

/**
 * Notes a challenge ACK (RFC 5961), unless the rate limit of the connection or of the host is
 * reached (section 7).
 */
function oweChallenge(c: Tcb, now: Micros): void {
  const { counters, challenges } = c.env;
  if (!takeAnswerSlot(c, 'TcpExtTCPACKSkippedChallenge', now)) return;
  if (!challenges.allow(now)) {
    skip(c, 'TcpExtTCPACKSkippedChallenge', now);
    return;
  }
  c.rcv.ackNow = true;
  counters.TcpExtTCPChallengeACK++;
  c.observed?.note({ note: 'challenge-ack', seq: c.snd.nxt >>> 0, ack: c.rcv.nxt >>> 0 }, now);
}

/**
 * "If an incoming segment is not acceptable, an acknowledgment should be sent in reply." A segment
 * with data is probably a retransmission and always owes a duplicate ACK, with D-SACK (RFC 2883). A
 * segment without data may be part of an ACK loop, so its answers are rate-limited, as in Linux.
 */
function oweAckForBad(c: Tcb, seg: Segment, skipped: SkipCounter, now: Micros): void {
  const { rcv, env } = c;
  const answersAll = answersAlways(seg);
  if (
    !answersAll &&
    !takeAnswerSlot(c, isSynchronized(c.state) ? skipped : 'TcpExtTCPACKSkippedSynRecv', now)
  )
    return;
  const end = seqAdd(seg.seq, seg.payloadBytes);
  if (answersAll && seg.payloadBytes > 0 && isSynchronized(c.state) && seqLeq(end, rcv.nxt)) {
    env.counters.TcpExtTCPDSACKOldSent++;
    rcv.owe(seg.seq, end);
  } else rcv.ackNow = true;
}

type SkipCounter =
  | 'TcpExtTCPACKSkippedChallenge'
  | 'TcpExtTCPACKSkippedPAWS'
  | 'TcpExtTCPACKSkippedSeq'
  | 'TcpExtTCPACKSkippedSynRecv';

/**
 * Takes the connection's one slot for an answer to an invalid segment (Linux's
 * tcp_invalid_ratelimit). Returns false, and counts in `skipped`, if the last answer is less than
 * `challengeAckInterval` ago.
 */
function takeAnswerSlot(c: Tcb, skipped: SkipCounter, now: Micros): boolean {
  if (now - c.lastOowAckAt < c.config.challengeAckInterval) {
    skip(c, skipped, now);
    return false;
  }
  c.lastOowAckAt = now;
  return true;
}

function skip(c: Tcb, counter: SkipCounter, now: Micros): void {
  c.env.counters[counter]++;
  c.observed?.note({ note: 'ack-throttled' }, now);
}
