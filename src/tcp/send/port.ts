/**
 * What the sending half asks of the connection that it is half of. The Tcb is one; a test's may be
 * a few lines.
 */
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import type { NoteTaker } from '../notes.js';
import type { TcpStats } from '../stats.js';
import type { Timers } from '../timer-table.js';
import type { Timer } from '../timers.js';

export interface SenderPort {
  /** Read only: `setTimer` and `stopTimer` change the timers and tell the observer. */
  readonly timers: Timers;
  readonly stats: TcpStats;
  /** TCP_USER_TIMEOUT; 0 for none. */
  readonly userTimeout: Micros;
  /** The handshake is under way. */
  readonly isOpening: boolean;

  /** Null without an observer: no note is made then. */
  readonly observed: NoteTaker | null;

  setTimer(timer: Timer, deadline: Micros, now: Micros): void;
  stopTimer(timer: Timer, now: Micros): void;
  /**
   * SND.UNA moved over `bytes` of data and FIN; `syn`: and over our SYN. `lentBack`: some of it was
   * the caller's memory. Before recovery judges the ACK and congestion control moves cwnd.
   */
  acknowledged(bytes: Bytes, syn: boolean, lentBack: boolean): void;
}
