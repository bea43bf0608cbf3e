/**
 * Which timer watches over what is in flight: the tail loss probe's, when it is time for one, else the retransmission timer. As in Linux
 * never both: the probe's timer is never later, and the other is armed when it has fired.
 */
import type { Micros } from '../../base/time.js';
import type { Tcb } from '../tcb.js';
import { scheduleLossProbe } from './loss-probe.js';
import { Timer } from '../timers.js';

/** Something new was acknowledged (RFC 6298 5.3): the watch begins anew. */
export function restartWatch(c: Tcb, now: Micros): void {
  if (c.snd.sent.out === 0) {
    c.stopTimer(Timer.rto, now);
    c.stopTimer(Timer.tlp, now);
    c.stopTimer(Timer.reorder, now);
    return;
  }
  if (scheduleLossProbe(c, true, now)) return;
  rearmRto(c, now);
}

/** Some timer will see to what is in flight. */
export const isWatched = ({ timers }: Tcb): boolean =>
  timers.isArmed(Timer.rto) || timers.isArmed(Timer.tlp) || timers.isArmed(Timer.reorder);

/** After the probe's or the reordering timer the retransmission timer takes over, for the time that is left of it. */
export function rearmRto(c: Tcb, now: Micros): void {
  const { sent, rtt } = c.snd;
  if (sent.out === 0 || c.snd.synUnacked) return; // before the SYN is acknowledged its timer watches over all
  let wait = rtt.rto;
  if (c.timers.isArmed(Timer.tlp) || c.timers.isArmed(Timer.reorder)) wait = sent.first!.sentAt + rtt.rto - now;
  c.stopTimer(Timer.tlp, now);
  armRto(c, Math.max(wait, 1), now);
}

/** The probe's timer expired and nothing was sent: the retransmission timer is due when it would have been. */
export function resumeRto(c: Tcb, now: Micros): void {
  armRto(c, Math.max(c.snd.sent.first!.sentAt + c.snd.rtt.rto - now, 1), now);
}

/** With a user timeout never beyond the moment when that ends the connection. */
export function armRto(c: Tcb, wait: Micros, now: Micros): void {
  const { snd } = c;
  let deadline = now + wait;
  if (c.userTimeout > 0 && snd.retransmittingSince > 0)
    deadline = Math.max(now + 1, Math.min(deadline, snd.retransmittingSince + c.userTimeout));
  c.setTimer(Timer.rto, deadline, now);
}
