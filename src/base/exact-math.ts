/**
 * Functions whose result is the same to the last bit on every engine. ECMAScript leaves the last
 * bits of `**`, `Math.cbrt`, `Math.log2` and their like to the engine. A recording must replay
 * anywhere, so the core does not use those (a lint rule), but these, which consist of IEEE 754
 * operations that are exact or correctly rounded.
 */

/** `value` times two to the power of `times`, a whole number; exact, or Infinity. */
export function doubled(value: number, times: number): number {
  let result = value;
  for (let i = 0; i < times && result !== Infinity; i++) result *= 2;
  return result;
}

/** The smallest power of two that is at least `n`: whole `n` from 1 to 2^31. */
export const roundUpPowerOfTwo = (n: number): number =>
  n <= 1 ? 1 : doubled(1, 32 - Math.clz32(n - 1));

/** The cube root of a positive finite number, within two units in the last place. */
export function cubeRoot(x: number): number {
  if (!(x > 0)) return 0;
  // x = m * 8^e with m in [1, 8), so that its root is in [1, 2) times 2^e.
  let m = x;
  let scale = 1;
  for (; m >= 8; m /= 8) scale *= 2;
  for (; m < 1; m *= 8) scale /= 2;
  // Newton's iteration. Each step doubles the number of correct bits.
  let root = 1 + (m - 1) / 7;
  for (let i = 0; i < NEWTON_STEPS; i++) root -= (root - m / (root * root)) / 3;
  return root * scale;
}

/** Enough from the first guess, whose error is below 0.17, to 53 bits. */
const NEWTON_STEPS = 5;
