/**
 * Taking a reduction back that was needless. Three things can show it:
 *
 *     Eifel (RFC 3522, 4015)   the ACK of a retransmission echoes a timestamp from before it was
 *                              sent: the original had arrived
 *     D-SACK (RFC 3708)        every retransmission of the episode was reported as a duplicate
 *     F-RTO (RFC 5682)         after a timeout, data that was never sent again is acknowledged
 *
 * Then nothing was lost but time: marks of loss go, and cwnd and ssthresh are what they were.
 */
import { seqGt, seqLt } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { AckNews } from './ack-news.js';
import { CaState } from '../congestion/ack-sample.js';
import { orNull, type UndoProof } from '../notes.js';
import { noteReordering } from './reordering.js';
import type { Sender } from '../send/sender.js';
import type { SentSegment } from '../send/sent-queue.js';

/** Something in flight was sent more than once. */
export const isAnythingResent = (snd: Sender): boolean =>
  snd.sent.retransOut > 0 || (snd.sent.first?.retransmissions ?? 0) > 0;

/** The ACK that is being handled echoes a timestamp from before `time`. */
const echoesBefore = (snd: Sender, time: Micros): boolean =>
  snd.timestamps && snd.news.echo !== 0 && ((snd.news.echo - snd.timestampNow(time)) | 0) < 0;

/**
 * `record` was sent again, but what the ACK that is being handled tells of is the original: it says
 * nothing of when the copy arrived (RFC 8985 section 6.2 step 2).
 */
export const wasResentInVain = (snd: Sender, record: SentSegment): boolean =>
  record.retransmissions > 0 && echoesBefore(snd, record.sentAt);

/**
 * The ACK that is being handled was provoked by an original: it echoes a timestamp from before the
 * first retransmission.
 */
function originalArrived(snd: Sender): boolean {
  const { recovery, una } = snd;
  const { undo } = recovery;
  // Nothing was sent again yet; or, without SACK, it was, and was forgotten when highSeq was
  // reached.
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
  snd.rack.advanced = true; // what is left may have to be looked at again
  snd.port.observed?.note({ note: 'undo', proof, cwnd: orNull(snd.congestion.cwnd) }, now);
}

function forgetResent(snd: Sender): void {
  if (!isAnythingResent(snd)) snd.recovery.undo.firstResentAt = NaN;
}

/**
 * Recovery (or Loss) reached its end. True when the state is held on to all the same: without SACK,
 * until something above highSeq is acknowledged, or late duplicates would start a new recovery (RFC
 * 6582 section 6).
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
 * A partial ACK of an original: the holes above will close by themselves. True when nothing more is
 * to be done on this ACK: the reduction is undone, or will be (it is still armed then) once what
 * was sent again is accounted for.
 */
export function tryUndoPartial(snd: Sender, news: AckNews, now: Micros): boolean {
  const { recovery } = snd;
  if (!recovery.undo.armed || !originalArrived(snd)) return false;
  // The hole closed late: that was reordering by so many segments.
  if (seqGt(news.highestSacked, news.priorUna)) {
    noteReordering(snd, Math.ceil(((news.highestSacked - news.priorUna) | 0) / snd.mss));
  }
  // The retransmissions must be accounted for before it is certain.
  if (snd.sent.retransOut > 0) return true;
  forgetResent(snd);
  undo(snd, true, 'partial', now);
  snd.counters.TcpExtTCPPartialUndo++;
  return true;
}

/** Every retransmission was a duplicate at the peer. */
export function tryUndoDsack(snd: Sender, now: Micros): boolean {
  const { recovery, rack } = snd;
  if (!recovery.undo.armed || recovery.undo.resent !== 0) return false;
  rack.keepMargin();
  undo(snd, false, 'dsack', now);
  snd.counters.TcpExtTCPDSACKUndo++;
  return true;
}

/** After a timeout: F-RTO or a timestamp says that it was spurious. */
export function tryUndoLoss(snd: Sender, byFrto: boolean, now: Micros): boolean {
  if (!byFrto && !mayUndo(snd)) return false;
  undo(snd, true, byFrto ? 'frto' : 'loss', now);
  snd.counters.TcpExtTCPLossUndo++;
  if (byFrto) snd.counters.TcpExtTCPSpuriousRTOs++;
  snd.timeouts = 0;
  forgetResent(snd);
  return true;
}
