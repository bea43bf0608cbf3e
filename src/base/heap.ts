/**
 * A binary min-heap whose items store their position, so that any item can be moved or removed in
 * O(log n). It is the stack's timer queue. Keys are kept in a separate array of doubles, so that
 * comparing them allocates nothing.
 */
export interface HeapItem {
  /** Position in the heap, -1 outside it. Only the heap writes it. */
  heapIndex: number;
}

export class IndexedHeap<T extends HeapItem> {
  private readonly items: T[] = [];
  private readonly keys: number[] = [];

  get size(): number {
    return this.items.length;
  }

  /** The item with the smallest key. */
  peek(): T | undefined {
    return this.items[0];
  }

  /** The smallest key; Infinity when empty. */
  get firstKey(): number {
    return this.items.length === 0 ? Infinity : this.keys[0]!;
  }

  /** Inserts `item` with `key`, or changes its key. */
  update(item: T, key: number): void {
    let i = item.heapIndex;
    if (i < 0) {
      i = this.items.length;
      this.items.push(item);
      this.keys.push(key);
      item.heapIndex = i;
    }
    this.keys[i] = key;
    if (!this.rise(i)) this.sink(i);
  }

  remove(item: T): void {
    const i = item.heapIndex;
    if (i < 0) return;
    item.heapIndex = -1;
    const last = this.items.pop()!;
    const key = this.keys.pop()!;
    if (last === item) return;
    this.items[i] = last;
    this.keys[i] = key;
    last.heapIndex = i;
    if (!this.rise(i)) this.sink(i);
  }

  private rise(from: number): boolean {
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (this.keys[parent]! <= this.keys[i]!) break;
      this.swap(i, parent);
      i = parent;
    }
    return i !== from;
  }

  private sink(from: number): void {
    const n = this.items.length;
    for (let i = from; ;) {
      let least = 2 * i + 1;
      if (least >= n) return;
      if (least + 1 < n && this.keys[least + 1]! < this.keys[least]!) least++;
      if (this.keys[i]! <= this.keys[least]!) return;
      this.swap(i, least);
      i = least;
    }
  }

  private swap(i: number, j: number): void {
    const a = this.items[i]!;
    const b = this.items[j]!;
    const key = this.keys[i]!;
    this.items[i] = b;
    this.items[j] = a;
    this.keys[i] = this.keys[j]!;
    this.keys[j] = key;
    b.heapIndex = i;
    a.heapIndex = j;
  }
}
