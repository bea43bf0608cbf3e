/**
 * A FIFO queue in a circular array. Each operation takes about 4 ns, where `Array.shift` takes 8 us
 * on an array of 60,000. When full it doubles; the capacity is always a power of two.
 *
 *     │     │ head ▶ │ ... │ ... │ ◀ tail │     │
 */
const SMALLEST = 16;

export class Ring<T> {
  private items: (T | undefined)[] = new Array<T | undefined>(SMALLEST).fill(undefined);
  private head = 0;
  length = 0;

  push(item: T): void {
    if (this.length === this.items.length) this.grow();
    this.items[(this.head + this.length++) & (this.items.length - 1)] = item;
  }

  /** Removes and returns the oldest item; undefined when empty. */
  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) & (this.items.length - 1);
    this.length--;
    return item;
  }

  /** The `i`th oldest item, which stays in the queue; undefined out of range. */
  at(i: number): T | undefined {
    return i < 0 || i >= this.length
      ? undefined
      : this.items[(this.head + i) & (this.items.length - 1)];
  }

  /** Replaces the oldest item. The ring must not be empty. */
  replaceFirst(item: T): void {
    this.items[this.head] = item;
  }

  private grow(): void {
    const bigger = new Array<T | undefined>(this.items.length * 2).fill(undefined);
    for (let i = 0; i < this.length; i++)
      bigger[i] = this.items[(this.head + i) & (this.items.length - 1)];
    this.items = bigger;
    this.head = 0;
  }
}
