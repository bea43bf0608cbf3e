/**
 * What a connection tells those who watch it: the second promise of the project. All of it is
 * optional and costs one comparison with null when nobody watches. Observers look and never touch:
 * a segment is valid during the call only.
 */
import type { Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import type { Cause } from './causes.js';
import type { Note } from './notes.js';
import type { State } from './state.js';
import type { Timer } from './timers.js';

export interface TcpObserver {
  /** A segment for this connection came in, before any step of RFC 9293 section 3.10.7. */
  segmentArrived(conn: Tcb, seg: Segment, now: Micros): void;
  /** The segment that arrived was not (wholly) used, for this reason. */
  segmentDropped(conn: Tcb, seg: Segment, reason: DropReason, now: Micros): void;
  /** A segment goes out; `again` when its sequence numbers were sent before. */
  segmentSent(conn: Tcb, seg: Segment, again: boolean, now: Micros): void;
  stateChanged(conn: Tcb, from: State, to: State, cause: Cause, now: Micros): void;
  /** Armed anew, to expire at `deadline`. */
  timerSet(conn: Tcb, timer: Timer, deadline: Micros, now: Micros): void;
  timerStopped(conn: Tcb, timer: Timer, now: Micros): void;
  timerExpired(conn: Tcb, timer: Timer, now: Micros): void;
  noted(conn: Tcb, note: Note, now: Micros): void;
}
