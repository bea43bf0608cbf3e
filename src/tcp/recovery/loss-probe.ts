/**
 * Tail loss probe (RFC 8985 section 7): when the last segments of a flight are lost, no later one
 * can tell of it by SACK, and the retransmission timer is slow. So after about two round trips
 * without an ACK the last segment goes out once more (or a new one, if there is one), to provoke a
 * SACK. It costs one segment and saves a timeout.
 */
import { seqGeq, seqGt, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { AckNews } from './ack-news.js';
import { CaState } from '../congestion/ack-sample.js';
import type { Sender } from '../send/sender.js';
import { payForProbe } from './recovery.js';
import { Timer } from '../timers.js';
import { TCP_TIMEOUT_MIN_US } from '../limits.js';

/**
 * Section 7.2: arms the timer for a probe instead of the retransmission timer. False when this is
 * no time for one.
 */
export function scheduleLossProbe(snd: Sender, rtoRestarts: boolean, now: Micros): boolean {
  const { config } = snd;
  const { sent, rtt, recovery } = snd;
  const calm = recovery.state === CaState.open || recovery.state === CaState.cwr;
  if (
    !config.tlp ||
    !snd.sack ||
    snd.port.isOpening ||
    sent.out === 0 ||
    sent.sackedOut > 0 ||
    !calm
  )
    return false;
  let timeout: Micros = config.initialRto;
  // Linux: with one segment out the peer may delay its ACK, by up to the least RTO; with more not.
  if (rtt.hasSample) timeout = 2 * rtt.srtt + (sent.out === 1 ? config.minRto : TCP_TIMEOUT_MIN_US);
  // Never later than the retransmission timer would have been.
  const untilRto = rtoRestarts ? rtt.rto : sent.first!.sentAt + rtt.rto - now;
  if (untilRto > 0) timeout = Math.min(timeout, untilRto);
  snd.port.setTimer(Timer.tlp, now + timeout, now);
  return true;
}

/** An ACK came while a probe is out: did it repair a loss (section 7.4)? */
export function judgeProbe(snd: Sender, ack: Seq, news: AckNews, now: Micros): void {
  const { probe } = snd;
  const { end } = probe;
  if (end === null || !seqGeq(ack, end)) return;
  if (!probe.retransmitted || news.dsackOfProbe) {
    probe.end = null; // new data, or both copies arrived: nothing was lost
  } else if (seqGt(ack, end)) {
    // Something beyond it is acknowledged and no duplicate was reported: the probe filled a hole,
    // and that was a loss.
    snd.counters.TcpExtTCPLossProbeRecovery++;
    payForProbe(snd, now);
    probe.end = null;
  } else if (news.mayBeDuplicate && !news.dataSacked) {
    probe.end = null; // the copy's own ACK: the original had arrived, too
  }
}
