/**
 * A queue on this machine takes nothing (`SegmentSink.dropsAll`), and the sender knows it at once: that is no loss on the path.
 * As in Linux what was to be sent again, and data that is new, stays where it is and is tried again after half a second,
 * with no backoff. SYNs, ACKs and RSTs are lost like any on the wire.
 */
import { MILLISECOND, type Micros } from '../../base/time.js';
import type { Tcb } from '../tcb.js';
import { enterCwr } from '../recovery/recovery.js';
import { armRto } from '../recovery/retransmit-timer.js';
import { Timer } from '../timers.js';

/** Linux's TCP_RESOURCE_PROBE_INTERVAL. */
export const LOCAL_RETRY: Micros = 500 * MILLISECOND;

/** New data did not leave. With nothing in flight the persist timer tries it again. */
export function newDataDropped(c: Tcb, now: Micros): void {
  c.snd.droppedHere = true;
  enterCwr(c, now, 'local');
}

/** Nor did a retransmission. When it was a timeout's, the next try is early, and the timeout was not the path's. */
export function resendDropped(c: Tcb, now: Micros): void {
  const { snd, timers, env } = c;
  env.counters.TcpExtTCPRetransFail++;
  enterCwr(c, now, 'local');
  if (timers.isArmed(Timer.rto)) return;
  if (snd.rtt.backoff > 0) snd.rtt.backoff--;
  armRto(c, LOCAL_RETRY, now);
}

/** Nor did a zero-window probe, or a keep-alive: the peer cannot be blamed for its silence. */
export function probeDropped(c: Tcb, now: Micros): void {
  const { snd } = c;
  if (snd.unsent > 0 || snd.isFinOwed) {
    snd.droppedHere = true;
    snd.probesSent--;
  } else if (c.keepAliveUnanswered > 0) {
    c.keepAliveUnanswered--;
    c.setTimer(Timer.keepAlive, now + LOCAL_RETRY, now);
  }
}
