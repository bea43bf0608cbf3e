/**
 * Reads and writes numbers in network byte order at any offset. 32-bit values are int32. Writing
 * uses the low bits of `v`.
 */
export const get16 = (b: Uint8Array, o: number): number => (b[o]! << 8) | b[o + 1]!;

export const get32 = (b: Uint8Array, o: number): number =>
  (b[o]! << 24) | (b[o + 1]! << 16) | (b[o + 2]! << 8) | b[o + 3]!;

export function put16(b: Uint8Array, o: number, v: number): void {
  b[o] = v >> 8;
  b[o + 1] = v;
}

export function put32(b: Uint8Array, o: number, v: number): void {
  b[o] = v >> 24;
  b[o + 1] = v >> 16;
  b[o + 2] = v >> 8;
  b[o + 3] = v;
}
