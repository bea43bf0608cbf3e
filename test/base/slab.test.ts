import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copyBytes, copyOf } from '../../src/base/copy.js';
import { Slab } from '../../src/base/slab.js';
import { SlabPool } from '../../src/base/slab-pool.js';

describe('Slab', () => {
  it('has one memory for bytes and view, also for a part of a buffer', () => {
    const whole = new Uint8Array(20);
    const slab = new Slab(whole.subarray(5, 15));
    slab.view.setInt32(2, 0x01020304);
    expect([...whole.subarray(7, 11)]).toEqual([1, 2, 3, 4]);
    expect([slab.bytes.length, slab.view.byteLength]).toEqual([10, 10]);
  });
});

describe('copyBytes', () => {
  it('copies exactly the given range, short or long', () => {
    fc.assert(
      fc.property(fc.nat(300), fc.nat(40), fc.nat(40), (length, at, to) => {
        const source = new Slab(Uint8Array.from({ length: 340 }, (_, i) => (i * 11 + 3) & 255));
        const target = new Slab(340);
        copyBytes(source, at, target, to, length);
        const expected = new Uint8Array(340);
        expected.set(source.bytes.slice(at, at + length), to);
        expect(Buffer.compare(target.bytes, expected)).toBe(0);
      }),
      { seed: 4, numRuns: 200 },
    );
  });
});

describe('copyOf', () => {
  it.each([
    ['bytes', new Uint8Array(20)],
    ['a Buffer, whose own slice() does not copy', Buffer.alloc(20)],
  ])('is a copy: %s', (_, source) => {
    source.set([1, 2, 3], 4);
    const copy = copyOf(new Slab(source), 4, 3);
    source.fill(9);
    expect(copy).toEqual(Uint8Array.of(1, 2, 3));
  });
});

describe('SlabPool', () => {
  it('lends slabs of the next power of two, and reuses them', () => {
    const pool = new SlabPool();
    for (const [size, given] of [
      [1, 4096],
      [4096, 4096],
      [4097, 8192],
      [100_000, 131_072],
    ] as const) {
      const slab = pool.take(size);
      expect(slab.bytes.length).toBe(given);
      pool.give(slab);
      expect(pool.take(size)).toBe(slab);
      pool.give(slab);
    }
    expect(pool.lent).toBe(0);
  });

  it('keeps no more idle bytes than its limit', () => {
    const pool = new SlabPool(8192);
    const slabs = [pool.take(4096), pool.take(4096), pool.take(4096)];
    for (const slab of slabs) pool.give(slab);
    const again = [pool.take(4096), pool.take(4096), pool.take(4096)];
    expect(again.filter((slab) => slabs.includes(slab)).length).toBe(2);
  });
});
