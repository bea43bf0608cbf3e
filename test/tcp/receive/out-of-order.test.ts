/**
 * Out-of-order data, compared with a model that keeps every byte separately, and an attack with
 * pieces of one byte.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { Slab } from '../../../src/base/slab.js';
import { OutOfOrder } from '../../../src/tcp/receive/out-of-order.js';
import { ReceiveQueue } from '../../../src/tcp/receive/receive-queue.js';
import { Segment } from '../../../src/wire/tcp.js';

/** RCV.NXT; the window crosses the wrap of sequence numbers. */
const NXT = 0xffff_f000 | 0;
const WINDOW = 16_384;
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 255;

class Bench {
  allocated = 0;
  readonly allocate = (n: number): Uint8Array => {
    this.allocated += n;
    return new Uint8Array(n);
  };
  readonly queue = new ReceiveQueue(this.allocate);
  readonly held: OutOfOrder;
  private readonly seg = new Segment();

  constructor(maxPieces = 1024) {
    this.held = new OutOfOrder(maxPieces, this.allocate);
  }

  /** Bytes `[start, end)`, counted from RCV.NXT. */
  insert(start: number, end: number): number {
    const { seg } = this;
    seg.payload = new Slab(
      Uint8Array.from({ length: end - start + 2 }, (_, i) => byteAt(start + i - 2)),
    );
    seg.payloadOffset = 2;
    seg.payloadBytes = end - start;
    seg.seq = (NXT + start) | 0;
    return this.held.insert(seg, (NXT + start) | 0, (NXT + end) | 0);
  }

  /** Memory of all pieces, including unused room. */
  get memory(): number {
    const { blocks } = this.held as unknown as { blocks: { pieces: { bytes: Uint8Array }[] }[] };
    return blocks.flatMap((b) => b.pieces).reduce((n, piece) => n + piece.bytes.length, 0);
  }

  /** All data up to `to` becomes in order; returns it as the reader sees it. */
  drain(to: number): number[] {
    this.held.drain((NXT + to) | 0, this.queue);
    const out: number[] = [];
    for (let piece = this.queue.shift(); piece !== null; piece = this.queue.shift())
      out.push(...piece);
    return out;
  }
}

describe('against a model', () => {
  it.each(Array.from({ length: 30 }, (_, i) => i + 1))(
    'segments of any size, in any order: seed %i',
    (seed) => {
      const random = new SeededRandom(seed);
      const bench = new Bench();
      const model = new Uint8Array(WINDOW);
      for (let n = 0; n < 300; n++) {
        const start = 1 + random.below(WINDOW - 1);
        const end = Math.min(WINDOW, start + 1 + random.below(random.below(10) === 0 ? 3000 : 60));
        const fresh = model.subarray(start, end).filter((x) => x === 0).length;
        const twice = bench.held.overlapping((NXT + start) | 0, (NXT + end) | 0);
        const held = model.subarray(start, end).indexOf(1);
        if (held < 0) expect(twice).toBeNull();
        else expect((twice!.left - NXT) | 0).toBe(model.lastIndexOf(0, start + held) + 1);
        expect(bench.insert(start, end)).toBe(fresh);
        expect(bench.held.checkInvariants(NXT)).toBeNull();
        model.fill(1, start, end);
        const at = random.below(WINDOW);
        const block = bench.held.blockAt((NXT + at) | 0);
        if (model[at] === 0) expect(block).toBeNull();
        else {
          expect((block!.left - NXT) | 0).toBe(model.lastIndexOf(0, at) + 1);
          const right = model.indexOf(0, at);
          expect((block!.right - NXT) | 0).toBe(right < 0 ? WINDOW : right);
        }
      }
      expect(bench.held.bytes).toBe(model.filter((x) => x === 1).length);
      // A FIN at a random place, then a segment that overlaps a random part.
      const fin = WINDOW - random.below(2000);
      bench.held.endAt((NXT + fin) | 0);
      expect(bench.held.checkInvariants(NXT)).toBeNull();
      model.fill(0, fin);
      const to = 1 + random.below(WINDOW / 2);
      const right = model.indexOf(0, to);
      const out = bench.drain(to);
      expect(out).toEqual(Array.from({ length: right - to }, (_, i) => byteAt(to + i)));
      expect(bench.held.checkInvariants((NXT + right) | 0)).toBeNull();
      expect(bench.held.bytes).toBe(model.subarray(right).filter((x) => x === 1).length);
    },
  );
});

describe('a rain of tiny segments', () => {
  const SIZE = 60_000;
  const random = new SeededRandom(7);
  const orders: Record<string, (i: number) => number> = {
    'one byte in two, upwards': (i) => 2 + 2 * i,
    'one byte in two, downwards': (i) => 2 * (SIZE / 2 - i),
    'every byte, upwards': (i) => 1 + i,
    'every byte, downwards': (i) => SIZE - i,
    'any byte': () => 1 + random.below(SIZE),
    'from both ends': (i) => (i % 2 === 0 ? 1 + i : SIZE - i),
  };

  it.each(Object.keys(orders))(
    'ATK-17: costs bounded memory and bounded work: %s',
    (name) => {
      const bench = new Bench();
      const count = SIZE / 2;
      let most = 0;
      for (let i = 0; i < count - 1; i++) {
        const at = orders[name]!(i);
        bench.held.blockAt((NXT + at) | 0);
        bench.insert(at, at + 1);
        most = Math.max(most, bench.held.pieceCount);
        if (i % 100 === 0) expect(bench.held.checkInvariants(NXT)).toBeNull();
      }
      expect(most).toBeLessThanOrEqual(1024);
      expect(bench.memory).toBeLessThanOrEqual(2 * bench.held.bytes + 1024);
      // The work is the bytes copied: every byte once, and once more each time that pieces are
      // joined.
      expect(bench.allocated).toBeLessThan(40 * count);
    },
    60_000,
  );

  it('ATK-17: evicts the farthest data for nearer data, and counts it; the nearest data is kept', () => {
    const bench = new Bench(64);
    for (let i = 0; i < 64; i++) expect(bench.insert(1000 + 2 * i, 1001 + 2 * i)).toBe(1);
    expect(bench.insert(5000, 5001), 'the farthest piece is rejected').toBe(-1);
    expect([bench.held.prunes, bench.held.pieceCount]).toEqual([0, 64]);
    expect(bench.insert(500, 600)).toBe(100);
    expect([bench.held.prunes, bench.held.pieceCount]).toEqual([1, 56]);
    expect(bench.held.blockAt((NXT + 1126) | 0), 'the last').toBeNull();
    expect(bench.held.blockAt((NXT + 1000) | 0), 'the first').not.toBeNull();
  });

  it('ATK-17: joins small pieces before it evicts any', () => {
    const bench = new Bench(64);
    for (let i = 0; i < 2000; i++) expect(bench.insert(5000 - i, 5001 - i)).toBe(1);
    expect(bench.held.prunes).toBe(0);
    expect(bench.held.pieceCount).toBeLessThanOrEqual(64);
    expect(bench.drain(3001)).toEqual(Array.from({ length: 2000 }, (_, i) => byteAt(3001 + i)));
  });

  it('ATK-17: data that has become in order is given to the reader in few pieces', () => {
    const bench = new Bench();
    // Downwards, so that each byte is a separate piece.
    for (let i = 0; i < 1000; i++) bench.insert(1000 - i, 1001 - i);
    bench.held.drain((NXT + 1) | 0, bench.queue);
    let pieces = 0;
    while (bench.queue.shift() !== null) pieces++;
    expect(pieces).toBeLessThan(20);
  });
});

describe('data queued for a slow reader', () => {
  /** Feeds the queue `count` times; returns the memory that it pins for each byte that it holds. */
  function pinned(count: number, feed: (queue: ReceiveQueue, i: number) => void): number {
    const queue = new ReceiveQueue((n) => new Uint8Array(n));
    for (let i = 0; i < count; i++) feed(queue, i);
    const bytes = queue.length;
    const pieces: Uint8Array[] = [];
    for (let piece = queue.shift(); piece !== null; piece = queue.shift()) pieces.push(piece);
    const buffers = new Set(pieces.map((piece) => piece.buffer));
    // An estimate of the overhead of each piece.
    return ([...buffers].reduce((n, b) => n + b.byteLength, 0) + 200 * pieces.length) / bytes;
  }
  const payload = (length: number): Segment => {
    const seg = new Segment();
    seg.payload = new Slab(new Uint8Array(length));
    return seg;
  };

  it.each([
    ['bytes in order, one by one', (q: ReceiveQueue) => q.pushPayload(payload(1), 0, 1)],
    ['bytes that were out of order, one by one', (q: ReceiveQueue) => q.push(new Uint8Array(1))],
    [
      'a large piece that was out of order, and a byte, in turn',
      (q: ReceiveQueue, i: number) => {
        if (i % 2 === 0) q.push(new Uint8Array(5000));
        else q.pushPayload(payload(1), 0, 1);
      },
    ],
  ])('pins at most a few times its own size: %s', (_, feed) => {
    expect(pinned(20_000, feed)).toBeLessThan(4);
  });
});
