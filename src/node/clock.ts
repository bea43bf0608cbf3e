/** The machine's monotone clock, in the core's whole microseconds. */
import { performance } from 'node:perf_hooks';
import type { Micros } from '../base/time.js';

/**
 * A setting of the wall clock does not move it. Rounded down here, once: so the differences of two
 * times are whole, too.
 */
export const monotonicClock = (): Micros => Math.floor(performance.now() * 1000);
