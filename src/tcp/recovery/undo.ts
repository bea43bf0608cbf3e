/**
 * Undoes a reduction that was needless. Three mechanisms detect one:
 *
 *     Eifel (RFC 3522, 4015)   the ACK of a retransmission echoes a timestamp from before it was
 *                              sent: the original had arrived
 *     D-SACK (RFC 3708)        every retransmission of the episode was reported as a duplicate
 *     F-RTO (RFC 5682)         after a timeout, data that was never retransmitted is acknowledged
 *
 * Undoing restores cwnd and ssthresh, except after an ECN mark. In Loss and on a partial ACK,
 * segments marked lost are no longer lost.
 */
import { seqGt, seqLt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { AckNews } from './ack-news.js';
import { CaState } from '../congestion/ack-sample.js';
import { orNull, type UndoProof } from '../notes.js';
import { noteReordering } from './reordering.js';
import type { Sender } from '../send/sender.js';
import type { SentSegment } from '../send/sent-queue.js';

/** A segment in flight was sent more than once. */
export const isAnythingResent = (snd: Sender): boolean =>
  snd.sent.retransOut > 0 || (snd.sent.first?.retransmissions ?? 0) > 0;

/** The current ACK echoes a timestamp from before `time`. */
const echoesBefore = (snd: Sender, time: Micros): boolean =>
  snd.timestamps && snd.news.echo !== 0 && ((snd.news.echo - snd.timestampNow(time)) | 0) < 0;

/**
 * `record` was retransmitted, but the current ACK is for the original, so it does not tell when the
 * copy arrived (RFC 8985 section 6.2 step 2).
 */
export const wasResentInVain = (snd: Sender, record: SentSegment): boolean =>
  record.retransmissions > 0 && echoesBefore(snd, record.sentAt);

/**
 * The current ACK was triggered by an original: it echoes a timestamp from before the first
 * retransmission.
 */
function originalArrived(snd: Sender): boolean {
  const { recovery, una } = snd;
  const { undo } = recovery;
  // Nothing was retransmitted yet; or, without SACK, the retransmission was forgotten when highSeq
  // was reached.
  if (Number.isNaN(undo.firstResentAt)) return snd.sack || seqLt(una, recovery.highSeq);
  return echoesBefore(snd, undo.firstResentAt);
}

const mayUndo = (snd: Sender): boolean => {
  const { undo } = snd.recovery;
  return undo.armed && (undo.resent === 0 || originalArrived(snd));
};

function undo(snd: Sender, unmarkLost: boolean, proof: UndoProof, now: Micros): void {
  if (unmarkLost) snd.sent.unmarkLost();
  if (snd.recovery.undo.restoresCwnd) {
    snd.congestion.onUndo();
    snd.cwrOwed = false;
  }
  snd.recovery.undo.armed = false;
  snd.rack.advanced = true; // losses are detected again in the remaining segments
  snd.port.observed?.note({ note: 'undo', proof, cwnd: orNull(snd.congestion.cwnd) }, now);
}

function forgetResent(snd: Sender): void {
  if (!isAnythingResent(snd)) snd.recovery.undo.firstResentAt = NaN;
}

/**
 * Everything that was in flight when Recovery or Loss began is acknowledged. True if the state must
 * be kept: without SACK, until data above highSeq is acknowledged, because late duplicate ACKs
 * would otherwise start a new recovery (RFC 6582 section 6).
 */
export function tryUndoRecovery(snd: Sender, now: Micros): boolean {
  const { recovery } = snd;
  if (mayUndo(snd)) {
    if (recovery.state === CaState.loss) snd.counters.TcpExtTCPLossUndo++;
    else snd.counters.TcpExtTCPFullUndo++;
    undo(snd, false, 'full', now);
  }
  const hold = snd.una === recovery.highSeq && !snd.sack;
  forgetResent(snd);
  return hold;
}

/**
 * Processes a partial ACK. If it is for an original, the remaining gaps will close without
 * retransmissions. True if this ACK needs no further processing: the reduction is undone, or (then
 * it is still armed) will be once no retransmission is in flight.
 */
export function tryUndoPartial(snd: Sender, news: AckNews, now: Micros): boolean {
  const { recovery } = snd;
  if (!recovery.undo.armed || !originalArrived(snd)) return false;
  // The gap closed late, so the network reordered segments.
  if (seqGt(news.highestSacked, news.priorUna)) {
    noteReordering(snd, Math.ceil(((news.highestSacked - news.priorUna) | 0) / snd.mss));
  }
  // It is not certain while retransmissions are in flight.
  if (snd.sent.retransOut > 0) return true;
  forgetResent(snd);
  undo(snd, true, 'partial', now);
  snd.counters.TcpExtTCPPartialUndo++;
  return true;
}

/** Undoes the reduction if every retransmission was reported as a duplicate. */
export function tryUndoDsack(snd: Sender, now: Micros): boolean {
  const { recovery, rack } = snd;
  if (!recovery.undo.armed || recovery.undo.resent !== 0) return false;
  rack.keepMargin();
  undo(snd, false, 'dsack', now);
  snd.counters.TcpExtTCPDSACKUndo++;
  return true;
}

/** Undoes a timeout that F-RTO or a timestamp proves spurious. */
export function tryUndoLoss(snd: Sender, byFrto: boolean, now: Micros): boolean {
  if (!byFrto && !mayUndo(snd)) return false;
  undo(snd, true, byFrto ? 'frto' : 'loss', now);
  snd.counters.TcpExtTCPLossUndo++;
  if (byFrto) snd.counters.TcpExtTCPSpuriousRTOs++;
  snd.timeouts = 0;
  forgetResent(snd);
  return true;
}
