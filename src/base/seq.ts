import type { Unit } from './units.js';

/**
 * Sequence-number arithmetic, RFC 9293 section 3.4: numbers modulo 2^32, compared within half the
 * space.
 *
 * A sequence number is an int32 (`| 0`), never a uint32: int32 values are V8's small integers, so
 * they cost no allocation. Print one with `>>> 0`. `<` on sequence numbers is a bug (2^31 - 1 is
 * followed by -2^31): compare with these.
 */
export type Seq = Unit<'Seq'>;

/** `a + n` modulo 2^32. `n` may be negative. */
export const seqAdd = (a: Seq, n: number): Seq => (a + n) | 0;

/** How far `a` is ahead of `b`: -2^31 .. 2^31 - 1. */
export const seqDiff = (a: Seq, b: Seq): number => (a - b) | 0;

export const seqLt = (a: Seq, b: Seq): boolean => ((a - b) | 0) < 0;
export const seqLeq = (a: Seq, b: Seq): boolean => ((a - b) | 0) <= 0;
export const seqGt = (a: Seq, b: Seq): boolean => ((a - b) | 0) > 0;
export const seqGeq = (a: Seq, b: Seq): boolean => ((a - b) | 0) >= 0;
export const seqMax = (a: Seq, b: Seq): Seq => (((a - b) | 0) > 0 ? a : b);
export const seqMin = (a: Seq, b: Seq): Seq => (((a - b) | 0) < 0 ? a : b);

/** `a` lies in `[low, high)`, the interval taken forward from `low`. */
export const seqInRange = (a: Seq, low: Seq, high: Seq): boolean =>
  (a - low) >>> 0 < (high - low) >>> 0;
