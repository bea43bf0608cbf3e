/** When the zero of the stack's clock was, so that captures can show the time of day. */
import { monotonicClock } from '../../node/clock.js';

/** Microseconds from 1970 to the zero of `monotonicClock`. */
export const clockEpoch = (): number => Date.now() * 1000 - monotonicClock();
