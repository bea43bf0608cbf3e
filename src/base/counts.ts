/**
 * How many of something there are for each key.
 *
 * A key whose count falls to zero stays in the map for a while. A Map that empties and fills again
 * lays out its table each time, and short connections, one at a time, would pay for that with each.
 * Such keys are swept out in batches, so that they never outnumber the others by more than
 * `KEPT_EMPTY`.
 */
const KEPT_EMPTY = 64;

export class Counts<K> {
  private readonly counts = new Map<K, number>();
  private empty = 0;

  /** Keys that have some. */
  get size(): number {
    return this.counts.size - this.empty;
  }

  of(key: K): number {
    return this.counts.get(key) ?? 0;
  }

  add(key: K): void {
    const n = this.counts.get(key);
    if (n === 0) this.empty--;
    this.counts.set(key, (n ?? 0) + 1);
  }

  /** Does nothing when the key has none. */
  remove(key: K): void {
    const n = this.of(key);
    if (n === 0) return;
    this.counts.set(key, n - 1);
    if (n === 1 && ++this.empty > KEPT_EMPTY + this.size) this.sweep();
  }

  private sweep(): void {
    for (const [key, n] of this.counts) if (n === 0) this.counts.delete(key);
    this.empty = 0;
  }
}
