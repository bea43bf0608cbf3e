/**
 * Output: the only place that decides which segments go out. `pollTransmit` sends what is owed, in
 * the order of owed.ts. control-output.ts builds segments without data; hand-over.ts is the last
 * step.
 */
import { seqAdd, seqDiff, seqGt, seqLeq, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import { Chrono } from './send/chrono.js';
import { CaState } from './congestion/ack-sample.js';
import type { Tcb } from './tcb.js';
import { payAcks, sendAck, sendProbe, sendReset, sendSyn } from './control-output.js';
import { restartAfterIdle } from './congestion/window.js';
import { scheduleLossProbe } from './recovery/loss-probe.js';
import { markNewData } from './send/ecn-sender.js';
import {
  ackWentOut,
  countRetransmission,
  finishSegment,
  hand,
  sackBytes,
  type SegmentSink,
} from './hand-over.js';
import { newDataDropped, resendDropped } from './send/local-drop.js';
import { probeBytes, probeSent } from './send/mtu-probe.js';
import { endsChunk, endsWrite, mayBeSmall } from './send/push.js';
import { isPaced, pacingRateOf } from './send/pacing-rate.js';
import type { SentSegment } from './send/sent-queue.js';
import { State } from './state.js';
import { armRto, isWatched, rearmRto, resumeRto } from './recovery/rto.js';
import type { Sender } from './send/sender.js';
import { persistInterval } from './timeouts.js';
import { Timer } from './timers.js';
import { superSegmentBytes } from './urgent.js';

export type { SegmentSink };

export function pollTransmit(c: Tcb, now: Micros, out: SegmentSink): void {
  const { owed, rcv } = c;
  if (owed.reset !== null) sendReset(c, owed.reset, now, out);
  if (owed.syn) sendSyn(c, now, out);
  switch (c.state) {
    case State.closed:
      c.snd.chrono.run(Chrono.idle, now);
      return;
    case State.listen:
    case State.synSent:
      return;
    case State.timeWait:
      c.snd.chrono.run(Chrono.idle, now);
      payAcks(c, now, out);
      return;
    case State.synReceived:
      if (c.fastOpen?.accepted === true) break; // RFC 7413 section 4.2.2: data may be sent now
      if (rcv.ackNow) sendAck(c, now, out);
      return;
    default:
  }
  // As in Linux: new data carries the SACK blocks of the last duplicate ACK. Without SACK only a
  // pure ACK counts as a duplicate (RFC 5681 section 2).
  const carried = c.sack && c.snd.sent.lostOut === 0 ? 1 : 0;
  while (rcv.duplicatesOwed > carried) sendAck(c, now, out);
  if (c.sack && rcv.hasBlocksToTell) sendBesideBlocks(c, now, out);
  else sendWhatWasLostAndNew(c, now, out);
  if (rcv.duplicatesOwed > 0) sendAck(c, now, out);
  payAcks(c, now, out);
  if (owed.probe) sendProbe(c, now, out);
  armPersist(c, now);
  if (c.senderBlocked) c.wakeWriter(); // sent data no longer counts as unsent (TCP_NOTSENT_LOWAT)
  c.snd.chrono.run(chronoOf(c), now);
}

/**
 * What limits sending, after output: the window if cwnd would allow the next segment; the buffer if
 * all its data is sent and the user waits for room.
 */
function chronoOf({ snd, state, senderBlocked }: Tcb): Chrono {
  if (snd.allAcked) return Chrono.idle;
  if (snd.sent.inFlight >= snd.congestion.cwnd) return Chrono.busy;
  const { unsent } = snd;
  if (unsent > 0) return snd.usableWindow < Math.min(unsent, snd.mss) ? Chrono.window : Chrono.busy;
  const mayWrite = state === State.established || state === State.closeWait;
  return senderBlocked && mayWrite ? Chrono.buffer : Chrono.busy;
}

// ---- Data ---------------------------------------------------------------------------------------

/**
 * Lost data goes first, unless F-RTO needs new data (RFC 5682 step 2b). Lost data then waits for
 * the next ACK.
 */
function sendWhatWasLostAndNew(c: Tcb, now: Micros, out: SegmentSink): void {
  const { recovery } = c.snd;
  if (c.owed.lossProbe) sendLossProbe(c, now, out);
  if (recovery.newDataFirst) {
    sendNew(c, now, out);
    recovery.newDataFirst = false;
    if (seqGt(c.snd.nxt, recovery.highSeq)) {
      recovery.resendHeld = true;
      return;
    }
    recovery.frto = false; // step 2c: no new data could be sent
  }
  if (!recovery.resendHeld) sendAgain(c, now, out);
  sendNew(c, now, out);
  if (!c.timers.isArmed(Timer.pacing)) c.snd.pacing.stopped();
}

/**
 * SACK blocks reduce the payload of the segments of this call (RFC 6691 section 2). cwnd and other
 * calculations use the full MSS.
 */
function sendBesideBlocks(c: Tcb, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const { mss } = snd;
  snd.mss -= sackBytes(c, out.segment);
  sendWhatWasLostAndNew(c, now, out);
  snd.mss = mss;
}

/**
 * Retransmits lost segments, lowest first, while cwnd allows. PRR and the timeout ensure that it
 * allows the first (RFC 5681 section 3.2 step 3).
 */
function sendAgain(c: Tcb, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const { sent, congestion } = snd;
  if (snd.synUnacked) return; // Fast Open: the SYN,ACK must be acknowledged first
  for (;;) {
    const i = sent.nextToResend();
    if (i < 0) return;
    const room = congestion.cwnd - sent.inFlight;
    if (room < 1 || mustPace(c, now)) return;
    if (out.dropsAll === true) {
      resendDropped(snd, now);
      return;
    }
    const record = sent.at(i);
    let most = Math.min(
      room * snd.mss,
      Math.max(superSegmentBytes(c), snd.mss),
      snd.pacing.quantum(snd.mss),
    );
    // SHLD-16: only data within the window is sent again. The first segment is the exception,
    // because it probes the window.
    if (i > 0 || seqLeq(seqAdd(snd.una, snd.wnd), record.start)) {
      most = Math.min(most, i === 0 ? snd.mss : seqDiff(seqAdd(snd.una, snd.wnd), record.start));
    }
    if (most >= snd.mss) most -= most % snd.mss;
    if (most <= 0) return;
    sent.resize(i, snd.mss);
    if (record.bytes > most) {
      // the first may always be split, or sending would stall
      if (i > 0 && snd.hasManyRecords) return;
      sent.split(i, most);
    }
    sendRecordAgain(c, record, now, out);
  }
}

function sendRecordAgain(c: Tcb, record: SentSegment, now: Micros, out: SegmentSink): void {
  const { sent, recovery, prr } = c.snd;
  if (record.retransmissions > 0) c.env.counters.TcpExtTCPLostRetransmit++;
  recovery.undo.onResent(record.segments, now);
  sent.markResent(record, now);
  if (recovery.isReducing) prr.out += record.segments;
  if (recovery.state === CaState.loss) c.env.counters.TcpExtTCPSlowStartRetrans++;
  else c.env.counters.TcpExtTCPFastRetrans++;
  repeat(c, record, now, out);
  // RFC 8985 section 7.2: no probe during loss recovery, where the retransmission timer runs
  c.stopTimer(Timer.tlp, now);
  const { armed } = c.timers.retransmit;
  if (armed === null || (armed === Timer.rto && record.start === c.snd.una))
    armRto(c.snd, c.snd.rtt.rto, now);
}

/** Sends the bytes of `record` again. */
function repeat(c: Tcb, record: SentSegment, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const fin = record.flags & TcpFlag.FIN;
  const bytes = record.bytes - fin;
  snd.rate.onSent(record, false, now);
  c.size.probeSize = 0; // as in Linux: any retransmission makes an MTU probe inconclusive
  const seg = dataSegment(c, record.start, bytes, snd.mss, out);
  seg.flags |= record.flags & (TcpFlag.FIN | TcpFlag.PSH);
  countRetransmission(c, bytes, record.segments);
  finishSegment(c, seg, now);
  hand(c, seg, true, now, out);
  if (bytes > 0) noteDataSent(c, now);
  ackWentOut(c, now);
  snd.pacing.onSent(bytes, now);
}

/**
 * RFC 8985 section 7.3: sends new data if the window allows it, otherwise the last segment again.
 * cwnd does not limit the probe.
 */
function sendLossProbe(c: Tcb, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const { probe, sent } = snd;
  c.owed.lossProbe = false;
  if (sent.out === 0) return;
  if (out.dropsAll === true) {
    resumeRto(snd, now);
    return;
  }
  const bytes = Math.min(snd.unsentOfRecord, snd.mss);
  const fin = snd.isFinOwed && bytes === snd.unsent;
  const fresh = bytes + (fin ? 1 : 0);
  probe.retransmitted = fresh === 0 || fresh > snd.usableWindow;
  if (!probe.retransmitted) {
    sendData(c, bytes, fin, snd.mss, now, out);
  } else if (!probeWithLast(c, now, out)) {
    resumeRto(snd, now);
    return;
  }
  probe.end = snd.nxt;
  c.env.counters.TcpExtTCPLossProbes++;
  c.observed?.note(
    { note: 'loss-probe', end: snd.nxt >>> 0, retransmitted: probe.retransmitted },
    now,
  );
  rearmRto(snd, now);
}

/**
 * Sends the last segment again. Returns false if that is useless, because it has arrived or is
 * beyond a window that the peer has shrunk.
 */
function probeWithLast(c: Tcb, now: Micros, out: SegmentSink): boolean {
  const { snd } = c;
  const { sent } = snd;
  if (sent.last!.sacked) return false;
  const { bytes, size } = sent.last!;
  if (bytes > size)
    sent.split(sent.length - 1, Math.floor((bytes - 1) / size) * Math.min(size, snd.mss));
  // As in Linux: if the last segment is now larger than the MSS, its first part.
  const i = sent.length - 1;
  if (sent.at(i).bytes > snd.mss) sent.split(i, snd.mss);
  const last = sent.at(i);
  if (last.start !== snd.una && seqLeq(seqAdd(snd.una, snd.wnd), last.start)) return false;
  sent.markProbed(last, now);
  repeat(c, last, now, out);
  return true;
}

/** True if pacing delays the next segment; its timer continues output. */
function mustPace(c: Tcb, now: Micros): boolean {
  const { pacing } = c.snd;
  if (!pacing.mustWait(now)) return false;
  c.setTimer(Timer.pacing, pacing.nextAt, now);
  return true;
}

function sendNew(c: Tcb, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const { sent, congestion, usage } = snd;
  const before = snd.nxt;
  snd.burstStart = before;
  if (snd.mayFollowPause) restartAfterPause(c, now);
  const held = c.size.probing && !sendMtuProbe(c, now, out);
  while (!held) {
    const unsent = snd.unsent;
    // a FIN without data is a segment, too
    if (unsent === 0 && !(mayFinish(snd, 0) && sent.inFlight < congestion.cwnd)) break;
    const length = unsent === 0 ? 0 : nextLength(c, snd.unsentOfRecord, now);
    if (unsent > 0 && length === 0) break;
    if (out.dropsAll === true) {
      newDataDropped(snd, now);
      break;
    }
    sendData(c, length, mayFinish(snd, length), snd.mss, now, out);
  }
  snd.overrideSillyWindow = false;
  if (snd.unsent === 0) snd.flush = false;
  const limited = snd.unsent > 0 && sent.inFlight >= congestion.cwnd;
  if (before === snd.nxt && !limited) return;
  usage.onOutput(
    limited || sent.inFlight >= congestion.cwnd,
    sent.out,
    snd.una,
    snd.nxt,
    congestion,
    now,
  );
  if (c.config.slowStartAfterIdle && snd.recovery.state === CaState.open)
    usage.shrinkUnused(c.config.initialWindow, snd.rtt.rto, congestion, now);
  if (before !== snd.nxt) scheduleLossProbe(snd, false, now);
}

/**
 * True if the FIN goes out with the last `bytes` bytes. Its sequence number must be in the window,
 * too (RFC 9293 section 3.4).
 */
const mayFinish = (snd: Sender, bytes: Bytes): boolean =>
  snd.isFinOwed && bytes === snd.unsent && snd.usableWindow > bytes;

/**
 * Sends an MTU probe, a segment larger than the others, if one is due (RFC 4821). Returns false if
 * all other data must wait for room to send the probe.
 */
function sendMtuProbe(c: Tcb, now: Micros, out: SegmentSink): boolean {
  const bytes = c.sack && c.rcv.hasBlocksToTell ? 0 : probeBytes(c.snd, now);
  if (bytes > 0 && out.dropsAll !== true && !mustPace(c, now)) {
    sendData(c, bytes, false, bytes, now, out);
    probeSent(c.snd, bytes, now);
    c.snd.burstStart = c.snd.chunkEnd = c.snd.nxt; // the probe belongs to no chunk
  }
  return bytes >= 0;
}

/**
 * RFC 5681 section 4.1: cwnd restarts if data is sent after a pause. As in Linux this is checked
 * once after each write or new window. A closed window says nothing about the path, so the probes
 * of a persist period leave cwnd unchanged.
 */
function restartAfterPause(c: Tcb, now: Micros): void {
  const { snd, config } = c;
  snd.mayFollowPause = false;
  if (snd.sent.out > 0 || snd.unsent === 0) return;
  const idle = now - snd.lastSentAt;
  if (!config.slowStartAfterIdle || snd.congestion.modelBased || idle <= snd.rtt.rto) return;
  restartAfterIdle(snd.congestion, config.initialWindow, idle, snd.rtt.rto);
}

/**
 * Tells the congestion control that new data goes out with nothing in flight, because its clock has
 * not advanced since the last data.
 */
function wakeCongestionControl(c: Tcb, now: Micros): void {
  const { snd } = c;
  if (snd.sent.inFlight > 0) return;
  snd.congestion.onSendAfterIdle(snd.lastSentAt, snd.rate.isAppLimited, now);
  if (isPaced(snd)) snd.pacing.rate = pacingRateOf(snd);
}

/** Notes that data was sent or retransmitted. */
function noteDataSent(c: Tcb, now: Micros): void {
  c.snd.lastSentAt = now;
  c.rcv.ack.dataSent(now);
}

/**
 * Bytes of `unsent` that the next segment takes; 0 for none now. The limits are the peer's window,
 * the congestion window, Nagle's algorithm and the sender's silly-window avoidance (RFC 9293
 * sections 3.7.4 and 3.8.6.2.1). It exceeds the MSS only if the device segments super-segments.
 */
function nextLength(c: Tcb, unsent: Bytes, now: Micros): Bytes {
  const { snd } = c;
  // MUST-34, SHLD-15: negative if the peer shrank the window; nothing new is sent then
  const window = snd.usableWindow;
  const { mss } = snd;
  // cwnd counts segments. Limited transmit (RFC 3042) needs no rule of its own, because each
  // duplicate ACK reduces the number in flight.
  const allowance = (snd.congestion.cwnd - snd.sent.inFlight) * mss;
  const room = Math.min(window, allowance, unsent);
  if (room <= 0 || snd.hasManyRecords || mustPace(c, now)) return 0;
  if (room >= mss) {
    const whole = Math.min(room, Math.max(superSegmentBytes(c), mss), snd.pacing.quantum(mss));
    // The last partial segment may be part of the super-segment if it might be sent alone.
    if (whole === unsent && mayBeSmall(snd)) return whole;
    return whole - (whole % mss);
  }
  // Less than a full segment. If it is all the data, Nagle decides. If the window limits it, it is
  // sent from half of the largest window on.
  if (snd.overrideSillyWindow) return room;
  if (room === unsent) {
    if (mayBeSmall(snd)) return room;
    const note = snd.cork || snd.moreComes ? 'cork-hold' : 'nagle-hold';
    c.observed?.note({ note, unsent, flight: snd.flight }, now);
    return 0;
  }
  return room === window && room >= snd.maxWnd / 2 ? room : 0;
}

/** `size`: payload bytes of each segment on the wire, if `bytes` is more. */
function sendData(
  c: Tcb,
  bytes: Bytes,
  fin: boolean,
  size: Bytes,
  now: Micros,
  out: SegmentSink,
): void {
  const { snd } = c;
  const start = snd.nxt;
  const dataEnd = seqAdd(start, bytes);
  const end = fin ? seqAdd(dataEnd, 1) : dataEnd;
  const seg = dataSegment(c, start, bytes, size, out);
  let marks = bytes > 0 && endsWrite(snd, dataEnd) ? TcpFlag.PSH : 0;
  if (bytes > 0 && (marks !== 0 || endsChunk(snd, start, dataEnd, c.gsoBytes > 0))) {
    seg.flags |= TcpFlag.PSH;
    snd.pushedSeq = dataEnd;
  }
  if (fin) {
    seg.flags |= TcpFlag.FIN;
    marks |= TcpFlag.FIN;
    snd.finSent = true;
  }
  const idle = snd.sent.out === 0;
  if (bytes > 0) wakeCongestionControl(c, now);
  snd.nxt = end;
  const record = snd.sent.push(start, end, marks, size, now);
  snd.rate.onSent(record, idle, now);
  if (snd.recovery.isReducing) snd.prr.out += record.segments;
  snd.pacing.onSent(bytes, now);
  if (bytes > 0) markNewData(snd, seg);
  c.stats.bytesSent += bytes;
  if (bytes % snd.mss !== 0) snd.smallEnd = end;
  finishSegment(c, seg, now);
  hand(c, seg, false, now, out);
  if (bytes > 0) noteDataSent(c, now);
  ackWentOut(c, now);
  if (idle || c.timers.isArmed(Timer.tlp)) rearmRto(snd, now);
  else if (!isWatched(snd)) armRto(snd, snd.rtt.rto, now);
  c.stopTimer(Timer.persist, now);
  if (snd.droppedHere) snd.leftAgain();
}

/** Builds a segment with `bytes` bytes of the send buffer from `start` on. */
function dataSegment(c: Tcb, start: Seq, bytes: Bytes, size: Bytes, out: SegmentSink): Segment {
  const { snd } = c;
  const seg = out.segment;
  seg.clear();
  seg.seq = start;
  seg.flags = TcpFlag.ACK;
  if (bytes === 0) return seg;
  seg.source = snd.buffer;
  seg.payloadOffset = seqDiff(start, snd.dataStart);
  seg.payloadBytes = bytes;
  if (bytes > size) seg.gsoSize = size;
  return seg;
}

/**
 * Arms the persist timer if the window blocks unsent data and nothing is in flight: no ACK will
 * arrive, so only the timer can continue.
 */
function armPersist(c: Tcb, now: Micros): void {
  const { snd } = c;
  if ((snd.unsent === 0 && !snd.isFinOwed) || snd.flight > 0 || c.timers.isArmed(Timer.persist))
    return;
  c.setTimer(Timer.persist, now + persistInterval(c, now), now);
}
