/**
 * SYN cookies (RFC 4987 section 3.6 and appendix A, as Linux makes them): the state of a half-open
 * connection goes to the peer and comes back with its ACK, so that a SYN costs no memory. Our
 * initial sequence number is the cookie:
 *
 *     cookie = SipHash(key, addresses, ports, peer's ISN, minute) xor MSS index         32 bits, of which 2 choose the MSS
 *
 * A cookie is good in the minute in which it was made and in the next. Who guesses has two minutes
 * times four MSSs in 2^32 to hit (Linux's odds too), and a key lives for a quarter of an hour only.
 * What else the SYN offered rides in the low six bits of our timestamp:
 *
 *     TSval (before the connection's offset)   ... | ECN | SACK | window shift (4 bits, 15: none)
 *
 * Without timestamps those options are off. Non-goal: a SYN,ACK that was lost is not sent again,
 * for nobody knows of it; the peer's SYN comes again.
 */
import type { Random } from '../../base/random.js';
import type { Seq } from '../../base/seq.js';
import { randomKey, SipHash } from '../../base/siphash.js';
import { MINUTE, type Micros } from '../../base/time.js';
import { ABSENT, TcpFlag, type Segment } from '../../wire/tcp.js';
import { type Tuple, TUPLE_WORDS } from '../tuple.js';

/** Linux's TCP_SYNCOOKIE_PERIOD and MAX_SYNCOOKIE_AGE. */
const PERIOD: Micros = MINUTE;
const MAX_AGE = 2;
/** No cookie is accepted this long after the last one was made (Linux's TCP_SYNCOOKIE_VALID). */
export const COOKIE_LIFETIME: Micros = MAX_AGE * PERIOD;
/** A key makes the cookies of so many periods. */
const KEY_PERIODS = 15;

/**
 * What an index stands for: the largest that the peer's MSS allows. Linux's tables: frequent
 * values, the least first.
 */
export const COOKIE_MSS_V4: readonly number[] = [536, 1300, 1440, 1460];
export const COOKIE_MSS_V6: readonly number[] = [1220, 1420, 1440, 8940];

const IRS = TUPLE_WORDS;
const PERIOD_NUMBER = TUPLE_WORDS + 1;
const WORDS = TUPLE_WORDS + 2;

export class SynCookies {
  private readonly words = new Int32Array(WORDS);
  private readonly random: Random;
  private current: SipHash;
  private previous: SipHash;
  private keyNumber = -1;

  constructor(random: Random) {
    this.random = random;
    this.current = this.newKey();
    this.previous = this.current;
  }

  /** Whose cookie the next `make` or `check` is about. */
  about(tuple: Tuple): void {
    tuple.writeTo(this.words);
  }

  /**
   * Our initial sequence number in answer to a SYN with sequence number `irs` from a peer that
   * takes segments of `mss` bytes.
   */
  make(irs: Seq, mss: number, table: readonly number[], now: Micros): Seq {
    let index = table.length - 1;
    while (index > 0 && table[index]! > mss) index--;
    return this.hash(irs, this.period(now)) ^ index;
  }

  /**
   * The MSS in `cookie`, which came back for a SYN with `irs`; 0 when we made no such cookie, or
   * too long ago.
   */
  check(irs: Seq, cookie: Seq, table: readonly number[], now: Micros): number {
    const period = this.period(now);
    for (let age = 0; age < MAX_AGE; age++) {
      const index = (this.hash(irs, period - age) ^ cookie) >>> 0;
      if (index < table.length) return table[index]!;
    }
    return 0;
  }

  private hash(irs: Seq, period: number): number {
    const w = this.words;
    w[IRS] = irs;
    w[PERIOD_NUMBER] = period;
    const sip = Math.floor(period / KEY_PERIODS) === this.keyNumber ? this.current : this.previous;
    sip.hash(w, WORDS);
    return sip.lo;
  }

  /** The period of `now`. A new key is drawn when it is its turn. */
  private period(now: Micros): number {
    const period = Math.floor(now / PERIOD);
    const number = Math.floor(period / KEY_PERIODS);
    if (number !== this.keyNumber) {
      // After a long silence the old key is of no use any more: whatever it made has expired.
      this.previous = this.current;
      this.current = this.newKey();
      this.keyNumber = number;
    }
    return period;
  }

  private newKey(): SipHash {
    return new SipHash(randomKey(this.random));
  }
}

// ---- Options in the timestamp -------------------------------------------------------------------

const OPTION_BITS = 6;
const WSCALE_MASK = 0xf;
const SACK_BIT = 1 << 4;
const ECN_BIT = 1 << 5;

/**
 * TSval for `msNow`, our clock in milliseconds without an offset: at most 127 ms in the past, never
 * in the future.
 */
export function cookieTimestamp(
  msNow: number,
  wscale: number,
  sack: boolean,
  ecn: boolean,
): number {
  const bits =
    (wscale === ABSENT ? WSCALE_MASK : Math.min(wscale, 14)) |
    (sack ? SACK_BIT : 0) |
    (ecn ? ECN_BIT : 0);
  const ts = ((msNow >> OPTION_BITS) << OPTION_BITS) | bits;
  return ((ts - msNow) | 0) > 0 ? (ts - (1 << OPTION_BITS)) | 0 : ts;
}

/**
 * Puts what the timestamp brought back (`echo`, less the offset) into `syn`, as it stood in the
 * peer's SYN.
 */
export function readCookieTimestamp(echo: number, syn: Segment): void {
  const wscale = echo & WSCALE_MASK;
  syn.wscale = wscale === WSCALE_MASK ? ABSENT : wscale;
  syn.sackPermitted = (echo & SACK_BIT) !== 0;
  if ((echo & ECN_BIT) !== 0) syn.flags |= TcpFlag.ECE | TcpFlag.CWR;
}
