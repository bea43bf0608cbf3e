/**
 * Initial sequence numbers, RFC 6528: ISN = M + F(local, remote, secret). M is a 4 us clock
 * (MUST-8). F is a keyed hash that an attacker cannot compute (MUST-9, SHLD-1): SipHash-2-4, as in
 * Linux. The numbers of one tuple rise with the clock, so that a client can reuse a port that is in
 * TIME-WAIT. The numbers of different tuples are unrelated.
 */
import { type Seq, seqAdd, seqGt } from '../../base/seq.js';
import { SipHash } from '../../base/siphash.js';
import type { Micros } from '../../base/time.js';
import { type Tuple, TUPLE_WORDS } from '../tuple.js';

const MICROS_PER_TICK = 4;
const PURPOSE = TUPLE_WORDS;
const WORDS = TUPLE_WORDS + 1;

/** A keyed 64-bit hash of a tuple, unpredictable without the secret. */
export class TupleHash {
  private readonly sip: SipHash;
  private readonly words = new Int32Array(WORDS);

  constructor(secret: Uint8Array) {
    this.sip = new SipHash(secret);
  }

  /**
   * Hashes the tuple and `purpose`, so that one secret serves several purposes. The result is in
   * `lo` and `hi`.
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
 * M + F, where `f` is the tuple's hash. MAY-2: if the tuple's old connection is in TIME-WAIT
 * (`before`), the result is above all sequence numbers that it used. The clock alone does not
 * guarantee that, because a connection that sends more than 250 KB a second overtakes it.
 */
export function initialSequenceNumber(
  f: number,
  now: Micros,
  before: { readonly sndNxt: Seq } | null,
): Seq {
  const iss = (Math.floor(now / MICROS_PER_TICK) + f) | 0;
  return before === null || seqGt(iss, before.sndNxt) ? iss : seqAdd(before.sndNxt, 1);
}
