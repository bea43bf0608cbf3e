/**
 * The largest of the last so many round trips: one number a round, kept in a ring. Exact, and at
 * most a dozen numbers; Linux's filter (after Kathleen Nichols) makes do with three and may forget
 * a second best. Nothing expires while nothing is noted: old knowledge is better than none.
 */
export class RoundMax {
  value = 0;
  private readonly best: Float64Array;
  private round = 0;

  /** A value counts in the round that it is noted in and in the `rounds` after it. */
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
