/**
 * Copies bytes between slabs. `Uint8Array.set` wants a view of the source, and making one costs
 * more than moving a header byte by byte, so short runs are moved here.
 */
import type { Slab } from './slab.js';

/** Up to here a loop beats the view (Node 20, x64). */
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

/** The same between any bytes. */
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

/** A copy of `slab[offset, offset + length)` that nobody else knows. */
export function copyOf(slab: Slab, offset: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(slab.bytes.subarray(offset, offset + length));
  return copy;
}
