/**
 * SYN cookies (RFC 4987 section 3.6 and appendix A, as in Linux). The state of a half-open
 * connection is sent to the peer and comes back with its ACK, so that a SYN needs no memory. The
 * initial sequence number is the cookie:
 *
 *     cookie = SipHash(key, addresses, ports, peer's ISN, minute) xor MSS index
 *
 * It has 32 bits, of which 2 select the MSS. A cookie is valid in the minute in which it was made
 * and in the next. A guess hits with a chance of two minutes times four MSSs in 2^32, as in Linux,
 * and a key is used for 15 minutes only. The SYN's other options are stored in the low six bits of
 * the timestamp:
 *
 *     TSval (before the connection's offset)   ... | ECN | SACK | window shift (4 bits, 15: none)
 *
 * Without timestamps these options are off. A lost SYN,ACK is not retransmitted, because no state
 * is kept; the peer retransmits its SYN.
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
/** Number of periods in which one key makes cookies. */
const KEY_PERIODS = 15;

/**
 * MSS values by index, in ascending order: Linux's tables of frequent values. A cookie holds the
 * largest that is not above the peer's MSS.
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

  /** Sets the four-tuple for the next `make` or `check`. */
  about(tuple: Tuple): void {
    tuple.writeTo(this.words);
  }

  /**
   * Makes the cookie, an initial sequence number, for a SYN with sequence number `irs` from a peer
   * with an MSS of `mss` bytes.
   */
  make(irs: Seq, mss: number, table: readonly number[], now: Micros): Seq {
    let index = table.length - 1;
    while (index > 0 && table[index]! > mss) index--;
    return this.hash(irs, this.period(now)) ^ index;
  }

  /**
   * The MSS stored in `cookie`, for a SYN with `irs`. Returns 0 if the cookie is invalid or
   * expired.
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

  /** The period of `now`. Makes a new key when one is due. */
  private period(now: Micros): number {
    const period = Math.floor(now / PERIOD);
    const number = Math.floor(period / KEY_PERIODS);
    if (number !== this.keyNumber) {
      // After a long pause `previous` may be much older than one key period. That does no harm,
      // because all its cookies have expired.
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
 * The TSval that holds the options. `msNow`: the clock in milliseconds, without an offset. The
 * result is at most 127 ms in the past and never in the future.
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
 * Copies the options from an echoed timestamp (`echo`, without the offset) into `syn`, as they were
 * in the peer's SYN.
 */
export function readCookieTimestamp(echo: number, syn: Segment): void {
  const wscale = echo & WSCALE_MASK;
  syn.wscale = wscale === WSCALE_MASK ? ABSENT : wscale;
  syn.sackPermitted = (echo & SACK_BIT) !== 0;
  if ((echo & ECN_BIT) !== 0) syn.flags |= TcpFlag.ECE | TcpFlag.CWR;
}
