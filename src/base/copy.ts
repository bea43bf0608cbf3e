/**
 * Copies bytes between slabs. `Uint8Array.set` needs a view of the source, and making one costs
 * more than moving a header byte by byte, so short runs are copied in a loop.
 */
import type { Slab } from './slab.js';

/** Up to this length, in bytes, the loop is faster than making a view (Node 20, x64). */
const SHORT = 96;

export function copyBytes(
  from: Slab,
  fromOffset: number,
  to: Slab,
  toOffset: number,
  length: number,
): void {
  copyRange(from.bytes, fromOffset, to.bytes, toOffset, length);
}

/** The same between plain byte arrays. */
export function copyRange(
  from: Uint8Array,
  fromOffset: number,
  to: Uint8Array,
  toOffset: number,
  length: number,
): void {
  if (length > SHORT) to.set(from.subarray(fromOffset, fromOffset + length), toOffset);
  else for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
}

/** Copies `slab[offset, offset + length)` into a new array. */
export function copyOf(slab: Slab, offset: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(slab.bytes.subarray(offset, offset + length));
  return copy;
}
