/** The machine's monotone clock, in the core's whole microseconds. */
import { performance } from 'node:perf_hooks';
import type { Micros } from '../base/time.js';

/**
 * A change of the wall clock does not affect it. The time is rounded down here, so that differences
 * of times are whole too.
 */
export const monotonicClock = (): Micros => Math.floor(performance.now() * 1000);

/** Microseconds from 1970 to the zero of `clock`, for what shows the time of day. */
export const epochOf = (clock: () => Micros): Micros => Date.now() * 1000 - clock();
