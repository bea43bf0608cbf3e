import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SipHash } from '../../src/base/siphash.js';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

/** The published results for the messages 00 01 02 ... whose length is a multiple of 4. */
const VECTORS: readonly string[] = [
  '310e0edd47db6f72',
  'b7877127e09427cf',
  '6224939a79f5f593',
  'fbe50e86bc8f1e75',
  'db9bc2577fcc2a3f',
  '98eea21af25cd6be',
  '94af49f6c650adb8',
  'a5c91da7acaa4dde',
  'ce7cf2722f512771',
  'b4a31508beff4d31',
  'd0a704536ba93e0e',
  'f21df2e41d4535f9',
  '51a9cb9ecba312e6',
  'b274cb8ebf87870a',
  'bd838d3aafbf8db7',
  'e1915f5cb1eca46c',
];

function hex(hash: SipHash): string {
  const bytes = Buffer.alloc(8);
  bytes.writeInt32LE(hash.lo, 0);
  bytes.writeInt32LE(hash.hi, 4);
  return bytes.toString('hex');
}

/** SipHash-2-4 in 64-bit integers, straight from the paper. */
function naive(key: Uint8Array, words: Int32Array): string {
  const mask = (n: bigint): bigint => BigInt.asUintN(64, n);
  const rotate = (n: bigint, by: bigint): bigint => mask((n << by) | (n >> (64n - by)));
  const view = new DataView(key.buffer, key.byteOffset, 16);
  const k0 = view.getBigUint64(0, true);
  const k1 = view.getBigUint64(8, true);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = (): void => {
    v0 = mask(v0 + v1);
    v1 = rotate(v1, 13n) ^ v0;
    v0 = rotate(v0, 32n);
    v2 = mask(v2 + v3);
    v3 = rotate(v3, 16n) ^ v2;
    v0 = mask(v0 + v3);
    v3 = rotate(v3, 21n) ^ v0;
    v2 = mask(v2 + v1);
    v1 = rotate(v1, 17n) ^ v2;
    v2 = rotate(v2, 32n);
  };
  const absorb = (m: bigint): void => {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  };
  const word = (i: number): bigint =>
    i < words.length ? BigInt.asUintN(32, BigInt(words[i]!)) : 0n;
  let i = 0;
  for (; i + 1 < words.length; i += 2) absorb(word(i) | (word(i + 1) << 32n));
  absorb(word(i) | (BigInt((words.length * 4) & 255) << 56n));
  v2 ^= 0xffn;
  for (let n = 0; n < 4; n++) round();
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(v0 ^ v1 ^ v2 ^ v3);
  return out.toString('hex');
}

describe('SipHash-2-4', () => {
  it('gives the published results', () => {
    const hash = new SipHash(KEY);
    const words = new Int32Array(Uint8Array.from({ length: 64 }, (_, i) => i).buffer);
    const results = VECTORS.map((_, n) => {
      hash.hash(words, n);
      return hex(hash);
    });
    expect(results).toEqual(VECTORS);
  });

  it('in 32-bit halves equals the 64-bit form, for any key and any words', () => {
    const words = fc.array(fc.oneof(fc.integer(), fc.constantFrom(0, -1, 1)), { maxLength: 70 });
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), words, (key, list) => {
        const hash = new SipHash(key);
        const message = Int32Array.from(list);
        hash.hash(message, message.length);
        expect(hex(hash)).toBe(naive(key, message));
      }),
      { seed: 24, numRuns: 300 },
    );
  });

  it('takes a key at any offset of a buffer, and hashes only the given number of words', () => {
    const shifted = new Uint8Array(21);
    shifted.set(KEY, 5);
    const hash = new SipHash(shifted.subarray(5));
    hash.hash(new Int32Array([0x03020100, 99, 99]), 1);
    expect(hex(hash)).toBe(VECTORS[1]);
  });

  it.each([0, 15, 17, 32])('refuses a key of %d bytes', (length) => {
    expect(() => new SipHash(new Uint8Array(length))).toThrow(
      `a SipHash key has 16 bytes, not ${length}`,
    );
  });
});
