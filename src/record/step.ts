/** What a replay tells of a step. */
import type { Micros } from '../base/time.js';
import type { Connection } from '../tcp/connection.js';

/** A call into the stack, as it was replayed. */
export interface Played {
  /** What was called, with its arguments: `#0 send(120 bytes)`. */
  readonly text: string;
  /** The connection that was called; null if there is none. */
  readonly conn: Connection | null;
  /** The packet that came in; null for other calls. */
  readonly packet: Uint8Array | null;
  /** What the call threw; null for nothing. */
  readonly threw: string | null;
}

/** An input from outside while nothing else ran: a packet, a batch's end, a timeout, a call. */
export interface Step extends Played {
  /** From 2: step 1 is the construction of the stack. */
  readonly number: number;
  /** The name of the record (records.ts): `packet`, `onTimeout`, `send`, ... */
  readonly name: string;
  readonly now: Micros;
}
