import type { Random } from './random.js';

/** A random key of 16 bytes. */
export const randomKey = (random: Random): Uint8Array =>
  new Uint8Array(
    Int32Array.of(random.int32(), random.int32(), random.int32(), random.int32()).buffer,
  );

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a short, fast keyed hash that is unpredictable
 * without the key. Linux uses it for initial sequence numbers. Each 64-bit lane is two int32
 * halves, because JavaScript's BigInt is slow.
 */
export class SipHash {
  /** The two halves of the last result, int32. */
  lo = 0;
  hi = 0;
  private readonly k = new Int32Array(4);
  /** v0 to v3, low half first. */
  private readonly v = new Int32Array(8);

  /** `key`: 16 bytes from the system's random source. Throws RangeError for any other length. */
  constructor(key: Uint8Array) {
    if (key.length !== 16) throw new RangeError(`a SipHash key has 16 bytes, not ${key.length}`);
    const view = new DataView(key.buffer, key.byteOffset, 16);
    for (let i = 0; i < 4; i++) this.k[i] = view.getInt32(4 * i, true);
  }

  /** Hashes the first `count` words as little-endian bytes. The result is in `lo` and `hi`. */
  hash(words: Int32Array, count: number): void {
    const { k, v } = this;
    v[0] = 0x70736575 ^ k[0]!;
    v[1] = 0x736f6d65 ^ k[1]!;
    v[2] = 0x6e646f6d ^ k[2]!;
    v[3] = 0x646f7261 ^ k[3]!;
    v[4] = 0x6e657261 ^ k[0]!;
    v[5] = 0x6c796765 ^ k[1]!;
    v[6] = 0x79746573 ^ k[2]!;
    v[7] = 0x74656462 ^ k[3]!;
    let i = 0;
    for (; i + 1 < count; i += 2) this.absorb(words[i]!, words[i + 1]!);
    // The last block: the remaining word, and the length in bytes modulo 256 in the top byte.
    this.absorb(i < count ? words[i]! : 0, ((4 * count) & 0xff) << 24);
    v[4] ^= 0xff;
    for (let round = 0; round < 4; round++) sipRound(v);
    this.lo = v[0] ^ v[2] ^ v[4] ^ v[6];
    this.hi = v[1] ^ v[3] ^ v[5] ^ v[7];
  }

  private absorb(lo: number, hi: number): void {
    const { v } = this;
    v[6]! ^= lo;
    v[7]! ^= hi;
    sipRound(v);
    sipRound(v);
    v[0]! ^= lo;
    v[1]! ^= hi;
  }
}

/** v[a] += v[b], as 64-bit lanes. */
function add(v: Int32Array, a: number, b: number): void {
  const lo = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a + 1] = v[a + 1]! + v[b + 1]! + (lo > 0xffffffff ? 1 : 0);
  v[a] = lo;
}

/** v[a] = rotl(v[a], n) ^ v[b], n below 32. */
function rotateXor(v: Int32Array, a: number, n: number, b: number): void {
  const lo = v[a]!;
  const hi = v[a + 1]!;
  v[a] = ((lo << n) | (hi >>> (32 - n))) ^ v[b]!;
  v[a + 1] = ((hi << n) | (lo >>> (32 - n))) ^ v[b + 1]!;
}

/** Rotates by 32: swaps the halves. */
function exchange(v: Int32Array, a: number): void {
  const lo = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = lo;
}

function sipRound(v: Int32Array): void {
  add(v, 0, 2);
  rotateXor(v, 2, 13, 0);
  exchange(v, 0);
  add(v, 4, 6);
  rotateXor(v, 6, 16, 4);
  add(v, 0, 6);
  rotateXor(v, 6, 21, 0);
  add(v, 4, 2);
  rotateXor(v, 2, 17, 4);
  exchange(v, 4);
}
