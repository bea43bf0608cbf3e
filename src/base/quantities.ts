/** Text for quantities with their units. */
import { MILLISECOND, SECOND, type Micros } from './time.js';
import type { Bytes, Segments } from './units.js';

/**
 * `350 us`, `1.2 ms`, `1 s`: at most three digits. The value is rounded before the unit is chosen,
 * so that 999.9996 ms becomes 1 s.
 */
export function durationText(us: Micros): string {
  const rounded = threeDigits(us);
  if (rounded < MILLISECOND) return `${rounded} us`;
  return threeDigits(us / MILLISECOND) < 1000
    ? `${threeDigits(us / MILLISECOND)} ms`
    : `${threeDigits(us / SECOND)} s`;
}

const threeDigits = (n: number): number => (n >= 100 ? Math.round(n) : Number(n.toPrecision(3)));

/** `1 byte`, `1448 bytes`. */
export const bytesText = (n: Bytes): string => countText(n, 'byte');

/** `1 segment`, `10 segments`. */
export const segmentsText = (n: Segments): string => countText(n, 'segment');

/** `1 request`, `2 requests`: a number of things, with their name in the singular. */
export const countText = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
