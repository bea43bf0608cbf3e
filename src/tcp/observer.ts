/**
 * What a connection reports to its observer. Reporting is optional and costs one comparison with
 * null without an observer. Observers only read, and a segment is valid only during the call.
 */
import type { Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import type { Cause } from './causes.js';
import type { Note } from './notes.js';
import type { State } from './state.js';
import type { Timer } from './timers.js';
import type { UserCall } from './user-call.js';

export interface TcpObserver {
  /** A segment for this connection arrived, before any step of RFC 9293 section 3.10.7. */
  segmentArrived(conn: Tcb, seg: Segment, now: Micros): void;
  /** The received segment, or part of it, was dropped for this reason. */
  segmentDropped(conn: Tcb, seg: Segment, reason: DropReason, now: Micros): void;
  /** A segment goes out; `again` if it repeats sequence numbers. */
  segmentSent(conn: Tcb, seg: Segment, again: boolean, now: Micros): void;
  stateChanged(conn: Tcb, from: State, to: State, cause: Cause, now: Micros): void;
  /** Armed or rearmed, to expire at `deadline`. */
  timerSet(conn: Tcb, timer: Timer, deadline: Micros, now: Micros): void;
  timerStopped(conn: Tcb, timer: Timer, now: Micros): void;
  timerExpired(conn: Tcb, timer: Timer, now: Micros): void;
  noted(conn: Tcb, note: Note, now: Micros): void;
  /**
   * The user called. Some calls do not say when: the time is that of the next event, at the latest
   * of the end of the turn.
   */
  called(conn: Tcb, call: UserCall): void;
}
