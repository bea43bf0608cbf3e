/**
 * A counter for each key.
 *
 * A key whose count falls to zero stays in the map for a while, because a Map that empties and
 * fills again reallocates its table each time. A series of short connections would pay for that
 * with each connection. Zero counts are removed in batches: there are at most `KEPT_EMPTY` more of
 * them than of other keys.
 */
const KEPT_EMPTY = 64;

export class Counts<K> {
  private readonly counts = new Map<K, number>();
  private empty = 0;

  /** Number of keys whose count is above zero. */
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

  /** Does nothing if the count is zero already. */
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
