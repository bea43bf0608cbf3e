import { SECOND, type Micros } from '../base/time.js';

/** Seconds and nanoseconds, as captures count, of microseconds since 1970. */
export function captureTime(time: Micros): { readonly seconds: number; readonly nanos: number } {
  const seconds = Math.floor(time / SECOND);
  return { seconds, nanos: Math.floor((time - seconds * SECOND) * 1000) };
}
