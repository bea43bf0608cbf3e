/**
 * Output: the one place that builds segments. It pays what input, timers and the user's calls left owing, in this order: reset,
 * SYN, duplicate ACKs, retransmissions, new data (which carries an ACK and the FIN), a bare ACK, a probe.
 */
import { seqAdd, seqDiff, seqGt, seqLeq, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Connection } from './connection.js';
import { OwedReset } from './reset.js';
import type { SentSegment } from './sent-queue.js';
import { State } from './state.js';
import { persistInterval, rtoDeadline, synInterval } from './timeouts.js';
import { Timer } from './timers.js';

/**
 * Where segments go. `segment` is one reused object: output fills it and calls `send`. Its payload lies in the sender's ring
 * and may run over the slab's end to its start.
 */
export interface SegmentSink {
  readonly segment: Segment;
  send(conn: Connection, segment: Segment): void;
}

/** RFC 2018 section 3: 40 bytes of options hold so many SACK blocks, without and with timestamps. */
const SACK_ROOM = 4;
const SACK_ROOM_WITH_TIMESTAMPS = 3;

export function pollTransmit(c: Connection, now: Micros, out: SegmentSink): void {
  if (c.resetOwed !== OwedReset.none) sendReset(c, now, out);
  if (c.synOwed) sendSyn(c, now, out);
  switch (c.state) {
    case State.closed:
    case State.listen:
    case State.synSent:
      return;
    case State.timeWait:
      payAcks(c, now, out);
      return;
    case State.synReceived:
      if (c.rcv.ackNow || c.challengeOwed) sendAck(c, now, out);
      return;
    default:
  }
  while (c.rcv.duplicatesOwed > 0) sendAck(c, now, out);
  sendAgain(c, now, out);
  sendNew(c, now, out);
  payAcks(c, now, out);
  if (c.probeOwed) sendProbe(c, now, out);
  armPersist(c, now);
}

// ---- Control segments --------------------------------------------------------------------------------------------------

function sendReset(c: Connection, now: Micros, out: SegmentSink): void {
  const seg = out.segment;
  seg.clear();
  seg.seq = c.resetSeq;
  if (c.resetOwed === OwedReset.withAck) {
    seg.flags = TcpFlag.RST | TcpFlag.ACK;
    seg.ack = c.rcv.nxt;
  } else {
    seg.flags = TcpFlag.RST;
  }
  c.resetOwed = OwedReset.none;
  c.env.counters.TcpOutRsts++;
  hand(c, seg, false, now, out);
}

function sendSyn(c: Connection, now: Micros, out: SegmentSink): void {
  const { snd, rcv } = c;
  c.synOwed = false;
  const again = snd.nxt !== snd.iss;
  const answering = c.state === State.synReceived;
  const seg = out.segment;
  seg.clear();
  seg.seq = snd.iss;
  seg.flags = TcpFlag.SYN | (answering ? TcpFlag.ACK : 0);
  seg.ack = answering ? rcv.nxt : 0;
  seg.wnd = rcv.offerSynWindow();
  seg.mss = c.advertisedMss; // SHLD-5, MAY-3: always
  seg.sackPermitted = c.sack;
  seg.hasTimestamps = c.timestamps;
  if (c.timestamps) {
    seg.tsVal = c.timestampNow(now);
    seg.tsEcr = answering ? rcv.tsRecent : 0;
  }
  if (c.windowScaling) seg.wscale = rcv.wantedWscale;
  if (again) {
    const record = snd.sent.first;
    if (record !== undefined) snd.sent.retransmitted(record, now);
    c.env.counters.TcpExtTCPSynRetrans++;
    countRetransmission(c, 0);
  } else {
    snd.nxt = seqAdd(snd.iss, 1);
    snd.sent.push(snd.iss, snd.nxt, TcpFlag.SYN, now);
  }
  if (answering) rcv.lastAckSent = rcv.nxt;
  hand(c, seg, again, now, out);
  c.setTimer(Timer.rto, now + synInterval(c), now);
}

function payAcks(c: Connection, now: Micros, out: SegmentSink): void {
  const { rcv } = c;
  if (rcv.ackNow || c.challengeOwed) {
    sendAck(c, now, out);
  } else if (rcv.ackOwed && !c.timers.isArmed(Timer.delayedAck)) {
    c.setTimer(Timer.delayedAck, now + c.config.delayedAck, now);
  }
}

/** <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with SACK blocks when something is out of order. */
function sendAck(c: Connection, now: Micros, out: SegmentSink): void {
  const seg = out.segment;
  seg.clear();
  seg.seq = c.snd.nxt;
  seg.flags = TcpFlag.ACK;
  finishSegment(c, seg, now);
  hand(c, seg, false, now, out);
  ackWentOut(c, now);
}

/**
 * A zero-window probe or a keep-alive: no data, and the sequence number of a byte that was acknowledged long ago, so that the
 * peer must answer that it is unacceptable. RFC 9293 section 3.8.6.1 would send a byte of new data: Linux's form, taken here, also works
 * when that byte would be thrown away, leaves nothing in flight, and is what packet scripts expect. (SHLD-12, MUST-36)
 */
function sendProbe(c: Connection, now: Micros, out: SegmentSink): void {
  c.probeOwed = false;
  const seg = out.segment;
  seg.clear();
  seg.seq = seqAdd(c.snd.una, -1);
  seg.flags = TcpFlag.ACK;
  finishSegment(c, seg, now);
  hand(c, seg, false, now, out);
  ackWentOut(c, now);
}

// ---- Data --------------------------------------------------------------------------------------------------------------

/** What was lost goes first. The first unacknowledged segment is sent whatever cwnd says (RFC 5681 3.2 step 3, RFC 6298 5.4). */
function sendAgain(c: Connection, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  for (;;) {
    const record = snd.sent.nextLost(snd.mss);
    if (record === undefined) return;
    const isFirst = record.start === snd.una;
    const length = seqDiff(record.end, record.start);
    if (!isFirst && snd.pipe + length > snd.congestion.cwnd) {
      snd.cwndLimited = true;
      return;
    }
    // SHLD-16: only what lies within the window; what lies beyond it waits, the first segment probes.
    if (!isFirst && seqGt(record.end, seqAdd(snd.una, snd.wnd))) return;
    sendRecordAgain(c, record, now, out);
  }
}

function sendRecordAgain(c: Connection, record: SentSegment, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const fin = record.flags & TcpFlag.FIN;
  const bytes = seqDiff(record.end, record.start) - fin;
  const inTimeout = snd.timeouts > 0;
  snd.sent.retransmitted(record, now);
  const seg = dataSegment(c, record.start, bytes, out);
  seg.flags |= fin;
  countRetransmission(c, bytes);
  if (inTimeout) c.env.counters.TcpExtTCPSlowStartRetrans++;
  finishSegment(c, seg, now);
  hand(c, seg, true, now, out);
  ackWentOut(c, now);
  if (inTimeout || !c.timers.isArmed(Timer.rto)) c.setTimer(Timer.rto, rtoDeadline(c, now), now);
}

function countRetransmission(c: Connection, bytes: number): void {
  c.stats.retransmissions++;
  c.stats.bytesRetransmitted += bytes;
  c.env.counters.TcpRetransSegs++;
}

function sendNew(c: Connection, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  if (snd.flight === 0 && c.config.slowStartAfterIdle && now - snd.lastSentAt > snd.rtt.rto && snd.lastSentAt > 0) {
    snd.congestion.onIdle();
  }
  for (;;) {
    const unsent = snd.unsent;
    const finDue = snd.finQueued && !snd.finSent;
    if (unsent === 0 && !finDue) break;
    const length = unsent === 0 ? 0 : nextLength(c, unsent, now);
    if (unsent > 0 && length === 0) break;
    sendData(c, length, finDue && length === unsent, now, out);
  }
  snd.overrideSillyWindow = false;
}

/**
 * How many bytes the next segment takes, 0 for none now: the peer's window, the congestion window, Nagle's algorithm and the
 * sender's silly-window avoidance (RFC 9293 3.7.4 and 3.8.6.2.1). More than the MSS only where the device cuts super-segments.
 */
function nextLength(c: Connection, unsent: number, now: Micros): number {
  const { snd } = c;
  const window = snd.usableWindow; // MUST-34, SHLD-15: negative when the peer shrank it, and then nothing new is sent
  const allowance = snd.congestion.cwnd + snd.recovery.limitedTransmit(snd.mss) - snd.pipe;
  snd.cwndLimited = allowance < unsent && allowance < window;
  const room = Math.min(window, allowance, unsent);
  if (room <= 0) return 0;
  const { mss } = snd;
  if (room >= mss) {
    const whole = Math.min(room, c.gsoBytes > mss ? c.gsoBytes : mss);
    // The rest that is no full segment may ride on a super-segment when it might go out alone.
    if (whole === unsent && mayBeSmall(c)) return whole;
    return whole - (whole % mss);
  }
  // Less than a segment. All there is: Nagle decides. A part of it, since the window is small: worth it from half the largest window on.
  if (snd.overrideSillyWindow) return room;
  if (room === unsent) {
    if (mayBeSmall(c)) return room;
    c.note('nagle-hold', unsent, snd.flight, now);
    return 0;
  }
  return room === window && room >= snd.maxWnd / 2 ? room : 0;
}

/**
 * Nagle's algorithm (SHLD-7) with Minshall's change, as in Linux: a small segment waits only while another small one is in flight, so that
 * the tail of a large write does not wait for the full segments before it.
 */
const mayBeSmall = (c: Connection): boolean => c.snd.noDelay || c.snd.finQueued || seqLeq(c.snd.smallEnd, c.snd.una);

function sendData(c: Connection, bytes: number, fin: boolean, now: Micros, out: SegmentSink): void {
  const { snd } = c;
  const start = snd.nxt;
  const end = seqAdd(start, bytes + (fin ? 1 : 0));
  const seg = dataSegment(c, start, bytes, out);
  if (fin) {
    seg.flags |= TcpFlag.FIN;
    snd.finSent = true;
  }
  snd.nxt = end;
  snd.sent.push(start, end, seg.flags & TcpFlag.FIN, now);
  snd.lastSentAt = now;
  c.stats.bytesSent += bytes;
  if (bytes % snd.mss !== 0) snd.smallEnd = end;
  finishSegment(c, seg, now);
  hand(c, seg, false, now, out);
  if (bytes > 0) c.rcv.sentData();
  ackWentOut(c, now);
  if (!c.timers.isArmed(Timer.rto)) c.setTimer(Timer.rto, rtoDeadline(c, now), now);
  c.stopTimer(Timer.persist, now);
}

/** `bytes` of the send buffer from `start` on, with PSH where Linux sets it: at the end of what was given, and each half window. */
function dataSegment(c: Connection, start: Seq, bytes: number, out: SegmentSink): Segment {
  const { snd } = c;
  const seg = out.segment;
  seg.clear();
  seg.seq = start;
  seg.flags = TcpFlag.ACK;
  if (bytes === 0) return seg;
  seg.payload = snd.buffer.slab;
  seg.payloadOffset = snd.buffer.position(seqDiff(start, snd.dataStart));
  seg.payloadBytes = bytes;
  if (bytes > snd.mss) seg.gsoSize = snd.mss;
  const end = seqAdd(start, bytes);
  // MUST-61: without a PUSH call, PSH stands on the last buffered segment.
  if (end === snd.dataEnd || seqDiff(end, snd.pushedSeq) > snd.maxWnd / 2) {
    seg.flags |= TcpFlag.PSH;
    snd.pushedSeq = end;
  }
  return seg;
}

/** What every segment after the SYN carries: our acknowledgment, our window, timestamps, SACK blocks. */
function finishSegment(c: Connection, seg: Segment, now: Micros): void {
  const { rcv } = c;
  seg.ack = rcv.nxt;
  const before = rcv.wnd;
  seg.wnd = rcv.offerWindow();
  noteWindow(c, before, now);
  if (c.timestamps) {
    seg.hasTimestamps = true;
    seg.tsVal = c.timestampNow(now);
    seg.tsEcr = rcv.tsRecent;
  }
  if (c.sack && seg.payloadBytes === 0) rcv.writeSack(seg, c.timestamps ? SACK_ROOM_WITH_TIMESTAMPS : SACK_ROOM);
}

function noteWindow(c: Connection, before: number, now: Micros): void {
  const after = c.rcv.wnd;
  if (after === 0 && c.rcv.announcedWindow !== 0) {
    c.env.counters.TcpExtTCPToZeroWindowAdv++;
    c.note('window-closed', after, before, now);
  } else if (after > 0 && c.rcv.announcedWindow === 0) {
    c.env.counters.TcpExtTCPFromZeroWindowAdv++;
    c.note('window-opened', after, before, now);
  }
  c.rcv.announcedWindow = after;
}

/** Whatever went out carried an ACK: nothing is owed for what came in order. */
function ackWentOut(c: Connection, now: Micros): void {
  c.rcv.ackSent();
  c.challengeOwed = false;
  c.stopTimer(Timer.delayedAck, now);
}

function hand(c: Connection, seg: Segment, again: boolean, now: Micros, out: SegmentSink): void {
  const segments = seg.wireSegments;
  c.stats.segsOut += segments;
  if (seg.payloadBytes > 0) c.stats.dataSegsOut += segments;
  c.env.counters.TcpOutSegs += segments;
  seg.sourcePort = c.flow.localPort;
  seg.destinationPort = c.flow.remotePort;
  c.env.observer?.segmentSent(c, seg, again, now);
  out.send(c, seg);
}

/** Something waits, nothing is in flight that an ACK could come for, and the window holds it back: only the timer can go on. */
function armPersist(c: Connection, now: Micros): void {
  const { snd } = c;
  if (snd.unsent === 0 || snd.flight > 0 || c.timers.isArmed(Timer.persist)) return;
  c.setTimer(Timer.persist, now + persistInterval(c), now);
}
