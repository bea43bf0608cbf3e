/** When the stack's clock began, for captures that show the time of day. */
import { monotonicClock } from '../../node/clock.js';

/** Microseconds from 1970 to the zero of `monotonicClock`. */
export const clockEpoch = (): number => Date.now() * 1000 - monotonicClock();
