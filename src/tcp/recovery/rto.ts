/**
 * The retransmission timer (RFC 6298). It is armed for a whole RTO, or for the rest of one after
 * the tail loss probe or the reordering timer had replaced it. Its length is `rto` in send/rtt.ts.
 */
import type { Micros } from '../../base/time.js';
import type { Sender } from '../send/sender.js';
import { Timer } from '../timers.js';

/** True if the RTO, the tail loss probe or the reordering timer is armed. */
export const isWatched = ({ port }: Sender): boolean => port.timers.retransmit.armed !== null;

/** Linux's tcp_rearm_rto: arms the RTO, for the rest of it if it replaces another timer. */
export function rearmRto(snd: Sender, now: Micros): void {
  const { sent, rtt } = snd;
  const { armed } = snd.port.timers.retransmit;
  // Before the SYN is acknowledged, its own RTO covers all that is in flight.
  if (sent.out === 0 || snd.synUnacked) return;
  if (armed === Timer.tlp || armed === Timer.reorder) resumeRto(snd, now);
  else armRto(snd, rtt.rto, now);
}

/** Arms the RTO for the time when it would expire if no other timer had replaced it. */
export function resumeRto(snd: Sender, now: Micros): void {
  armRto(snd, Math.max(snd.sent.first!.sentAt + snd.rtt.rto - now, 1), now);
}

/** Arms the RTO. It never expires after the user timeout, which ends the connection. */
export function armRto(snd: Sender, wait: Micros, now: Micros): void {
  let deadline = now + wait;
  if (snd.port.userTimeout > 0 && snd.retransmittingSince > 0)
    deadline = Math.max(
      now + 1,
      Math.min(deadline, snd.retransmittingSince + snd.port.userTimeout),
    );
  snd.port.setTimer(Timer.rto, deadline, now);
}
