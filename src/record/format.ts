/**
 * The file around the records: magic, header, blocks (docs/recording.md).
 *
 *     file    magic (8 bytes), u32 length of the header, u32 hash of it, the header as JSON, blocks
 *     block   u32 length, u32 hash of the records, u32 hash of the two before, records
 *
 * Integers are little-endian. A block has whole steps only. So what a killed process or a full disk
 * leaves is whole blocks, and perhaps the first part of one more.
 */

/** "tcplab", the version of the format, a line feed. */
export const MAGIC = Uint8Array.of(0x74, 0x63, 0x70, 0x6c, 0x61, 0x62, 1, 0x0a);
export const VERSION_AT = 6;
export const FORMAT_VERSION = 1;
export const HEADER_AT = 16;
export const BLOCK_HEAD_BYTES = 12;
/** A step that needs more than this is no recording's. */
export const MOST_BLOCK_BYTES = 1 << 30;
/** A state hash is recorded each so many steps. */
export const STEPS_PER_HASH = 1000;

const PRIME = 0x01000193;
const BASIS = 0x811c9dc5 | 0;

/** One round of FNV-1a over a word instead of a byte. */
export const mix = (hash: number, word: number): number => Math.imul(hash ^ word, PRIME);

/**
 * Hash of `bytes[from, to)`: finds any change of one byte, because each step is a bijection. Four
 * lanes, because one would wait for each multiplication.
 */
export function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let a = BASIS;
  let b = a + 1;
  let c = a + 2;
  let d = a + 3;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  for (; at + 16 <= to; at += 16) {
    a = turn(a ^ view.getInt32(at, true));
    b = turn(b ^ view.getInt32(at + 4, true));
    c = turn(c ^ view.getInt32(at + 8, true));
    d = turn(d ^ view.getInt32(at + 12, true));
  }
  for (; at < to; at++) a = mix(a, bytes[at]!);
  return mix(mix(mix(mix(a, b), c), d), to - from) >>> 0;
}

/** A multiplication moves bits up only, so a rotation brings the upper ones down. */
function turn(x: number): number {
  const y = Math.imul(x, PRIME);
  return (y << 13) | (y >>> 19);
}
