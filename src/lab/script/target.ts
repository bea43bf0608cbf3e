/**
 * What a script is played against. Our stack in virtual time is one (stack-target.ts); a kernel's
 * sockets in real time are another (test/script-kernel). The runner knows this much of them, and
 * treats them alike.
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
  /** Its clock, microseconds; it stands still in virtual time until `pass`. */
  readonly now: Micros;
  readonly local: Address;
  readonly remote: Address;
  /** So much later than it was due something may come to light, microseconds; 0 in virtual time. */
  readonly settle: Micros;
  /** Sent and not yet looked at, oldest first; the runner shifts. */
  readonly sent: WirePacket[];
  /** Everything that passed. */
  readonly log: readonly WirePacket[];
  /**
   * Lets time pass to the next thing that happens, and no later than `to`. False: it is `to` now,
   * and nothing more happens before.
   */
  pass(to: Micros): boolean;
  /** An IP packet from the script's side. */
  inject(slab: Slab): void;
  /** Starts a system call. Throws Unsupported for what it does not know. */
  start(call: Call): Attempt;
  /**
   * What commands in back-quotes ask for, but for time and counters. Throws Unsupported for what it
   * does not know.
   */
  configure(settings: readonly Setting[]): void;
  /** By nstat's names; null when they are not kept. */
  counters(): Counters | null;
  /** TCP_INFO of the connection that the script used last; null when there is none. */
  tcpInfo(): Names | null;
  /** Where the script listens; 8080 unless it bound another port. */
  listeningPort(): number;
  /** The MSS that bounds this segment's payload and options; 0 when it is not known. */
  mssOf(t: DecodedTcp): number;
  /** The control block, for a failure. */
  tcb(): object | null;
}
