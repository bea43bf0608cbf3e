import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HeapItem, IndexedHeap } from '../../src/base/heap.js';

class Item implements HeapItem {
  heapIndex = -1;
  readonly name: number;
  constructor(name: number) {
    this.name = name;
  }
}

const step = fc.oneof(
  fc.record({
    what: fc.constant('update' as const),
    item: fc.nat(20),
    key: fc.integer({ min: 0, max: 30 }),
  }),
  fc.record({ what: fc.constant('remove' as const), item: fc.nat(20), key: fc.constant(0) }),
  fc.record({ what: fc.constant('pop' as const), item: fc.constant(0), key: fc.constant(0) }),
);

describe('IndexedHeap', () => {
  it('always returns the smallest key, for any additions, moves and removals', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const items = Array.from({ length: 21 }, (_, i) => new Item(i));
        const heap = new IndexedHeap<Item>();
        const twin = new Map<number, number>();
        for (const { what, item, key } of steps) {
          if (what === 'update') {
            heap.update(items[item]!, key);
            twin.set(item, key);
          } else if (what === 'remove') {
            heap.remove(items[item]!);
            twin.delete(item);
          } else {
            const first = heap.peek();
            if (first === undefined) continue;
            heap.remove(first);
            twin.delete(first.name);
          }
          const least = Math.min(...twin.values());
          expect([heap.size, heap.firstKey]).toEqual([twin.size, least]);
          const first = heap.peek();
          expect(first === undefined ? Infinity : twin.get(first.name)).toBe(least);
          expect(items.filter((i) => i.heapIndex >= 0).map((i) => i.name)).toEqual(
            [...twin.keys()].sort((a, b) => a - b),
          );
        }
      }),
      { seed: 88, numRuns: 200 },
    );
  });

  it('returns a thousand items in order', () => {
    const heap = new IndexedHeap<Item>();
    for (let i = 0; i < 1000; i++) heap.update(new Item(i), (i * 7919) % 1009);
    const keys: number[] = [];
    for (let first = heap.peek(); first !== undefined; first = heap.peek()) {
      keys.push(heap.firstKey);
      heap.remove(first);
    }
    expect(keys).toEqual([...keys].sort((a, b) => a - b));
    expect(keys.length).toBe(1000);
  });
});
