/**
 * Finds the connection of a four-tuple: a hash table with chains, keyed by the tuple's int32 hash.
 * A Map with string keys takes thirty times as long.
 */
import { isSameAddress } from '../../wire/ip.js';
import type { Tuple } from '../tuple.js';
import type { TcpEntry } from './entry.js';

const SMALLEST = 64;

export class FlowTable {
  size = 0;
  private buckets: (TcpEntry | null)[] = new Array<TcpEntry | null>(SMALLEST).fill(null);

  find(tuple: Tuple): TcpEntry | null {
    const { hash, localPort, remotePort, local, remote } = tuple;
    let e: TcpEntry | null = this.buckets[hash & (this.buckets.length - 1)]!;
    while (e !== null) {
      if (
        e.hash === hash &&
        e.localPort === localPort &&
        e.remotePort === remotePort &&
        isSameAddress(e.remote, remote) &&
        isSameAddress(e.local, local)
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
    if (this.buckets.length > SMALLEST && this.size * 8 < this.buckets.length)
      this.resize(this.buckets.length / 2);
  }

  *[Symbol.iterator](): Generator<TcpEntry> {
    for (const first of this.buckets)
      for (let e: TcpEntry | null = first; e !== null; e = e.nextInChain) yield e;
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
