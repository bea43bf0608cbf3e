/** Invariants that hold for a connection between two steps. Tests check them after each step. */
import { NEVER } from '../base/time.js';
import { CaState } from './congestion/ack-sample.js';
import { isWatched } from './recovery/rto.js';
import { State } from './state.js';
import type { Tcb } from './tcb.js';
import { Timer } from './timers.js';

/** Returns null, or the broken invariant as text. For tests. */
export function checkInvariants(c: Tcb): string | null {
  if (c.state === State.closed || c.state === State.timeWait) {
    if (c.timers.next() !== NEVER) return 'a timer is armed in CLOSED';
    return c.snd.buffer.length === 0 ? null : 'a send buffer is held in CLOSED';
  }
  const next = c.timers.next();
  if (next !== NEVER && !Number.isInteger(next))
    return `a deadline of ${next} us is not a whole number`;
  return c.snd.checkInvariants() ?? c.rcv.checkInvariants() ?? checkWatch(c);
}

/**
 * Data in flight needs an armed timer, or the connection could hang. The exception is output that
 * is still due, because it arms the timer.
 */
function checkWatch(c: Tcb): string | null {
  const { timers, snd } = c;
  const { out, lostOut, retransOut } = snd.sent;
  if (out === 0 || c.isOpening || c.owed.lossProbe || lostOut > retransOut) return null;
  if (snd.recovery.state >= CaState.recovery && timers.isArmed(Timer.tlp))
    return 'a loss probe is due in loss recovery';
  return isWatched(c.snd) ? null : 'data is in flight, and no timer is armed';
}
