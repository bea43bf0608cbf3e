/**
 * An ICMP error about one of our segments: RFC 9293 section 3.9.2.2, RFC 5461, RFC 5927. What it
 * may do depends on the state: in a synchronized one it is a hint and no more (MUST-56), since
 * anybody can send it; in SYN-SENT it ends the attempt, as in Linux.
 */
import type { Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Tcb } from './tcb.js';
import { quotesFlight } from './path-mtu.js';
import { armRto } from './recovery/retransmit-timer.js';
import { State } from './state.js';

/**
 * What TCP needs to know of it. (A packet that was too big is news of the path, not of the
 * connection: path-mtu.ts.)
 */
export interface TcpIcmpError {
  /**
   * The errno that Linux gives for it; '' for one that is to be ignored (source quench, MUST-55).
   */
  readonly errno: string;
  readonly type: number;
  readonly code: number;
  /** The sequence number in the quoted segment. */
  readonly seq: Seq;
  /**
   * Linux takes port and protocol unreachable for a refusal and the others for a condition that may
   * pass.
   */
  readonly hard: boolean;
  /** Linux lets it end a half-open connection. */
  readonly endsHalfOpen: boolean;
  /** A router has no way to the destination (RFC 6069 section 3). */
  readonly isPathDown: boolean;
}

export function icmpErrorArrives(c: Tcb, e: TcpIcmpError, now: Micros): void {
  if (e.errno === '') return;
  if (!quotesFlight(c, e.seq)) return;
  if (isHalfOpen(c)) {
    halfOpenFails(c, e, now);
    return;
  }
  if (c.isOpening && endsOpening(c, e)) {
    c.finish(e.errno, 'icmp-error', now);
    return;
  }
  if (e.isPathDown) takeBackBackoff(c, e.seq, now);
  c.observed?.note({ note: 'soft-error', type: e.type, code: e.code }, now);
  c.icmpError = e.errno;
  c.reportSoftError(e.errno);
}

/**
 * As in Linux, a Fast Open whose user has the connection is a connected one; while it waits to be
 * accepted any error ends it.
 */
function endsOpening(c: Tcb, e: TcpIcmpError): boolean {
  if (c.fastOpen?.accepted === true) return c.user === null;
  return e.hard || c.config.icmpAbortsSynSent;
}

/** Nothing but a SYN,ACK went out for it, and no user has it. */
export const isHalfOpen = (c: Tcb): boolean =>
  c.state === State.synReceived && c.passive && c.fastOpen?.accepted !== true;

/**
 * Our SYN,ACK did not get there. As in Linux the peer that had sent its SYN in good faith may send
 * another (tcp_req_err).
 */
function halfOpenFails(c: Tcb, e: TcpIcmpError, now: Micros): void {
  if (!(c.config.icmpAbortsSynSent ? e.endsHalfOpen : e.hard)) return;
  c.env.counters.TcpExtListenDrops++;
  c.finish(null, 'icmp-error', now);
}

/**
 * RFC 6069: the path was down, so the last timeout was not congestion's: its doubling is taken
 * back.
 */
function takeBackBackoff(c: Tcb, seq: Seq, now: Micros): void {
  const { snd } = c;
  if (seq !== snd.una || snd.timeouts === 0 || snd.rtt.backoff === 0) return;
  snd.rtt.backoff--;
  armRto(snd, Math.max(1, snd.sent.first!.sentAt + snd.rtt.rto - now), now);
}
