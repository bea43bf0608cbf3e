/**
 * Initial sequence numbers, RFC 6528: ISN = M + F(local, remote, secret). M is a clock of 4 us
 * (MUST-8), F a keyed hash that nobody outside can compute (MUST-9, SHLD-1): SipHash-2-4, as in
 * Linux. The same tuple's numbers rise with the clock, which lets a client reuse a port that is in
 * TIME-WAIT; those of two tuples have nothing to do with each other.
 */
import { type Seq, seqAdd, seqGt } from '../../base/seq.js';
import { SipHash } from '../../base/siphash.js';
import type { Micros } from '../../base/time.js';
import { type Tuple, TUPLE_WORDS } from '../tuple.js';

const MICROS_PER_TICK = 4;
const PURPOSE = TUPLE_WORDS;
const WORDS = TUPLE_WORDS + 1;

/** A tuple's keyed hash of 64 bits, which nobody can compute without the secret. */
export class TupleHash {
  private readonly sip: SipHash;
  private readonly words = new Int32Array(WORDS);

  constructor(secret: Uint8Array) {
    this.sip = new SipHash(secret);
  }

  /**
   * Hashes tuple and `purpose`, so that one secret serves unrelated uses. The result stands in `lo`
   * and `hi`.
   */
  hash(tuple: Tuple, purpose: number): void {
    const w = this.words;
    tuple.writeTo(w);
    w[PURPOSE] = purpose;
    this.sip.hash(w, WORDS);
  }

  get lo(): number {
    return this.sip.lo;
  }

  get hi(): number {
    return this.sip.hi;
  }
}

/**
 * M + F: `f` is the tuple's hash. MAY-2: where the tuple's old connection is still `before` us in
 * TIME-WAIT, larger than any number that it used. The clock alone does not see to that: whoever
 * sends more than 250 KB a second overtakes it.
 */
export function initialSequenceNumber(
  f: number,
  now: Micros,
  before: { readonly sndNxt: Seq } | null,
): Seq {
  const iss = (Math.floor(now / MICROS_PER_TICK) + f) | 0;
  return before === null || seqGt(iss, before.sndNxt) ? iss : seqAdd(before.sndNxt, 1);
}
