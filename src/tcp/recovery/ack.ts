/**
 * Processes an acknowledgment: the fifth step of RFC 9293 section 3.10.7.4, for a segment whose
 * SEG.ACK is acceptable.
 *
 *     window ─▶ SACK blocks ─▶ acknowledged segments leave the scoreboard ─▶ round-trip time
 *            ─▶ tail loss probe ─▶ loss recovery ─▶ retransmission timer ─▶ delivery rate
 *            ─▶ congestion control
 *
 * The order is Linux's. It matters, because recovery needs the new round-trip time, and congestion
 * control needs the number of segments that recovery marked lost.
 */
import { seqDiff, seqGt, seqLeq, seqLt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import { CA_STATE_NAMES, CaState } from '../congestion/ack-sample.js';
import { reduceByPrr } from '../congestion/window.js';
import { orNull } from '../notes.js';
import type { Sender } from '../send/sender.js';
import { judgeProbe, scheduleLossProbe } from './loss-probe.js';
import { isProbeAcked, probeArrived } from '../send/mtu-probe.js';
import { isPaced, pacingRateOf } from '../send/pacing-rate.js';
import { judgeAck } from './recovery.js';
import { noteReordering } from './reordering.js';
import { rearmRto } from './rto.js';
import { tagSacked } from './sack.js';
import type { SentSegment } from '../send/sent-queue.js';
import { Timer } from '../timers.js';
import { wasResentInVain } from './undo.js';

/** An ACK in a synchronized state: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT. `wnd` is scaled. */
export function acknowledgmentArrives(snd: Sender, seg: Segment, wnd: Bytes, now: Micros): void {
  const { news, sent, rate } = snd;
  const inFlight = sent.inFlight;
  const delivered = rate.delivered;
  const lost = sent.lostEver;
  const cwnd = snd.congestion.cwnd;
  snd.probesUnanswered = 0;
  snd.recovery.newDataFirst = false;
  snd.recovery.resendHeld = false;
  news.start(snd.una, snd.highestSackedOrUna);
  news.carriesData = seg.len > 0;
  news.ece = snd.ecnAgreed && seg.has(TcpFlag.ECE) && !seg.has(TcpFlag.SYN);
  news.echo = seg.tsEcr;
  if (!seqLt(seg.ack, snd.una)) news.windowUpdate = takeWindow(snd, seg, wnd, now);
  const hadOut = sent.out > 0;
  if (snd.sack && seg.sackCount > 0) tagSacked(snd, seg, now);
  if (seqGt(seg.ack, snd.una)) takeAcknowledged(snd, seg, now);
  measureReordering(snd);
  measureRtt(snd, seg, now);
  snd.rack.updateReoWnd(rate.ackPriorDelivered, rate.delivered);
  judgeProbe(snd, seg.ack, news, now);
  if (hadOut) {
    if (news.mayBeDuplicate && seg.ack === snd.una && sent.out > 0) {
      news.duplicates = 1;
      snd.port.stats.duplicateAcksIn++;
    }
    const dubious = !news.somethingAcked || news.dataSacked || news.ece || news.dsack;
    if (dubious || snd.recovery.state !== CaState.open) judgeAck(snd, news, now);
  } else if (news.dsack) {
    judgeAck(snd, news, now);
  }
  if (news.rearm) restartWatch(snd, now);
  const s = snd.sample;
  s.lost = sent.lostEver - lost;
  s.acked = rate.delivered - delivered;
  if (news.ece) {
    snd.counters.TcpExtTCPDeliveredCE += s.acked;
    snd.port.stats.deliveredCe += s.acked;
  }
  s.priorInFlight = inFlight;
  rate.finish(s, s.acked, snd.rtt.minRtt, news.reneged, now);
  controlCongestion(snd, now);
  if (snd.congestion.cwnd !== cwnd) noteCwnd(snd, cwnd, now);
}

/** cwnd was `before`. */
export function noteCwnd(snd: Sender, before: number, now: Micros): void {
  const { congestion, recovery, port } = snd;
  port.observed?.note(
    {
      note: 'cwnd',
      cwnd: orNull(congestion.cwnd),
      before: orNull(before),
      ssthresh: orNull(congestion.ssthresh),
      control: congestion.name,
      recovery: CA_STATE_NAMES[recovery.state],
    },
    now,
  );
}

/**
 * The peer acknowledges our SYN, perhaps with the data of a Fast Open. The caller processes the
 * window, because the window of a SYN is never scaled.
 */
export function synAcknowledged(snd: Sender, seg: Segment, now: Micros): void {
  snd.news.start(snd.una, snd.una);
  takeAcknowledged(snd, seg, now);
  measureRtt(snd, seg, now);
  restartWatch(snd, now);
}

/**
 * SND.UNA < SEG.ACK =< SND.NXT: advances SND.UNA and removes acknowledged segments from the
 * scoreboard.
 */
function takeAcknowledged(snd: Sender, seg: Segment, now: Micros): void {
  const { news, sent } = snd;
  const syn = snd.synUnacked;
  let segments = 0;
  for (let r = sent.first; r !== undefined && seqLeq(r.end, seg.ack); r = sent.first) {
    segments += r.segments;
    countDelivered(snd, r, r.segments);
    deliverRecord(snd, r, true, now);
    sent.shift();
  }
  const first = sent.first;
  if (first !== undefined && seqLt(first.start, seg.ack)) {
    // The first segments of a super-segment are acknowledged.
    if (first.size > 0 && seqDiff(seg.ack, first.start) >= first.size)
      deliverRecord(snd, first, false, now);
    const cut = sent.trimFirst(seg.ack);
    segments += cut;
    countDelivered(snd, first, cut);
  }
  const lent = snd.buffer.lentLength;
  const acked = snd.acknowledge(seg.ack);
  if (isProbeAcked(snd)) probeArrived(snd, now);
  news.unaAdvanced = true;
  news.somethingAcked = true;
  news.dataAcked = acked > 0;
  news.rearm = true;
  if (sent.first?.sacked === true) news.reneged = true;
  if (!snd.sack) {
    removeRenoSacks(snd, segments);
    // Without SACK an ACK does not tell which copy was acknowledged.
    if (news.resentAcked) news.originalDelivered = false;
  }
  snd.port.acknowledged(acked, syn, snd.buffer.lentLength < lent);
}

/** Without SACK, removeRenoSacks counts the delivered segments. */
function countDelivered(snd: Sender, r: SentSegment, segments: Segments): void {
  if (snd.sack && !r.sacked) snd.rate.delivered += segments;
}

/** `r` is acknowledged cumulatively: the whole record, or only its first segments. */
function deliverRecord(snd: Sender, r: SentSegment, whole: boolean, now: Micros): void {
  const { news, rate, rack, recovery, rtt } = snd;
  if (r.retransmissions > 0) {
    news.resentAcked = true;
  } else if (!r.sacked) {
    if (Number.isNaN(news.firstAckedAt)) news.firstAckedAt = r.sentAt;
    news.lastAckedAt = r.sentAt;
    if (seqLt(r.start, news.highestSacked)) news.noteReordered(r.start);
    if (seqLeq(r.end, recovery.highSeq)) news.originalDelivered = true;
  }
  if (!r.sacked && !wasResentInVain(snd, r)) rack.advance(r, rtt.minRtt, now);
  rate.onDelivered(r, whole);
}

/**
 * Without SACK: `acked` segments are acknowledged. Segments that duplicate ACKs stood for are
 * already counted as delivered.
 */
function removeRenoSacks(snd: Sender, acked: Segments): void {
  const { sent, rate } = snd;
  if (acked <= 0) return;
  rate.delivered += Math.max(acked - sent.sackedOut, 1);
  sent.sackedOut = Math.min(
    Math.max(0, sent.sackedOut - (acked - 1)),
    Math.max(0, sent.out - sent.lostOut),
  );
}

/** Records reordering if the ACK covers a segment below SACKed data that was sent only once. */
function measureReordering(snd: Sender): void {
  const { news, recovery, mss } = snd;
  if (!snd.sack || !news.isReordered) return;
  if (recovery.state === CaState.loss && !recovery.undo.armed) return;
  noteReordering(snd, Math.ceil(((news.highestSacked - news.reordered) | 0) / mss));
}

/**
 * Karn's rule (RFC 6298 section 3): a retransmitted segment gives no sample, unless the echoed
 * timestamp tells which copy is acknowledged. A sample also ends the backoff.
 */
function measureRtt(snd: Sender, seg: Segment, now: Micros): void {
  const { news, rtt, sample } = snd;
  sample.rtt = -1;
  let oldest = -1;
  if (!news.resentAcked && !Number.isNaN(news.firstAckedAt)) {
    oldest = now - news.firstAckedAt;
    sample.rtt = now - news.lastAckedAt;
  } else if (!Number.isNaN(news.firstSackedAt)) {
    oldest = now - news.firstSackedAt;
    sample.rtt = now - news.lastSackedAt;
  }
  if (oldest < 0 && news.somethingAcked && snd.timestamps && seg.tsEcr !== 0) {
    const ticks = (snd.timestampNow(now) - seg.tsEcr) | 0;
    if (ticks >= 0) oldest = sample.rtt = Math.max(ticks, 1) * 1000;
  }
  if (oldest < 0) return;
  rtt.noteMinRtt(sample.rtt, now);
  rtt.sample(oldest, snd.una, snd.nxt);
  rtt.backoff = 0;
  snd.port.observed?.note({ note: 'rtt-sample', rtt: oldest, rto: rtt.rto }, now);
}

/**
 * Updates SND.WND, unless the segment is older than the last one used (SND.WL1, SND.WL2). True if
 * the window changed.
 */
function takeWindow(snd: Sender, seg: Segment, wnd: Bytes, now: Micros): boolean {
  if (!(seqLt(snd.wl1, seg.seq) || (snd.wl1 === seg.seq && seqLeq(snd.wl2, seg.ack)))) return false;
  const before = snd.wnd;
  snd.windowOffered(seg.seq, seg.ack, wnd);
  if (snd.port.timers.isArmed(Timer.persist)) {
    // The peer answers, so the wait for the next probe restarts at its full length (Linux's
    // tcp_ack_probe).
    snd.port.stopTimer(Timer.persist, now);
    if (wnd > before) snd.probesSent = 0;
  }
  if (wnd !== before) snd.mayFollowPause = true;
  return wnd !== before;
}

/**
 * RFC 6298 rule 5.3: new data was acknowledged, so the timer restarts, as a tail loss probe if one
 * is allowed. It replaces a reordering timer that an earlier ACK armed, as in Linux. As in Linux
 * each partial ACK restarts it, too, so that without SACK NewReno repairs all losses of a window
 * ("slow but steady", RFC 6582 section 3.2) and no timeout interrupts it.
 */
function restartWatch(snd: Sender, now: Micros): void {
  if (snd.sent.out === 0) {
    const { armed } = snd.port.timers.retransmit;
    if (armed !== null) snd.port.stopTimer(armed, now);
    return;
  }
  if (scheduleLossProbe(snd, true, now)) return;
  rearmRto(snd, now);
}

/** During a reduction PRR sets cwnd; otherwise the congestion control may increase it. */
function controlCongestion(snd: Sender, now: Micros): void {
  const { congestion: cc, recovery, sent, news, sample: s } = snd;
  if (s.acked === 0 && s.lost === 0 && !news.somethingAcked) return;
  s.now = now;
  s.una = snd.una;
  s.nxt = snd.nxt;
  s.inFlight = sent.inFlight;
  s.caState = recovery.state;
  s.srtt = snd.rtt.srtt;
  s.minRtt = snd.rtt.minRtt;
  s.mss = snd.mss;
  s.paced = isPaced(snd);
  s.cwndLimited = snd.usage.mayGrow(cc);
  // With much reordering on the path, newly SACKed data counts as progress, too; otherwise only
  // newly acknowledged data does.
  const progress = news.dataAcked || (snd.hasHighReordering && news.dataSacked);
  s.mayGrow = progress && !recovery.isReducing;
  cc.onAck(s);
  if (recovery.isReducing && !cc.modelBased && s.acked > 0) {
    const safeAck = news.unaAdvanced && s.lost === 0;
    reduceByPrr(cc, snd.prr.onAck(s.acked, safeAck, sent.inFlight, cc.ssthresh));
  }
  if (s.paced) snd.pacing.rate = pacingRateOf(snd);
}
