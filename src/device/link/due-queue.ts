/**
 * Held packets in the order of their due times; packets due at the same time keep the order in
 * which they came. A binary heap.
 */
import { NEVER, type Micros } from '../../base/time.js';
import type { HeldPacket } from '../packet-store.js';

const before = (a: HeldPacket, b: HeldPacket): boolean =>
  a.due < b.due || (a.due === b.due && a.order < b.order);

export class DueQueue {
  private readonly heap: HeldPacket[] = [];
  private nextOrder = 0;

  get length(): number {
    return this.heap.length;
  }

  next(): Micros {
    return this.heap.length > 0 ? this.heap[0]!.due : NEVER;
  }

  push(packet: HeldPacket): void {
    packet.order = this.nextOrder++;
    const heap = this.heap;
    let i = heap.length;
    heap.push(packet);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(packet, heap[parent]!)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = packet;
  }

  /** All are due at `now` or earlier; their order stays. A sorted array is a heap. */
  hasten(now: Micros): void {
    this.heap.sort((a, b) => (before(a, b) ? -1 : 1));
    this.heap.forEach((packet, i) => {
      packet.due = Math.min(packet.due, now);
      packet.order = i;
    });
    this.nextOrder = this.heap.length;
  }

  /** Removes and returns the first packet that is due at `now`; undefined if none is. */
  take(now: Micros): HeldPacket | undefined {
    const heap = this.heap;
    const first = heap[0];
    if (first === undefined || first.due > now) return undefined;
    const last = heap.pop()!;
    const n = heap.length;
    if (n === 0) return first;
    let i = 0;
    for (let child = 1; child < n; child = 2 * i + 1) {
      if (child + 1 < n && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}
