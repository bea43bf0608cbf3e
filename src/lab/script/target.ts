/**
 * The interface that a script is played against: our stack in virtual time (stack-target.ts), or a
 * kernel's sockets in real time (test/script-kernel).
 */
import type { Micros } from '../../base/time.js';
import type { Slab } from '../../base/slab.js';
import type { Address } from '../../ip/address.js';
import type { Call } from './ast.js';
import type { Setting } from './commands.js';
import type { Counters } from './counters.js';
import type { Names } from './python.js';
import type { Attempt } from './socket.js';
import type { DecodedTcp } from './decode.js';
import type { WirePacket } from './wire.js';

export interface Target {
  /** The target's clock in microseconds; virtual time changes only in `pass`. */
  readonly now: Micros;
  readonly local: Address;
  readonly remote: Address;
  /** Microseconds by which an event may be seen too late; 0 in virtual time. */
  readonly settle: Micros;
  /** Packets sent and not yet checked, oldest first; the runner removes them. */
  readonly sent: WirePacket[];
  /** All packets in both directions. */
  readonly log: readonly WirePacket[];
  /**
   * Lets time pass until the next event, but at most until `to`. Returns false if there was no
   * event and it is `to` now.
   */
  pass(to: Micros): boolean;
  /** Injects an IP packet from the script's side. */
  inject(slab: Slab): void;
  /** Starts a system call. Throws Unsupported if the target does not support it. */
  start(call: Call): Attempt;
  /**
   * Applies the settings of commands in back-quotes, except time and counters. Throws Unsupported
   * if the target does not support one.
   */
  configure(settings: readonly Setting[]): void;
  /** Counters by nstat's names; null if the target has none. */
  counters(): Counters | null;
  /** TCP_INFO of the connection that the script used last; null if there is none. */
  tcpInfo(): Names | null;
  /** The port on which the script listens; 8080 unless it bound another port. */
  listeningPort(): number;
  /** The MSS that limits this segment's payload and options; 0 if it is not known. */
  mssOf(t: DecodedTcp): number;
  /** The control block, printed after a failure. */
  tcb(): object | null;
}
