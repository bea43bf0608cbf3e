/**
 * The states of loss recovery. The names are Linux's; RFC 5681, 6675, 5682 and 8985 describe them:
 *
 *     Open ──dup ACKs, SACKs──▶ Disorder ──RACK marks lost──▶ Recovery ──all acknowledged──▶ Open
 *       │ ECN mark                                              │ RTO
 *       └────▶ CWR ──a window later──▶ Open          RTO ──▶ Loss ──all acknowledged, or──▶ Open
 *                                                                   F-RTO: it was spurious
 *     "All" means everything up to highSeq.
 *
 * With SACK, RACK (rack.ts) decides which segments are lost. Without SACK, three duplicate ACKs and
 * partial ACKs do (NewReno, RFC 6582). In CWR and Recovery PRR (prr.ts) sets cwnd. A spurious
 * reduction is undone (undo.ts). Nothing is sent from here: output retransmits the segments that
 * the scoreboard marks lost.
 */
import { seqGeq, seqGt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import { CA_STATE_NAMES, CaState } from '../congestion/ack-sample.js';
import type { Congestion } from '../congestion/control.js';
import { afterTimeout, reduceByPrr, reductionEnds, rememberWindow } from '../congestion/window.js';
import type { AckNews } from './ack-news.js';
import { orNull } from '../notes.js';
import type { Sender } from '../send/sender.js';
import { probeWasLost } from '../send/mtu-probe.js';
import { DUPLICATE_ACK_THRESHOLD } from './recovery-state.js';
import { noteReordering } from './reordering.js';
import {
  isAnythingResent,
  tryUndoDsack,
  tryUndoLoss,
  tryUndoPartial,
  tryUndoRecovery,
} from './undo.js';
import { rearmRto } from './rto.js';
import { Timer } from '../timers.js';
import { TCP_TIMEOUT_MIN_US } from '../linux-constants.js';

function setState(snd: Sender, state: CaState, now: Micros): void {
  const { recovery } = snd;
  if (recovery.state === state) return;
  snd.port.observed?.note(
    { note: 'ca-state', state: CA_STATE_NAMES[state], before: CA_STATE_NAMES[recovery.state] },
    now,
  );
  if (recovery.state === CaState.recovery || recovery.state === CaState.loss) snd.rack.recovered();
  recovery.state = state;
}

// ---- Beginnings and ends of a reduction ---------------------------------------------------------

/**
 * The window from which ssthresh is computed: RFC 5681 uses the flight size, Linux cwnd. They
 * differ little, because Linux lets cwnd grow only while it is fully used.
 */
const windowToReduce = (snd: Sender): number =>
  snd.config.ssthreshFromFlight ? snd.sent.out : snd.congestion.cwnd;

function beginReduction(snd: Sender, why: Congestion, now: Micros): void {
  snd.recovery.highSeq = snd.nxt;
  snd.probe.end = null;
  snd.prr.start(snd.congestion.cwnd);
  snd.congestion.onCongestion(why, windowToReduce(snd), now);
  snd.cwrOwed = true;
}

/**
 * Segments that were already retransmitted may be reported as duplicates, including the copy sent
 * by a tail loss probe (Linux's tcp_init_undo). Call this before `beginReduction`, which forgets
 * the probe.
 */
function armUndo(snd: Sender): void {
  const { una, sent, probe, recovery } = snd;
  const probed = probe.end !== null && probe.retransmitted ? 1 : 0;
  recovery.undo.arm(una, sent.retransOut + probed);
}

function endReduction(snd: Sender, now: Micros): void {
  const { congestion, recovery } = snd;
  if (congestion.modelBased) return;
  if (congestion.ssthresh !== Infinity && (recovery.state === CaState.cwr || recovery.undo.armed)) {
    reductionEnds(congestion);
    congestion.onRecovered(now);
  }
}

/**
 * The peer echoed an ECN mark (RFC 3168 section 6.1.2), or a local queue is full. Either counts as
 * one loss, at most once per window of data. RFC 3168 also makes a sender whose cwnd is one segment
 * wait for the retransmission timer; as in Linux, this one does not wait.
 */
export function enterCwr(snd: Sender, now: Micros, why: 'ecn' | 'local' = 'ecn'): void {
  const { recovery } = snd;
  recovery.undo.withdraw();
  if (recovery.state >= CaState.cwr) return;
  beginReduction(snd, 'ecn', now);
  if (why === 'ecn') {
    const { ssthresh, name } = snd.congestion;
    snd.port.observed?.note(
      { note: 'ecn-reduced', ssthresh: orNull(ssthresh), control: name },
      now,
    );
  }
  setState(snd, CaState.cwr, now);
}

/** A tail loss probe repaired a loss, so cwnd is reduced at once (RFC 8985 section 7.4.2). */
export function payForProbe(snd: Sender, now: Micros): void {
  beginReduction(snd, 'loss', now);
  setState(snd, CaState.cwr, now);
  endReduction(snd, now);
  tryKeepOpen(snd, now);
}

export function enterRecovery(snd: Sender, ece: boolean, now: Micros): void {
  const { recovery } = snd;
  if (snd.sack) snd.counters.TcpExtTCPSackRecovery++;
  else snd.counters.TcpExtTCPRenoRecovery++;
  armUndo(snd);
  recovery.undo.restoresCwnd = false;
  if (!recovery.isReducing) {
    recovery.undo.restoresCwnd = !ece;
    beginReduction(snd, 'loss', now);
  }
  setState(snd, CaState.recovery, now);
  snd.port.observed?.note(
    {
      note: 'fast-retransmit',
      una: snd.una >>> 0,
      ssthresh: orNull(snd.congestion.ssthresh),
      sack: snd.sack,
      duplicates: recovery.reordering,
    },
    now,
  );
}

/** The retransmission timer expired: RFC 5681 section 3.1, RFC 6298 5.4 to 5.6, RFC 5682 step 1. */
export function enterLoss(snd: Sender, now: Micros): void {
  const { recovery, congestion, sent } = snd;
  const fresh = recovery.state < CaState.recovery;
  markLostOnTimeout(snd, now);
  // A second timeout for the same data keeps ssthresh (RFC 5681 section 3.1).
  const newEpisode =
    recovery.state <= CaState.disorder ||
    seqGeq(snd.una, recovery.highSeq) ||
    (recovery.state === CaState.loss && snd.timeouts === 0);
  if (newEpisode) {
    congestion.onCongestion('timeout', windowToReduce(snd), now);
    armUndo(snd);
    recovery.undo.restoresCwnd = true;
  }
  afterTimeout(congestion, sent.inFlight);
  // A timeout despite many duplicates means that the reordering estimate is too high.
  if (recovery.state <= CaState.disorder && sent.sackedOut >= DUPLICATE_ACK_THRESHOLD) {
    recovery.reordering = Math.min(recovery.reordering, DUPLICATE_ACK_THRESHOLD);
  }
  setState(snd, CaState.loss, now);
  recovery.highSeq = snd.nxt;
  snd.cwrOwed = true;
  snd.probe.end = null;
  recovery.newDataFirst = false;
  recovery.resendHeld = false;
  // As in Linux: the loss of a path MTU probe would look like a spurious timeout.
  recovery.frto = snd.config.frto && (fresh || snd.timeouts > 0) && snd.size.probeSize === 0;
}

/**
 * The SYN,ACK of a Fast Open timed out; it had timed out `tries` times before. As in Linux, the
 * second timeout counts as a timeout of data, because data may be in flight. The data is not
 * retransmitted before the SYN,ACK is acknowledged.
 */
export function synAckTimedOut(snd: Sender, tries: number, now: Micros): void {
  const { undo } = snd.recovery;
  if (Number.isNaN(undo.firstResentAt)) undo.firstResentAt = now;
  if (tries === 1) enterLoss(snd, now);
}

/**
 * The SYN,ACK was acknowledged. If the echoed timestamp is older than its retransmission, nothing
 * was lost.
 */
export function synAckRecovered(snd: Sender, now: Micros): void {
  const { sent, recovery } = snd;
  if (recovery.state === CaState.loss && sent.out === 0 && !tryUndoRecovery(snd, now))
    setState(snd, CaState.open, now);
  recovery.undo.firstResentAt = NaN; // no data was retransmitted yet
}

/**
 * Segments were lost because they were too large for the path, not because of congestion (Linux's
 * tcp_simple_retransmit). They are retransmitted as after a timeout. cwnd stays, because the same
 * number of segments is now fewer bytes.
 */
export function resendWithoutReduction(snd: Sender, now: Micros): void {
  const { sent, recovery, congestion, nxt } = snd;
  if (!snd.sack)
    sent.sackedOut = Math.min(sent.sackedOut, Math.max(0, sent.out - Math.max(sent.lostOut, 1)));
  if (recovery.state === CaState.loss) return;
  if (!recovery.isReducing) rememberWindow(congestion);
  recovery.highSeq = nxt;
  recovery.undo.withdraw();
  recovery.frto = false;
  setState(snd, CaState.loss, now);
}

/**
 * RFC 8985 section 6.3: marks the first segment and all overdue ones lost, but not all of the
 * flight. If the first segment is SACKed, the peer reneged, and all segments are marked lost.
 */
function markLostOnTimeout(snd: Sender, now: Micros): void {
  const { sent, rack } = snd;
  const first = sent.first!;
  if (first.sacked) {
    snd.counters.TcpExtTCPSACKReneging++;
    sent.forgetSacked();
    for (const record of sent) sent.markLost(record);
    return;
  }
  if (!snd.sack) sent.sackedOut = 0;
  const reoWnd = currentReoWnd(snd);
  for (const record of sent) {
    if (snd.sack && record !== first && !rack.isOverdue(record, reoWnd, now)) continue;
    sent.markLost(record);
  }
}

/** Sets Open, or Disorder while a segment is SACKed, lost or retransmitted. */
function tryKeepOpen(snd: Sender, now: Micros): void {
  const { recovery, sent, nxt } = snd;
  const state =
    sent.sackedOut + sent.lostOut > 0 || isAnythingResent(snd) ? CaState.disorder : CaState.open;
  if (recovery.state === state) return;
  setState(snd, state, now);
  recovery.highSeq = nxt;
}

function tryToOpen(snd: Sender, ece: boolean, now: Micros): void {
  const { recovery } = snd;
  if (!isAnythingResent(snd)) recovery.undo.firstResentAt = NaN;
  if (ece) enterCwr(snd, now);
  if (recovery.state !== CaState.cwr) tryKeepOpen(snd, now);
}

// ---- On each dubious ACK ------------------------------------------------------------------------

/**
 * Processes an ACK that is not plain progress in Open: marks lost segments and chooses the next
 * state.
 */
export function judgeAck(snd: Sender, news: AckNews, now: Micros): void {
  const { recovery, sent } = snd;
  if (news.ece) recovery.undo.restoresCwnd = false;
  if (news.reneged) {
    // The peer reneged: SND.UNA stopped at data that it had SACKed. The ACK may only be delayed, so
    // this waits briefly before it is treated as a timeout (RFC 2018 section 8).
    snd.port.setTimer(Timer.rto, now + Math.max(snd.rtt.srtt / 2, 10_000), now);
    news.rearm = false;
    return;
  }
  if (
    recovery.state !== CaState.open &&
    seqGeq(snd.una, recovery.highSeq) &&
    reachedHighSeq(snd, now)
  )
    return;
  switch (recovery.state) {
    case CaState.recovery:
      if (!news.unaAdvanced) addRenoSack(snd, news);
      else if (tryUndoPartial(snd, news, now)) {
        if (!recovery.undo.armed) tryKeepOpen(snd, now);
        return;
      }
      if (tryUndoDsack(snd, now)) tryToOpen(snd, news.ece, now);
      identifyLoss(snd, news, now);
      if (recovery.state !== CaState.recovery && sent.lostOut > 0)
        enterRecovery(snd, news.ece, now);
      return;
    case CaState.loss:
      processLoss(snd, news, now);
      if ((recovery.state as CaState) !== CaState.loss) snd.port.stats.timeoutRecovered(now);
      identifyLoss(snd, news, now);
      if ((recovery.state as CaState) !== CaState.open && !news.lostRetransmission) return;
      break;
    default:
  }
  if (!snd.sack && news.unaAdvanced) sent.sackedOut = 0;
  addRenoSack(snd, news);
  if (recovery.state <= CaState.disorder) tryUndoDsack(snd, now);
  identifyLoss(snd, news, now);
  if (sent.lostOut === 0) tryToOpen(snd, news.ece, now);
  else if (probeWasLost(snd, now)) resendWithoutReduction(snd, now);
  else enterRecovery(snd, news.ece, now);
}

/** Everything up to highSeq is acknowledged. True if this ACK needs no further processing. */
function reachedHighSeq(snd: Sender, now: Micros): boolean {
  switch (snd.recovery.state) {
    case CaState.cwr:
      // Waits for data beyond highSeq to be acknowledged, because the segment with CWR is beyond
      // it.
      if (snd.una !== snd.recovery.highSeq) {
        endReduction(snd, now);
        setState(snd, CaState.open, now);
      }
      return false;
    case CaState.recovery:
      if (!snd.sack) snd.sent.sackedOut = 0;
      if (tryUndoRecovery(snd, now)) return true;
      endReduction(snd, now);
      setState(snd, CaState.open, now);
      noteExit(snd, now);
      return false;
    default:
      return false;
  }
}

function noteExit({ port, congestion }: Sender, now: Micros): void {
  port.observed?.note(
    {
      note: 'recovery-exit',
      cwnd: orNull(congestion.cwnd),
      ssthresh: orNull(congestion.ssthresh),
    },
    now,
  );
}

/** Processes an ACK in Loss: F-RTO's steps (RFC 5682), and the exits from Loss. */
function processLoss(snd: Sender, news: AckNews, now: Micros): void {
  const { recovery, sent } = snd;
  const recovered = seqGeq(snd.una, recovery.highSeq);
  if (news.unaAdvanced && tryUndoLoss(snd, false, now)) {
    leaveLossAfterUndo(snd, false, now);
    return;
  }
  if (recovery.frto) {
    // Step 3b: data that was never retransmitted has been delivered, so the timeout was spurious.
    if (news.originalDelivered && tryUndoLoss(snd, true, now)) {
      leaveLossAfterUndo(snd, true, now);
      return;
    }
    if (seqGt(snd.nxt, recovery.highSeq)) {
      // step 3a: the loss was real
      if (news.dataSacked || news.duplicates > 0) recovery.frto = false;
    } else if (news.unaAdvanced && !recovered) {
      // Step 2b: sends new data to find out. Without new data or without a window, ordinary
      // recovery continues.
      recovery.highSeq = snd.nxt;
      if (snd.unsent > 0 && snd.usableWindow > 0) recovery.newDataFirst = true;
      else recovery.frto = false;
      return;
    }
  }
  if (recovered) {
    if (tryUndoRecovery(snd, now)) return;
    setState(snd, CaState.open, now);
    noteExit(snd, now);
    return;
  }
  if (snd.sack) return;
  // Without SACK, duplicate ACKs prove a loss only after data beyond highSeq was sent.
  if (seqGt(snd.nxt, recovery.highSeq) && news.duplicates > 0) addRenoSack(snd, news);
  else if (news.unaAdvanced) sent.sackedOut = 0;
}

function leaveLossAfterUndo(snd: Sender, byFrto: boolean, now: Micros): void {
  if (byFrto || snd.sack) setState(snd, CaState.open, now);
}

/** Marks lost segments: by RACK with SACK, otherwise by NewReno's duplicate and partial ACKs. */
export function identifyLoss(snd: Sender, news: AckNews, now: Micros): void {
  const { sent, rack } = snd;
  if (sent.out === 0) return;
  if (!snd.sack) {
    markLostNewReno(snd, news.unaAdvanced);
    return;
  }
  const resentBefore = sent.retransOut;
  if (!rack.advanced) return;
  rack.advanced = false;
  const wait = rack.detectLoss(sent, currentReoWnd(snd), now);
  if (wait > 0) {
    snd.port.setTimer(Timer.reorder, now + wait + TCP_TIMEOUT_MIN_US, now);
    news.rearm = false;
  } else if (snd.port.timers.retransmit.armed === Timer.reorder) rearmRto(snd, now);
  if (sent.retransOut < resentBefore) news.lostRetransmission = true;
}

export function currentReoWnd(snd: Sender): Micros {
  const { recovery, sent, rack, rtt } = snd;
  const evidence = recovery.state >= CaState.recovery || sent.sackedOut >= recovery.reordering;
  return rack.reoWnd(recovery.reorderSeen > 0, evidence, rtt.minRtt, rtt.srtt);
}

/**
 * RFC 6582: the third duplicate ACK, and each partial ACK in Recovery, marks the first segment
 * lost.
 */
function markLostNewReno(snd: Sender, advanced: boolean): void {
  const { recovery, sent, mss } = snd;
  const duplicates = recovery.state < CaState.recovery && sent.sackedOut >= recovery.reordering;
  const partial = recovery.state === CaState.recovery && advanced;
  if (!duplicates && !partial) return;
  const first = sent.first!;
  if (first.lost) return;
  sent.split(0, mss);
  sent.markLost(first);
}

/** Without SACK each duplicate ACK stands for one delivered segment. */
function addRenoSack(snd: Sender, news: AckNews): void {
  if (snd.sack || news.duplicates === 0) return;
  const { sent, rate } = snd;
  const before = sent.sackedOut;
  sent.sackedOut += news.duplicates;
  // At least one segment is missing, because otherwise there would be no duplicate ACKs.
  const most = Math.max(sent.out - Math.max(sent.lostOut, 1), 0);
  if (sent.sackedOut > most) {
    sent.sackedOut = most;
    noteReordering(snd, sent.out + news.duplicates);
  }
  rate.delivered += Math.max(0, sent.sackedOut - before);
}

/**
 * The reordering timer expired: segments that are overdue by now are lost (RFC 8985 section 6.2
 * step 5).
 */
export function reorderingTimeout(snd: Sender, now: Micros): void {
  const { sent, recovery, rack, congestion } = snd;
  const inFlight = sent.inFlight;
  const wait = rack.detectLoss(sent, currentReoWnd(snd), now);
  if (wait > 0) snd.port.setTimer(Timer.reorder, now + wait + TCP_TIMEOUT_MIN_US, now);
  if (sent.inFlight === inFlight) return;
  if (recovery.state === CaState.recovery) return;
  if (probeWasLost(snd, now)) {
    resendWithoutReduction(snd, now);
    return;
  }
  enterRecovery(snd, false, now);
  if (!congestion.modelBased)
    reduceByPrr(congestion, snd.prr.onAck(1, false, sent.inFlight, congestion.ssthresh));
}
