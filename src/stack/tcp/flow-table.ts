/**
 * From a segment's four-tuple to its connection: a hash table of chains, on a keyed int32 hash. A string key would cost
 * thirty times as much, and an unkeyed hash would let a stranger pick tuples that all fall into one chain.
 */
import type { TcpEntry } from './flow.js';

const SMALLEST = 64;

export class FlowTable {
  size = 0;
  private buckets: (TcpEntry | null)[] = new Array<TcpEntry | null>(SMALLEST).fill(null);
  private readonly seed: number;

  constructor(seed: number) {
    this.seed = seed | 0;
  }

  /** The tuple's hash; `ports` is (local << 16) | remote. */
  hash(
    l0: number,
    l1: number,
    l2: number,
    l3: number,
    r0: number,
    r1: number,
    r2: number,
    r3: number,
    ports: number,
  ): number {
    let h = this.seed;
    h = Math.imul(h ^ r3, 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 15) ^ ports, 0xc2b2ae35);
    h = Math.imul(h ^ (h >>> 13) ^ l3, 0x27d4eb2f);
    h = Math.imul(h ^ (h >>> 16) ^ r2 ^ l2, 0x165667b1);
    h = Math.imul(h ^ (h >>> 15) ^ r1 ^ (l1 << 7), 0x9e3779b1);
    h = Math.imul(h ^ (h >>> 13) ^ r0 ^ (l0 << 5), 0x85ebca77);
    return h ^ (h >>> 16);
  }

  find(
    hash: number,
    l0: number,
    l1: number,
    l2: number,
    l3: number,
    r0: number,
    r1: number,
    r2: number,
    r3: number,
    localPort: number,
    remotePort: number,
  ): TcpEntry | null {
    let e: TcpEntry | null = this.buckets[hash & (this.buckets.length - 1)]!;
    while (e !== null) {
      if (
        e.hash === hash &&
        e.localPort === localPort &&
        e.remotePort === remotePort &&
        e.remote.is(r0, r1, r2, r3) &&
        e.local.is(l0, l1, l2, l3)
      ) {
        return e;
      }
      e = e.nextInChain;
    }
    return null;
  }

  add(e: TcpEntry): void {
    if (this.size >= this.buckets.length) this.resize(this.buckets.length * 2);
    const i = e.hash & (this.buckets.length - 1);
    e.nextInChain = this.buckets[i]!;
    this.buckets[i] = e;
    e.linked = true;
    this.size++;
  }

  remove(e: TcpEntry): void {
    if (!e.linked) return;
    e.linked = false;
    this.size--;
    const i = e.hash & (this.buckets.length - 1);
    let at: TcpEntry | null = this.buckets[i]!;
    if (at === e) this.buckets[i] = e.nextInChain;
    else {
      while (at !== null && at.nextInChain !== e) at = at.nextInChain;
      if (at !== null) at.nextInChain = e.nextInChain;
    }
    e.nextInChain = null;
    if (this.buckets.length > SMALLEST && this.size * 8 < this.buckets.length) this.resize(this.buckets.length / 2);
  }

  *[Symbol.iterator](): Generator<TcpEntry> {
    for (const first of this.buckets) for (let e: TcpEntry | null = first; e !== null; e = e.nextInChain) yield e;
  }

  private resize(length: number): void {
    const all = [...this];
    this.buckets = new Array<TcpEntry | null>(length).fill(null);
    for (const e of all) {
      const i = e.hash & (length - 1);
      e.nextInChain = this.buckets[i]!;
      this.buckets[i] = e;
    }
  }
}
