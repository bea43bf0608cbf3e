import type { Unit } from './units.js';

/**
 * Time in the core: whole microseconds since an arbitrary start, monotonic, always an argument. The
 * core never reads a clock (docs/architecture.md), so a test can let ten minutes pass at once.
 * An estimator (SRTT, a rate) may keep fractions of a microsecond; a deadline may not
 * (tcp/timer-table.ts).
 */
export type Micros = Unit<'Micros'>;

export const MICROSECOND = 1;
export const MILLISECOND = 1_000;
export const SECOND = 1_000_000;
export const MINUTE = 60_000_000;

/** The deadline of a timer that is not armed. */
export const NEVER: Micros = Infinity;

/** The time of an event that has not happened yet: earlier than every other time. */
export const LONG_AGO: Micros = -Infinity;

/** A deadline that is due already. Time in the core starts at 0 and is never negative. */
export const AT_ONCE: Micros = 0;
