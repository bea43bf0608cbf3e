/**
 * An ICMP error for one of our segments: RFC 9293 section 3.9.2.2, RFC 5461, RFC 5927. In a
 * synchronized state it is only a soft error (MUST-56), because an attacker can forge it. In
 * SYN-SENT it ends the attempt, as in Linux.
 */
import type { Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Tcb } from './tcb.js';
import { quotesFlight } from './path-mtu.js';
import { armRto } from './recovery/rto.js';
import { State } from './state.js';

/**
 * The fields that TCP needs. (Packet Too Big concerns the path rather than the connection:
 * path-mtu.ts.)
 */
export interface TcpIcmpError {
  /** Linux's errno; '' for an error to be ignored (source quench, MUST-55). */
  readonly errno: string;
  readonly type: number;
  readonly code: number;
  /** The sequence number in the quoted segment. */
  readonly seq: Seq;
  /** Port and protocol unreachable are hard in Linux (refused); other errors may be temporary. */
  readonly hard: boolean;
  /** It ends a half-open connection in Linux. */
  readonly endsHalfOpen: boolean;
  /** A router has no route to the destination (RFC 6069 section 3). */
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
 * As in Linux, a passive Fast Open that the user has accepted counts as connected. Until it is
 * accepted any error ends it.
 */
function endsOpening(c: Tcb, e: TcpIcmpError): boolean {
  if (c.fastOpen?.accepted === true) return c.user === null;
  return e.hard || c.config.icmpAbortsSynSent;
}

/** Passive, and only a SYN,ACK was sent. No user has the connection. */
export const isHalfOpen = (c: Tcb): boolean =>
  c.state === State.synReceived && c.passive && c.fastOpen?.accepted !== true;

/**
 * Our SYN,ACK did not arrive. As in Linux the connection ends (tcp_req_err); the peer may send
 * another SYN.
 */
function halfOpenFails(c: Tcb, e: TcpIcmpError, now: Micros): void {
  if (!(c.config.icmpAbortsSynSent ? e.endsHalfOpen : e.hard)) return;
  c.env.counters.TcpExtListenDrops++;
  c.finish(null, 'icmp-error', now);
}

/**
 * RFC 6069: the path was down, so the last timeout was not caused by congestion and one doubling of
 * the RTO is undone.
 */
function takeBackBackoff(c: Tcb, seq: Seq, now: Micros): void {
  const { snd } = c;
  if (seq !== snd.una || snd.timeouts === 0 || snd.rtt.backoff === 0) return;
  snd.rtt.backoff--;
  armRto(snd, Math.max(1, snd.sent.first!.sentAt + snd.rtt.rto - now), now);
}
