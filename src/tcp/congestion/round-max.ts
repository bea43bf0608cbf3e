/**
 * The largest value of a number of recent round trips: one number per round, in a ring. It is exact
 * and holds at most a dozen numbers. Linux's filter (by Kathleen Nichols) holds three and may
 * forget the second-largest. Values expire only when new ones are noted, because an old value is
 * better than none.
 */
export class RoundMax {
  value = 0;
  private readonly best: Float64Array;
  private round = 0;

  /** A value counts in its own round and in the `rounds` rounds after it. */
  constructor(rounds: number) {
    this.best = new Float64Array(rounds + 1);
  }

  note(value: number, round: number): void {
    const { best } = this;
    const slots = best.length;
    if (round !== this.round) {
      const from = Math.max(this.round + 1, round - slots + 1);
      for (let r = from; r <= round; r++) best[r % slots] = 0;
      this.round = round;
      this.value = 0;
      for (const b of best) if (b > this.value) this.value = b;
    }
    if (value > best[round % slots]!) best[round % slots] = value;
    if (value > this.value) this.value = value;
  }
}
