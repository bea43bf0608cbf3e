/**
 * The Internet checksum: the one's complement of the one's complement sum of 16-bit words (RFC
 * 1071).
 *
 * The order of the words does not matter, and swapping the bytes of every word swaps the bytes of
 * the sum. So the sum is taken over little-endian 32-bit words, with their low and high halves
 * added separately, eight words per iteration, and its bytes are swapped once at the end. Sums in
 * this file's interface are folded to 16 bits and in network order; `~` turns a sum into a
 * checksum.
 */

/** Adds the carries back in: a non-negative int32 becomes a 16-bit one's complement sum. */
export function fold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/**
 * The sum of `view[offset, offset + length)` plus `initial` (a folded sum in network order).
 * `length` is at most 131,064 bytes. An odd last byte is padded with a zero byte.
 */
export function checksumAdd(
  view: DataView,
  offset: number,
  length: number,
  initial: number,
): number {
  let o = offset;
  const end = offset + length;
  let low = 0;
  let high = 0;
  for (const turnsEnd = end - 31; o < turnsEnd; o += 32) {
    const a = view.getInt32(o, true);
    const b = view.getInt32(o + 4, true);
    const c = view.getInt32(o + 8, true);
    const d = view.getInt32(o + 12, true);
    const e = view.getInt32(o + 16, true);
    const f = view.getInt32(o + 20, true);
    const g = view.getInt32(o + 24, true);
    const h = view.getInt32(o + 28, true);
    low += (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff);
    low += (e & 0xffff) + (f & 0xffff) + (g & 0xffff) + (h & 0xffff);
    high +=
      (a >>> 16) +
      (b >>> 16) +
      (c >>> 16) +
      (d >>> 16) +
      (e >>> 16) +
      (f >>> 16) +
      (g >>> 16) +
      (h >>> 16);
  }
  for (; o + 1 < end; o += 2) low += view.getUint16(o, true);
  if (o < end) low += view.getUint8(o);
  const sum = fold(fold(low) + fold(high));
  return fold((((sum & 0xff) << 8) | (sum >>> 8)) + initial);
}

/**
 * RFC 1624 equation 3: the checksum after a 16-bit word of the data changes from `before` to
 * `after`, HC' = ~(~HC + ~m + m'). (RFC 1141's equation 2 gets 0xffff wrong.)
 */
export const checksumUpdate = (checksum: number, before: number, after: number): number =>
  ~fold((~checksum & 0xffff) + (~before & 0xffff) + after) & 0xffff;

const words = (w: number): number => (w >>> 16) + (w & 0xffff);

/**
 * The part of the pseudo-header that is constant for a connection: addresses and protocol (RFC 9293
 * section 3.1, RFC 8200 section 8.1). It works for both families, because the 0xffff word of a
 * v4-mapped address is zero in one's complement arithmetic.
 */
export const pseudoHeaderSum = (
  s0: number,
  s1: number,
  s2: number,
  s3: number,
  d0: number,
  d1: number,
  d2: number,
  d3: number,
  protocol: number,
): number =>
  fold(
    fold(words(s0) + words(s1) + words(s2) + words(s3)) +
      fold(words(d0) + words(d1) + words(d2) + words(d3)) +
      protocol,
  );
