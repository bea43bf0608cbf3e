/**
 * The system's random source, for the secret of the sequence numbers and for the core's `Random`.
 */
import { randomBytes } from 'node:crypto';
import type { Random } from '../base/random.js';

/** 16 bytes for `StackOptions.secret`. */
export const systemSecret = (): Uint8Array => randomBytes(16);

/** Reads the random source in blocks, because each call of it is expensive. */
export class SystemRandom implements Random {
  private block = Buffer.alloc(0);
  private at = 0;

  int32(): number {
    if (this.at + 4 > this.block.length) {
      this.block = randomBytes(4096);
      this.at = 0;
    }
    const n = this.block.readInt32LE(this.at);
    this.at += 4;
    return n;
  }

  float(): number {
    return (this.int32() >>> 0) / 4_294_967_296;
  }
}
