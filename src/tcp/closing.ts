/**
 * Closing from this side: CLOSE and ABORT (RFC 9293 sections 3.10.4 and 3.10.5) and close(2).
 * connection.ts documents each call.
 */
import type { Micros } from '../base/time.js';
import type { AbortCause } from './causes.js';
import { oweReset } from './reset.js';
import { State } from './state.js';
import type { Tcb } from './tcb.js';
import { Timer } from './timers.js';

export function shutdown(c: Tcb, now: Micros): void {
  switch (c.state) {
    case State.synSent:
      c.finish(null, 'close', now);
      return;
    case State.synReceived:
      // The FIN waits for the peer's ACK. RFC 9293 section 3.10.4 would also allow it now if
      // nothing was sent.
      c.closeQueued = true;
      return;
    case State.established:
      c.snd.finQueued = true;
      c.setState(State.finWait1, 'close', now);
      return;
    case State.closeWait:
      c.snd.finQueued = true;
      c.setState(State.lastAck, 'close', now);
      return;
    default: // section 3.10.4: the other states are closing already
  }
}

export function release(c: Tcb, now: Micros): void {
  if (c.state === State.closed || c.state === State.timeWait) {
    c.rcv.queue.clear();
    c.settleMemory();
    return;
  }
  if (c.rcv.queue.length > 0) {
    c.env.counters.TcpExtTCPAbortOnClose++;
    abort(c, now, 'close-unread');
    return;
  }
  if (c.linger === 0) {
    c.env.counters.TcpExtTCPAbortOnData++;
    abort(c, now, 'close-no-linger');
    return;
  }
  if (c.rcv.orphaned) return;
  if (!c.env.memory.mayOrphan(c.snd.buffer.length)) {
    c.env.counters.TcpExtTCPAbortOnMemory++;
    abort(c, now, 'close-no-room');
    return;
  }
  c.rcv.orphaned = true;
  c.env.memory.orphans++;
  c.rcv.queue.clear();
  c.settleMemory();
  shutdown(c, now);
  // As in Linux: with Fast Open the FIN does not wait for the peer's ACK here.
  if (c.fastOpen?.accepted === true) c.snd.finQueued = true;
  if (c.state === State.finWait2) orphanInFinWait2(c, now);
}

export function abort(c: Tcb, now: Micros, cause: AbortCause): void {
  if (c.state >= State.synReceived && c.state !== State.timeWait) {
    oweReset(c);
  }
  c.rcv.queue.clear();
  // Only this one is not the user's own doing.
  c.finish(cause === 'killed' ? 'ECONNABORTED' : null, cause, now);
  c.settleMemory();
}

/**
 * Our FIN is acknowledged and the connection is an orphan, so the wait for the peer's FIN is
 * limited (tcp_fin_timeout, TCP_LINGER2).
 */
export function orphanInFinWait2(c: Tcb, now: Micros): void {
  if (c.linger2 < 0) {
    c.env.counters.TcpExtTCPAbortOnLinger++;
    oweReset(c);
    c.finish(null, 'no-fin-wait-2', now);
    return;
  }
  const wait = c.linger2 > 0 ? c.linger2 : c.config.finTimeout;
  // As in Linux: at least 3.5 RTOs, which leave time for a retransmission of the peer's FIN.
  c.setTimer(Timer.finWait2, now + Math.max(wait, 3.5 * c.snd.rtt.rto), now);
}
