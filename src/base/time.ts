import type { Unit } from './units.js';

/**
 * Time in the core: whole microseconds since a start of the owner's choice, monotone, always handed in. The core
 * never reads a clock (docs/architecture.md), so a test may let ten minutes pass in no time at all.
 */
export type Micros = Unit<'Micros'>;

export const MICROSECOND = 1;
export const MILLISECOND = 1_000;
export const SECOND = 1_000_000;
export const MINUTE = 60_000_000;

/** The deadline of a timer that is not armed. */
export const NEVER: Micros = Infinity;

/** The deadline of what is due already. Times in the core begin here: none is negative. */
export const AT_ONCE: Micros = 0;
