/** The machine's monotone clock, in the core's microseconds. */
import { performance } from 'node:perf_hooks';
import type { Micros } from '../base/time.js';

/** A setting of the wall clock does not move it. */
export const monotonicClock = (): Micros => performance.now() * 1000;
