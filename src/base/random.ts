/** The core's source of random numbers. It is passed in, so that a seed reproduces a whole run. */
export interface Random {
  /** An int32, uniformly distributed. */
  int32(): number;
  /** A number in [0, 1). */
  float(): number;
}

/**
 * A seeded generator (sfc32: 128 bits of state, passes PractRand) for simulations, link faults and
 * tests. Secrets must come from the system's random source instead.
 */
export class SeededRandom implements Random {
  private a: number;
  private b = 0x9e3779b9 | 0;
  private c = 0x243f6a88 | 0;
  private counter = 1;

  constructor(seed: number) {
    this.a = seed | 0;
    // Neighbouring seeds give similar outputs until the state is mixed.
    for (let i = 0; i < 16; i++) this.int32();
  }

  int32(): number {
    const out = (this.a + this.b + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + out) | 0;
    return out;
  }

  float(): number {
    return (this.int32() >>> 0) / 4_294_967_296;
  }

  /** An integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }
}
