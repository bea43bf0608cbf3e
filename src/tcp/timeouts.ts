/**
 * Actions of expired timers: RFC 9293 section 3.10.8 and the RFC of each timer. They note what is
 * owed and send nothing.
 */
import { doubled } from '../base/exact-math.js';
import type { Micros } from '../base/time.js';
import type { Cause } from './causes.js';
import { abort } from './closing.js';
import type { TcpConfig } from './config.js';
import type { Tcb } from './tcb.js';
import { deferredSynAcks } from './defer-accept.js';
import { isHalfOpen } from './icmp.js';
import { suspectBlackHole } from './send/mtu-probe.js';
import { noteCwnd } from './recovery/ack.js';
import { enterLoss, reorderingTimeout, synAckTimedOut } from './recovery/recovery.js';
import { isWatched, resumeRto } from './recovery/rto.js';
import { oweReset } from './reset.js';
import { backoffTime } from './send/rtt.js';
import type { Sender } from './send/sender.js';
import { State } from './state.js';
import { Timer } from './timers.js';
import { TCP_RESOURCE_PROBE_INTERVAL, TCP_RTO_MIN } from './linux-constants.js';

/** Used when tcp_orphan_retries is 0. */
const ORPHAN_RETRIES = 8;

export function timerExpires(c: Tcb, timer: Timer, now: Micros): void {
  switch (timer) {
    case Timer.rto:
      if (c.isOpening) synTimeout(c, now);
      else retransmissionTimeout(c, now);
      return;
    case Timer.persist:
      persistTimeout(c, now);
      return;
    case Timer.delayedAck:
      c.env.counters.TcpExtDelayedACKs++;
      c.rcv.ack.expired(c.snd.rtt.rto);
      c.rcv.ackNow = true;
      return;
    case Timer.keepAlive:
      keepAliveTimeout(c, now);
      return;
    case Timer.finWait2:
      c.finish(null, 'fin-wait-2-timeout', now);
      return;
    case Timer.tlp:
      lossProbeTimeout(c, now);
      return;
    case Timer.reorder:
      reorderingTimeout(c.snd, now);
      if (c.snd.sent.out > 0 && !isWatched(c.snd)) resumeRto(c.snd, now);
      return;
    case Timer.pacing:
      return; // output continues by itself
    default:
      timer satisfies never;
  }
}

/**
 * TCP_DEFER_ACCEPT: the handshake's ACK was ignored, so the SYN,ACK is not retransmitted until the
 * time is nearly over. It then provokes another ACK.
 */
const isDeferred = (c: Tcb): boolean =>
  c.deferredAck && c.synTries < deferredSynAcks(c.config.deferAccept) - 1;

/**
 * MUST-22: the SYN or SYN,ACK is retransmitted by the same mechanism as data, including the report
 * at R1, with limits of its own.
 */
function synTimeout(c: Tcb, now: Micros): void {
  const { config } = c;
  const active = c.state === State.synSent;
  // As in Linux: one more for a Fast Open, because its user already has the connection.
  const early = c.fastOpen?.accepted === true;
  const most = active ? c.synRetries + config.synLinearTimeouts : c.synAckRetries + (early ? 1 : 0);
  const elapsed = now - c.openedAt;
  const waitsForData = c.deferredAck && c.synTries < deferredSynAcks(config.deferAccept);
  const mayGiveUp = active ? elapsed >= config.synTimeout : !waitsForData;
  const expired = (mayGiveUp && c.synTries >= most) || (c.synTries > 0 && isSynOverdue(c, elapsed));
  c.fastOpen?.timedOut(c.synTries, expired, now);
  if (expired) {
    giveUp(c, 'syn-timeout', now);
    return;
  }
  // R1 of a SYN is reported like that of data. A half-open connection has no user to report to.
  if (c.synTries + 1 === config.retries1 && !isHalfOpen(c)) c.reportSoftError('ETIMEDOUT');
  c.env.counters.TcpExtTCPTimeouts++;
  // As in Linux: the timeout of a passive SYN,ACK counts from the first SYN,ACK.
  c.stats.timeoutExpired(
    c.synTries === 0,
    c.passive && c.fastOpen?.accepted !== true ? c.openedAt : now,
  );
  if (active) for (const record of c.snd.sent) c.snd.sent.markLost(record);
  if (early) synAckTimedOut(c.snd, c.synTries, now);
  const rests = isDeferred(c);
  c.synTries++;
  if (rests) c.setTimer(Timer.rto, now + synInterval(c, now), now);
  else c.owed.syn = true;
}

/**
 * True if a SYN is overdue: after the user timeout, else after the time that the retransmissions
 * with backoff take, as in Linux. Half-open connections are limited only by the number of SYN,ACKs.
 */
function isSynOverdue(c: Tcb, elapsed: Micros): boolean {
  if (c.state !== State.synSent) return false;
  if (c.userTimeout > 0) return elapsed >= c.userTimeout;
  return (
    elapsed >=
    Math.max(c.config.synTimeout, backoffTime(c.synRetries, c.config.initialRto, c.snd.rtt.maxRto))
  );
}

/**
 * Time to wait after the SYN or SYN,ACK that was just sent. It doubles each time, and does not
 * exceed the user timeout.
 */
export function synInterval(c: Tcb, now: Micros): Micros {
  const { config } = c;
  const linear = c.state === State.synSent ? config.synLinearTimeouts : 0;
  const doublings = Math.max(0, c.synTries - linear);
  const wait = Math.min(doubled(config.initialRto, doublings), c.snd.rtt.maxRto);
  if (c.userTimeout === 0 || c.synTries === 0 || c.state !== State.synSent) return wait;
  return Math.max(1, Math.min(wait, c.openedAt + c.userTimeout - now));
}

/** RFC 6298 sections 5.4 to 5.6, RFC 5681 section 3.1, RFC 9293 section 3.8.3. */
function retransmissionTimeout(c: Tcb, now: Micros): void {
  const { snd, config } = c;
  if (snd.retransmittingSince === 0) snd.retransmittingSince = snd.sent.first!.sentAt;
  const expired = snd.timeouts > 0 && isOverdue(c, now);
  if (snd.timeouts > 0 && makesRoom(c, now)) return;
  c.fastOpen?.timedOut(snd.timeouts, expired, now);
  if (expired) {
    giveUp(c, 'data-timeout', now);
    return;
  }
  if (snd.timeouts + 1 === config.retries1) {
    // SHLD-9, MUST-20: R1 is reported to the user.
    c.reportSoftError('ETIMEDOUT');
  }
  const resentFor = now - snd.recovery.undo.firstResentAt; // NaN before the first
  if (
    snd.timeouts > 0 &&
    resentFor >= backoffTime(config.retries1, backoffBase(config), snd.rtt.maxRto)
  )
    suspectBlackHole(snd, now);
  c.env.counters.TcpExtTCPTimeouts++;
  const { cwnd } = snd.congestion;
  enterLoss(snd, now);
  c.stats.timeoutExpired(snd.timeouts === 0, now);
  snd.timeouts++;
  snd.rtt.backoff++;
  c.observed?.note({ note: 'rto-retransmit', una: snd.una >>> 0, timeouts: snd.timeouts }, now);
  noteCwnd(snd, cwnd, now);
}

/**
 * The first interval when tcp_retries1 and tcp_retries2 are converted to a time. It is at least 200
 * ms, as in Linux, so that a smaller minimum RTO does not shorten R2.
 */
const backoffBase = ({ minRto }: TcpConfig): Micros => Math.max(minRto, TCP_RTO_MIN);

/**
 * True if the data in flight has been retransmitted for too long: R2 (MUST-20), or the user timeout
 * instead (MUST-21).
 */
function isOverdue(c: Tcb, now: Micros): boolean {
  const { snd, config } = c;
  const elapsed = now - snd.retransmittingSince;
  if (c.userTimeout > 0) return elapsed >= c.userTimeout; // MUST-21
  const most = snd.rtt.maxRto;
  if (c.rcv.orphaned)
    return elapsed >= backoffTime(orphanRetries(c, snd.rtt.rto), backoffBase(config), most);
  // SHLD-17, MUST-37: a peer that shrank its window to zero and still answers is alive. As in Linux
  // it is dead after 2 maxRto of silence.
  if (snd.wnd === 0) return elapsed > 2 * most && now - c.lastReceivedAt > 2 * most;
  return elapsed >= backoffTime(config.retries2, backoffBase(config), most);
}

/**
 * R2 of an orphan in retransmissions (tcp_orphan_retries; Linux's function of that name). `wait`:
 * the timeout that expired. Once it has reached `maxRto`, only the configured number counts, and
 * after an ICMP error none.
 */
function orphanRetries(c: Tcb, wait: Micros): number {
  const { orphanRetries: set } = c.config;
  if (wait < c.snd.rtt.maxRto) return set > 0 ? set : ORPHAN_RETRIES;
  return c.icmpError === null ? set : 0;
}

/**
 * RFC 8985 section 7.3: output sends the probe. Only one probe may be outstanding; after it the
 * retransmission timer continues.
 */
function lossProbeTimeout(c: Tcb, now: Micros): void {
  if (c.snd.probe.end === null) c.owed.lossProbe = true;
  else resumeRto(c.snd, now);
}

/**
 * Zero-window probes (RFC 9293 section 3.8.6.1). The same timer is the override of silly-window
 * avoidance (section 3.8.6.2.1): data that fits in a small window is sent.
 */
function persistTimeout(c: Tcb, now: Micros): void {
  const { snd } = c;
  if (snd.wnd > 0 && !snd.droppedHere) {
    snd.overrideSillyWindow = true;
    return;
  }
  // MUST-37: only unanswered probes count. A peer may keep its window at zero without limit
  // (MAY-8), unless the user sets a timeout. As in Linux that time starts with the first probe.
  if (snd.probesSent > 0 && makesRoom(c, now)) return;
  if (hasJustBegun(snd)) snd.probingSince = now;
  else if (c.userTimeout > 0 && now - snd.probingSince >= c.userTimeout) {
    giveUp(c, 'window-timeout', now);
    return;
  }
  if (hasProbedEnough(c)) {
    giveUp(c, 'probes-unanswered', now);
    return;
  }
  snd.probesUnanswered++;
  if (snd.wnd > 0) {
    snd.overrideSillyWindow = true; // a local queue was full: retries the data itself
    return;
  }
  snd.probesSent++;
  c.owed.probe = true;
  c.env.counters.TcpExtTCPWinProbe++;
  c.observed?.note({ note: 'zero-window-probe', probe: snd.probesSent, unsent: snd.unsent }, now);
}

/**
 * True if the probes were unanswered too often. An orphan also ends if its peer answers, once the
 * interval has reached its maximum.
 */
function hasProbedEnough(c: Tcb): boolean {
  const { snd, config } = c;
  if (!c.rcv.orphaned) return snd.probesUnanswered >= config.retries2;
  const wait = persistWait(c);
  const most = orphanRetries(c, wait);
  return snd.probesUnanswered >= most || (wait >= snd.rtt.maxRto && snd.probesSent >= most);
}

const hasJustBegun = (snd: Sender): boolean => snd.probesSent === 0 && snd.probesUnanswered === 0;

/** At most tcp_retries2 doublings, as in Linux. */
const persistWait = ({ snd, config }: Tcb): Micros =>
  Math.min(doubled(snd.rtt.rto, Math.min(snd.probesSent, config.retries2)), snd.rtt.maxRto);

/**
 * SHLD-29, SHLD-30: the first probe is sent after one RTO, then the interval doubles. It does not
 * exceed the user timeout.
 */
export function persistInterval(c: Tcb, now: Micros): Micros {
  const wait =
    c.snd.droppedHere && c.snd.probesUnanswered > 0 ? TCP_RESOURCE_PROBE_INTERVAL : persistWait(c);
  if (c.userTimeout === 0 || hasJustBegun(c.snd)) return wait;
  return Math.max(1, Math.min(wait, c.snd.probingSince + c.userTimeout - now));
}

/**
 * Keep-alive (RFC 9293 section 3.8.4). MUST-26: a probe is sent only if nothing is in flight and
 * nothing was received for the interval.
 */
function keepAliveTimeout(c: Tcb, now: Micros): void {
  const { snd } = c;
  const busy = snd.flight > 0 || snd.unsent > 0;
  const idleUntil = c.lastReceivedAt + c.keepAliveIdle;
  if (busy || now < idleUntil) {
    c.setTimer(Timer.keepAlive, busy ? now + c.keepAliveIdle : idleUntil, now);
    return;
  }
  const silent = now - c.lastReceivedAt;
  const dead =
    c.userTimeout > 0 ? silent >= c.userTimeout : c.keepAliveUnanswered >= c.keepAliveProbes;
  if (dead && c.keepAliveUnanswered > 0) {
    // As in Linux: a RST tells the peer, in case it is still alive.
    oweReset(c);
    giveUp(c, 'keep-alive-unanswered', now);
    return;
  }
  c.keepAliveUnanswered++;
  c.owed.probe = true;
  c.env.counters.TcpExtTCPKeepAlive++;
  c.setTimer(Timer.keepAlive, now + c.keepAliveInterval, now);
}

/**
 * Aborts an orphan whose peer accepts nothing if the stack needs the room. Returns true if it did.
 */
function makesRoom(c: Tcb, now: Micros): boolean {
  if (!c.rcv.orphaned || !c.env.memory.wantsOrphansBack) return false;
  c.env.counters.TcpExtTCPAbortOnMemory++;
  abort(c, now, 'orphan-limit');
  return true;
}

/**
 * Ends the connection with the last ICMP error, or else ETIMEDOUT. As in Linux no RST is sent: a
 * peer that is alive gets one when it sends again.
 */
function giveUp(c: Tcb, cause: Cause, now: Micros): void {
  c.env.counters.TcpExtTCPAbortOnTimeout++;
  c.finish(c.icmpError ?? 'ETIMEDOUT', cause, now);
}
