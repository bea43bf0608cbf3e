/**
 * Tail loss probe (RFC 8985 section 7). If the last segments of a flight are lost, no later segment
 * triggers a SACK, and the retransmission timer is slow. So after about two round trips without an
 * ACK, new data or a copy of the last segment is sent to trigger one. The probe costs one segment
 * and may avoid a timeout.
 */
import { seqGeq, seqGt, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { AckNews } from './ack-news.js';
import { CaState } from '../congestion/ack-sample.js';
import type { Sender } from '../send/sender.js';
import { payForProbe } from './recovery.js';
import { Timer } from '../timers.js';
import { TCP_TIMEOUT_MIN_US } from '../linux-constants.js';

/**
 * Section 7.2: arms the probe timer instead of the retransmission timer. False if no probe is
 * allowed now.
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
  // As in Linux: with one segment in flight the peer may delay its ACK, by up to the minimum RTO.
  if (rtt.hasSample) timeout = 2 * rtt.srtt + (sent.out === 1 ? config.minRto : TCP_TIMEOUT_MIN_US);
  // The probe never expires later than the retransmission timer would.
  const untilRto = rtoRestarts ? rtt.rto : sent.first!.sentAt + rtt.rto - now;
  if (untilRto > 0) timeout = Math.min(timeout, untilRto);
  snd.port.setTimer(Timer.tlp, now + timeout, now);
  return true;
}

/**
 * Section 7.4: detects whether an outstanding probe repaired a loss, when an ACK covers the probe.
 */
export function judgeProbe(snd: Sender, ack: Seq, news: AckNews, now: Micros): void {
  const { probe } = snd;
  const { end } = probe;
  if (end === null || !seqGeq(ack, end)) return;
  if (!probe.retransmitted || news.dsackOfProbe) {
    probe.end = null; // it was new data, or both copies were delivered: nothing was lost
  } else if (seqGt(ack, end)) {
    // Data beyond the probe is acknowledged and no duplicate was reported, so the probe repaired a
    // loss.
    snd.counters.TcpExtTCPLossProbeRecovery++;
    payForProbe(snd, now);
    probe.end = null;
  } else if (news.mayBeDuplicate && !news.dataSacked) {
    probe.end = null; // a duplicate ACK for the copy: the original was delivered, too
  }
}
