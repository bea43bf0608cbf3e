import type { Unit } from './units.js';

/**
 * Sequence-number arithmetic (RFC 9293 section 3.4): modulo 2^32, and comparisons are valid within
 * half the space.
 *
 * A sequence number is an int32 (`| 0`), never a uint32, because V8 stores int32 values as small
 * integers without an allocation. Print one with `>>> 0`. Never use `<` on sequence numbers (2^31 -
 * 1 is followed by -2^31): compare with these functions.
 */
export type Seq = Unit<'Seq'>;

/** `a + n` modulo 2^32. `n` may be negative. */
export const seqAdd = (a: Seq, n: number): Seq => (a + n) | 0;

/** How far `a` is ahead of `b`: -2^31 to 2^31 - 1. */
export const seqDiff = (a: Seq, b: Seq): number => (a - b) | 0;

export const seqLt = (a: Seq, b: Seq): boolean => ((a - b) | 0) < 0;
export const seqLeq = (a: Seq, b: Seq): boolean => ((a - b) | 0) <= 0;
export const seqGt = (a: Seq, b: Seq): boolean => ((a - b) | 0) > 0;
export const seqGeq = (a: Seq, b: Seq): boolean => ((a - b) | 0) >= 0;
export const seqMax = (a: Seq, b: Seq): Seq => (((a - b) | 0) > 0 ? a : b);
export const seqMin = (a: Seq, b: Seq): Seq => (((a - b) | 0) < 0 ? a : b);

/** True if `a` lies in `[low, high)`, counted forward from `low`. */
export const seqInRange = (a: Seq, low: Seq, high: Seq): boolean =>
  (a - low) >>> 0 < (high - low) >>> 0;
