/** What came of a script. */
import { SECOND, type Micros } from '../base/time.js';
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
  /** The last packets before the failure, oldest first, as tcpdump would show them. */
  readonly packets: readonly string[];
  /** The control block at the end, or null. */
  readonly tcb: object | null;
  /** Everything that passed, for a capture. */
  readonly log: readonly WirePacket[];
  /** Where the script's time 0 lies on the target's clock. */
  readonly start: Micros;
}

/** Our stack's clock when a script begins. */
export const START: Micros = 1000 * SECOND;

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
