/** The result of a script. */
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
  /** Differences that `--non_fatal` allows. */
  readonly warnings: readonly Warning[];
  /** Output of the script's code. */
  readonly printed: readonly string[];
  /** The last packets before the failure, oldest first, as tcpdump would show them. */
  readonly packets: readonly string[];
  /** The control block at the end, or null. */
  readonly tcb: object | null;
  /** All packets in both directions, for a capture. */
  readonly log: readonly WirePacket[];
  /** The script's time 0 on the target's clock. */
  readonly start: Micros;
}

/**
 * A difference from the script after which it continues, because of `--non_fatal`.
 */
export interface Warning {
  readonly place: Place;
  readonly reason: string;
  readonly differences: readonly Difference[];
}

/** Our stack's clock when a script begins. */
export const START: Micros = 1000 * SECOND;

/** Text for an unexpected error. It ends this script but not the following ones. */
export const faultText = (error: unknown): string =>
  `tcplab itself failed here; this is a bug of tcplab, not of the script: ${String(error)}`;

/** A difference from the script, which fails. */
export class Failure extends Error {
  readonly place: Place;
  readonly differences: readonly Difference[];

  constructor(place: Place, message: string, differences: readonly Difference[] = []) {
    super(message);
    this.place = place;
    this.differences = differences;
  }
}
