/**
 * Which timer watches over what is in flight: the tail loss probe's, when it is time for one, else
 * the retransmission timer. As in Linux never both: the probe's timer is never later, and the other
 * is armed when it has fired.
 */
import type { Micros } from '../../base/time.js';
import type { Sender } from '../send/sender.js';
import { scheduleLossProbe } from './loss-probe.js';
import { Timer } from '../timers.js';

/** Something new was acknowledged (RFC 6298 5.3): the watch begins anew. */
export function restartWatch(snd: Sender, now: Micros): void {
  if (snd.sent.out === 0) {
    snd.port.stopTimer(Timer.rto, now);
    snd.port.stopTimer(Timer.tlp, now);
    snd.port.stopTimer(Timer.reorder, now);
    return;
  }
  if (scheduleLossProbe(snd, true, now)) return;
  rearmRto(snd, now);
}

/** Some timer will see to what is in flight. */
export const isWatched = ({ port: { timers } }: Sender): boolean =>
  timers.isArmed(Timer.rto) || timers.isArmed(Timer.tlp) || timers.isArmed(Timer.reorder);

/**
 * After the probe's or the reordering timer the retransmission timer takes over, for the time that
 * is left of it.
 */
export function rearmRto(snd: Sender, now: Micros): void {
  const { sent, rtt } = snd;
  // before the SYN is acknowledged its timer watches over all
  if (sent.out === 0 || snd.synUnacked) return;
  let wait = rtt.rto;
  if (snd.port.timers.isArmed(Timer.tlp) || snd.port.timers.isArmed(Timer.reorder))
    wait = sent.first!.sentAt + rtt.rto - now;
  snd.port.stopTimer(Timer.tlp, now);
  armRto(snd, Math.max(wait, 1), now);
}

/**
 * The probe's timer expired and nothing was sent: the retransmission timer is due when it would
 * have been.
 */
export function resumeRto(snd: Sender, now: Micros): void {
  armRto(snd, Math.max(snd.sent.first!.sentAt + snd.rtt.rto - now, 1), now);
}

/** With a user timeout never beyond the moment when that ends the connection. */
export function armRto(snd: Sender, wait: Micros, now: Micros): void {
  let deadline = now + wait;
  if (snd.port.userTimeout > 0 && snd.retransmittingSince > 0)
    deadline = Math.max(
      now + 1,
      Math.min(deadline, snd.retransmittingSince + snd.port.userTimeout),
    );
  snd.port.setTimer(Timer.rto, deadline, now);
}
