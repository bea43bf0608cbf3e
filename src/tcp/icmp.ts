/**
 * An ICMP error about one of our segments: RFC 9293 section 3.9.2.2, RFC 5461, RFC 5927. What it may do depends on the state: in a
 * synchronized one it is a hint and no more (MUST-56), since anybody can send it; in SYN-SENT it ends the attempt, as in Linux.
 */
import type { Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Connection } from './connection.js';
import { quotesFlight } from './path-mtu.js';
import { State } from './state.js';

/** What TCP needs to know of it. (A packet that was too big is news of the path, not of the connection: path-mtu.ts.) */
export interface TcpIcmpError {
  /** The errno that Linux gives for it; '' for one that is to be ignored (source quench, MUST-55). */
  readonly errno: string;
  readonly type: number;
  readonly code: number;
  /** The sequence number in the quoted segment. */
  readonly seq: Seq;
  /** Linux takes port and protocol unreachable for a refusal and the others for a condition that may pass. */
  readonly hard: boolean;
}

export function icmpErrorArrives(c: Connection, e: TcpIcmpError, now: Micros): void {
  if (e.errno === '') return;
  if (!quotesFlight(c, e.seq)) return;
  if (c.isOpening && endsOpening(c, e)) {
    c.finish(e.errno, 'ICMP error before the connection was established (RFC 5461)', now);
    return;
  }
  c.note('soft-error', e.type, e.code, now);
  c.reportSoftError(e.errno);
}

/** As in Linux, a Fast Open whose user has the connection is a connected one; while it waits to be accepted any error ends it. */
function endsOpening(c: Connection, e: TcpIcmpError): boolean {
  if (c.fastOpen?.accepted === true) return c.user === null;
  return e.hard || (c.config.icmpAbortsSynSent && c.state === State.synSent);
}
