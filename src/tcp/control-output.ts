/**
 * Builds the segments without stream data: SYN (with data only for Fast Open), RST, ACK and probe.
 * output.ts decides when they go out.
 */
import { seqAdd, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import { TcpFlag } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import { asksForEcn, ECN_SETUP_SYN } from './ecn.js';
import {
  ackWentOut,
  countRetransmission,
  finishSegment,
  hand,
  type SegmentSink,
} from './hand-over.js';
import type { OwedReset } from './owed.js';
import { SYN_ACK } from './send/sent-queue.js';
import { State } from './state.js';
import { putIntoSyn } from './syn-data.js';
import { synInterval } from './timeouts.js';
import { Timer } from './timers.js';
import { TCP_RESOURCE_PROBE_INTERVAL } from './linux-constants.js';

export function sendReset(c: Tcb, reset: OwedReset, now: Micros, out: SegmentSink): void {
  const seg = out.segment;
  seg.clear();
  seg.seq = reset.seq;
  seg.flags = TcpFlag.RST;
  if (reset.ack !== null) {
    seg.flags |= TcpFlag.ACK;
    seg.ack = reset.ack;
  }
  if (reset.echo !== null) seg.putTimestamps(reset.isAnswer ? 0 : c.timestampNow(now), reset.echo);
  c.owed.reset = null;
  c.env.counters.TcpOutRsts++;
  hand(c, seg, false, now, out);
}

export function sendSyn(c: Tcb, now: Micros, out: SegmentSink): void {
  const { snd, rcv } = c;
  c.owed.syn = false;
  const again = snd.nxt !== snd.iss;
  const answering = c.state === State.synReceived;
  const seg = out.segment;
  seg.clear();
  seg.seq = snd.iss;
  seg.flags = TcpFlag.SYN | (answering ? TcpFlag.ACK : 0);
  if (answering && snd.ecnAgreed) seg.flags |= TcpFlag.ECE;
  else if (!answering && asksForEcn(c) && !(again && c.config.ecnFallback))
    seg.flags |= ECN_SETUP_SYN;
  seg.ack = answering ? rcv.nxt : 0;
  seg.wnd = rcv.offerSynWindow(answering && c.timestamps);
  seg.mss = c.advertisedMss; // SHLD-5, MAY-3: always
  seg.sackPermitted = c.sack;
  if (c.timestamps) {
    seg.putTimestamps(c.timestampNow(now), rcv.tsRecent); // 0 before the peer's SYN
    if (!again) c.synTsFirst = seg.tsVal;
    c.synTsLast = seg.tsVal;
  }
  if (c.windowScaling) seg.wscale = rcv.window.wantedWscale;
  if (again) {
    const record = snd.sent.first;
    if (record !== undefined) snd.sent.markResent(record, now);
    c.env.counters.TcpExtTCPSynRetrans++;
    countRetransmission(c, 0, 1);
  } else {
    if (c.fastOpen !== null) putIntoSyn(c, c.fastOpen, seg);
    const end = seqAdd(snd.iss, 1);
    snd.nxt = seqAdd(end, seg.payloadBytes);
    snd.sent.push(snd.iss, end, c.passive ? SYN_ACK : TcpFlag.SYN, 0, now);
    // A record of its own, because the SYN may have to be retransmitted without the data. It is one
    // segment, whatever MSS the peer advertises.
    if (seg.payloadBytes > 0) snd.sent.push(end, snd.nxt, TcpFlag.PSH, seg.payloadBytes, now);
    c.stats.bytesSent += seg.payloadBytes;
  }
  hand(c, seg, again, now, out);
  if (answering) ackWentOut(c, now);
  // As in Linux: if the SYN,ACK accepted data, a repeated SYN does not restart its timer.
  if (c.fastOpen?.accepted !== true || !c.timers.isArmed(Timer.rto))
    c.setTimer(Timer.rto, now + synInterval(c, now), now);
}

export function payAcks(c: Tcb, now: Micros, out: SegmentSink): void {
  const { rcv } = c;
  if (rcv.ackNow) {
    sendAck(c, now, out);
  } else if (rcv.ack.fresh) {
    delayAck(c, now, out);
  }
}

/**
 * The first segment arms the timer; later ones can only shorten it. If it is about to expire, the
 * ACK is sent now.
 */
function delayAck(c: Tcb, now: Micros, out: SegmentSink): void {
  const { ack } = c.rcv;
  const delay = ack.delay(c.snd.rtt.srtt);
  const armed = c.timers.deadline(Timer.delayedAck); // NEVER when it is not
  ack.fresh = false;
  if (delay === 0) ack.expired(c.snd.rtt.rto);
  if (delay === 0 || armed <= now + delay / 4) sendAck(c, now, out);
  else if (now + delay < armed) c.setTimer(Timer.delayedAck, now + delay, now);
}

/** <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>, with SACK blocks when something is out of order. */
export function sendAck(c: Tcb, now: Micros, out: SegmentSink): void {
  sendEmpty(c, c.snd.nxt, now, out);
}

/**
 * A zero-window probe or a keep-alive (SHLD-12, MUST-36). It has no data and an acknowledged
 * sequence number, so the peer must answer it as unacceptable. RFC 9293 section 3.8.6.1 sends a
 * byte of new data instead. Linux's form is used here because it also works if the peer would
 * discard that byte, leaves nothing in flight, and is what packet scripts expect.
 */
export function sendProbe(c: Tcb, now: Micros, out: SegmentSink): void {
  c.owed.probe = false;
  if (out.dropsAll === true) {
    probeDropped(c, now);
    return;
  }
  c.snd.droppedHere = false;
  // As in Linux: urgent data (MUST-66) is announced by an acceptable segment, which needs no
  // answer. The probe follows.
  if (c.snd.isUrgent) sendEmpty(c, c.snd.una, now, out);
  sendEmpty(c, seqAdd(c.snd.una, -1), now, out);
}

/**
 * A local queue dropped the zero-window probe or keep-alive, so the missing answer does not count
 * against the peer.
 */
function probeDropped(c: Tcb, now: Micros): void {
  const { snd } = c;
  if (snd.unsent > 0 || snd.isFinOwed) {
    snd.droppedHere = true;
    snd.probesSent--;
  } else if (c.keepAliveUnanswered > 0) {
    c.keepAliveUnanswered--;
    c.setTimer(Timer.keepAlive, now + TCP_RESOURCE_PROBE_INTERVAL, now);
  }
}

/** <SEQ=seq><ACK=RCV.NXT><CTL=ACK>, without data. */
function sendEmpty(c: Tcb, seq: Seq, now: Micros, out: SegmentSink): void {
  const seg = out.segment;
  seg.clear();
  seg.seq = seq;
  seg.flags = TcpFlag.ACK;
  finishSegment(c, seg, now);
  hand(c, seg, false, now, out);
  ackWentOut(c, now);
}
