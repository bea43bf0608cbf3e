/**
 * Copies bytes between slabs. `Uint8Array.set` wants a view of the source, and making one costs more than moving a header
 * byte by byte, so short runs are moved here.
 */
import type { Slab } from './slab.js';

/** Up to here a loop beats the view (Node 20, x64). */
const SHORT = 96;

export function copyBytes(from: Slab, fromOffset: number, to: Slab, toOffset: number, length: number): void {
  const source = from.bytes;
  const target = to.bytes;
  if (length > SHORT) {
    target.set(source.subarray(fromOffset, fromOffset + length), toOffset);
    return;
  }
  for (let i = 0; i < length; i++) target[toOffset + i] = source[fromOffset + i]!;
}

/** A copy of `slab[offset, offset + length)` that nobody else knows. */
export function copyOf(slab: Slab, offset: number, length: number): Uint8Array {
  const copy = new Uint8Array(length);
  copy.set(slab.bytes.subarray(offset, offset + length));
  return copy;
}
