/** What came of a script. */
import { SECOND, type Micros } from '../../base/time.js';
import type { Place } from './ast.js';
import type { Difference } from './compare.js';
import type { WirePacket } from './wire.js';

export type Outcome = 'PASS' | 'FAIL' | 'SKIP';

export interface Verdict {
  readonly file: string;
  readonly outcome: Outcome;
  /** Why it failed or was skipped; '' for a pass. */
  readonly reason: string;
  readonly place: Place | null;
  readonly differences: readonly Difference[];
  /** What differed and was no failure, by `--non_fatal`. */
  readonly warnings: readonly Warning[];
  /** What the script's code printed. */
  readonly printed: readonly string[];
  /** The last packets before the failure, oldest first, as tcpdump would show them. */
  readonly packets: readonly string[];
  /** The control block at the end, or null. */
  readonly tcb: object | null;
  /** Everything that passed, for a capture. */
  readonly log: readonly WirePacket[];
  /** Where the script's time 0 lies on the target's clock. */
  readonly start: Micros;
}

/**
 * Something that came otherwise than the script says, where `--non_fatal` lets the script go on.
 */
export interface Warning {
  readonly place: Place;
  readonly reason: string;
  readonly differences: readonly Difference[];
}

/** Our stack's clock when a script begins. */
export const START: Micros = 1000 * SECOND;

/** An unexpected error, in words. It ends its script, never the scripts after it. */
export const faultText = (error: unknown): string =>
  `tcplab itself failed here, which is its fault and not the script's: ${String(error)}`;

/** Something came otherwise than the script says. */
export class Failure extends Error {
  readonly place: Place;
  readonly differences: readonly Difference[];

  constructor(place: Place, message: string, differences: readonly Difference[] = []) {
    super(message);
    this.place = place;
    this.differences = differences;
  }
}
