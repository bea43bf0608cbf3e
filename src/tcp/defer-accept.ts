/**
 * TCP_DEFER_ACCEPT: a server accepts a connection only once it has data to read. Linux counts the
 * given time in SYN,ACKs: the number that would be sent, with backoff, until it is over.
 *
 *     SYN,ACK ── 1 s ── SYN,ACK ──── 2 s ──── SYN,ACK ──────── 4 s ────────
 *                       1 (1 s)               2 (3 s)                    3 (7 s)
 */
import { MINUTE, SECOND, type Micros } from '../base/time.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';

const LONGEST: Micros = 2 * MINUTE;
const MOST_RETRANSMISSIONS = 255;

/** The number of SYN,ACKs that `wait` corresponds to, rounded up, 0 to 255. */
export function deferredSynAcks(wait: Micros): number {
  if (wait <= 0) return 0;
  let count = 1;
  for (
    let interval = SECOND, total = interval;
    wait > total && count < MOST_RETRANSMISSIONS;
    count++
  ) {
    interval = Math.min(2 * interval, LONGEST);
    total += interval;
  }
  return count;
}

/** As getsockopt(TCP_DEFER_ACCEPT): the time that this number of SYN,ACKs takes. */
export function deferredTime(wait: Micros): Micros {
  let total = 0;
  let interval = SECOND;
  for (let i = deferredSynAcks(wait); i > 0; i--) {
    total += interval;
    interval = Math.min(2 * interval, LONGEST);
  }
  return total;
}

/**
 * True if `seg` would establish `c` with nothing to read before the time is over. The segment is
 * then noted and ignored.
 */
export function defersAccept(c: Tcb, seg: Segment): boolean {
  const { deferAccept } = c.config;
  if (deferAccept === 0 || seg.payloadBytes > 0 || seg.has(TcpFlag.FIN | TcpFlag.SYN)) return false;
  if (seg.seq !== c.rcv.nxt || seg.ack !== c.snd.nxt || c.synTries >= deferredSynAcks(deferAccept))
    return false;
  c.deferredAck = true;
  return true;
}
