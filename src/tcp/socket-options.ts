/** Socket options that take more than one line; connection.ts documents each call. */
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import { isSynchronized, State } from './state.js';
import { atMost, type Tcb } from './tcb.js';
import { Timer } from './timers.js';
import { MAX_TCP_WINDOW, TCP_MIN_MSS, TCP_RTO_MAX, TCP_RTO_MAX_MIN } from './linux-constants.js';

export function setNoDelay(c: Tcb, on: boolean): void {
  c.snd.noDelay = on;
  if (on) c.snd.flush = true;
}

export function setCork(c: Tcb, on: boolean): void {
  c.snd.cork = on;
  if (!on && c.snd.noDelay) c.snd.flush = true;
}

export function setQuickAck(c: Tcb, on: boolean): void {
  const { rcv } = c;
  rcv.ack.setQuick(on);
  if (on && rcv.ack.owed && (c.state === State.established || c.state === State.closeWait))
    rcv.ackNow = true;
}

export function setMaxSegment(c: Tcb, bytes: Bytes): void {
  if (bytes !== 0 && !(bytes >= TCP_MIN_MSS && bytes <= MAX_TCP_WINDOW)) {
    throw new RangeError(
      `TCP_MAXSEG is ${TCP_MIN_MSS} to ${MAX_TCP_WINDOW}, or 0 for none: ${bytes}`,
    );
  }
  if (c.snd.nxt !== c.snd.iss) return;
  c.userMss = bytes;
  c.advertisedMss = atMost(bytes, c.routeMss);
  c.rcv.announceMss(c.advertisedMss);
}

export function setKeepAlive(
  c: Tcb,
  on: boolean,
  now: Micros,
  idle?: Micros,
  interval?: Micros,
  probes?: number,
): void {
  const already = c.keepAlive;
  c.keepAlive = on;
  if (idle !== undefined) c.keepAliveIdle = idle;
  if (interval !== undefined) c.keepAliveInterval = interval;
  if (probes !== undefined) c.keepAliveProbes = probes;
  if (!on || !isSynchronized(c.state)) c.timers.stop(Timer.keepAlive);
  else if (!already) c.armKeepAlive(now);
  // as in Linux: idle time before this call counts
  else if (idle !== undefined) c.armKeepAlive(now, c.lastReceivedAt);
}

export function setMaxRto(c: Tcb, most: Micros): void {
  if (!(most >= TCP_RTO_MAX_MIN && most <= TCP_RTO_MAX))
    throw new RangeError(
      `TCP_RTO_MAX_MS is ${TCP_RTO_MAX_MIN / 1000} to ${TCP_RTO_MAX / 1000} ms: ${most / 1000}`,
    );
  c.snd.rtt.maxRto = most;
}
