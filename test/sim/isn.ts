/**
 * Sets initial sequence numbers for tests, so that sequence numbers wrap at a known place. RFC
 * 6528's hash would make that place random.
 */
import type { Seq } from '../../src/base/seq.js';
import type { Micros } from '../../src/base/time.js';
import type { Stack } from '../../src/stack/stack.js';

/** RFC 6528's clock: a tick each 4 us, which is added to the hash. */
const MICROS_PER_TICK = 4;

/**
 * From now on every connection of `stack` begins at `isn`; the connections of one test run must
 * have ports of their own.
 */
export function fixIsn(stack: Stack, isn: Seq, now: () => Micros): void {
  const keyed = stack.tcp['connections']['keyed'];
  Object.defineProperty(keyed, 'lo', {
    get: () => (isn - Math.floor(now() / MICROS_PER_TICK)) | 0,
  });
}
