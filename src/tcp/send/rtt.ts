/**
 * The retransmission timeout from measured round trips: RFC 6298. All in microseconds.
 *
 * In the linux profile the variance term falls more slowly than the RFC's: it is the largest
 * deviation of a round trip of data, and comes down by a quarter of the difference for each. A path
 * whose delay jumps now and then keeps its caution longer.
 */
import { doubled } from '../../base/exact-math.js';
import { seqGt, type Seq } from '../../base/seq.js';
import { MINUTE, type Micros } from '../../base/time.js';
import { TCP_TIMEOUT_FALLBACK } from '../linux-constants.js';

/** RFC 6298 section 2: G, the clock's granularity. Ours is a microsecond, so it never shows. */
const GRANULARITY: Micros = 1;
/** Linux's tcp_min_rtt_wlen: the smallest round trip of this long. */
const MIN_RTT_WINDOW: Micros = 5 * MINUTE;

export class RttEstimator {
  /** 0 before the first sample. */
  srtt: Micros = 0;
  rttvar: Micros = 0;
  /** The smallest sample of the last minutes, Infinity before the first. */
  minRtt: Micros = Infinity;
  private minRttAt: Micros = 0;
  /** Number of timeouts without an ACK of new data; each doubles the RTO. */
  backoff = 0;
  /** The RTO without backoff. */
  private base: Micros = 0;
  /** The minimum of the variance term, `TcpConfig.minRto`. */
  private readonly minRto: Micros;
  /** The maximum (tcp_rto_max_ms), which also limits the waits of probes and SYNs. */
  maxRto: Micros;
  /** The largest deviation of each round is kept, as in Linux: `TcpConfig.rtoHoldsVariance`. */
  private readonly holdsVariance: boolean;
  /** The variance term of the RTO: 4 RTTVAR, or the larger value that is held. */
  private margin: Micros = 0;
  /** The largest 4 RTTVAR since `roundEnd` was set: a round is over when SND.UNA passes it. */
  private largest: Micros = 0;
  private roundEnd: Seq = 0;

  constructor(initial: Micros, minRto: Micros, maxRto: Micros, holdsVariance = false) {
    this.base = initial;
    this.rttvar = initial / 4;
    this.minRto = minRto;
    this.maxRto = maxRto;
    this.holdsVariance = holdsVariance;
  }

  get hasSample(): boolean {
    return this.srtt > 0;
  }

  /** The timeout to arm now, backoff included (5.5). */
  get rto(): Micros {
    return Math.min(doubled(this.base, this.backoff), this.maxRto);
  }

  /** Updates `minRtt` with a round trip that took `r`. */
  noteMinRtt(r: Micros, now: Micros): void {
    if (r > this.minRtt && now - this.minRttAt < MIN_RTT_WINDOW) return;
    this.minRtt = Math.max(r, 1);
    this.minRttAt = now;
  }

  /** RFC 6298 2.2 and 2.3. RTTVAR takes the old SRTT, so it goes first. */
  sample(r: Micros, una: Seq = 0, nxt: Seq = 0): void {
    if (r < 1) r = 1;
    if (this.srtt === 0) {
      this.srtt = r;
      this.rttvar = r / 2;
      this.margin = Math.max(4 * this.rttvar, this.minRto);
      this.largest = this.margin;
      this.roundEnd = nxt;
    } else {
      const deviation = Math.abs(this.srtt - r);
      // Linux: a round trip shorter than expected moves the variance by an eighth of what it would,
      // or the path's getting better would raise RTO.
      const calm = this.holdsVariance && r < this.srtt && deviation > this.rttvar;
      this.rttvar += (deviation - this.rttvar) / (calm ? 32 : 4);
      this.srtt += (r - this.srtt) / 8;
      this.holdMargin(una, nxt);
    }
    // As in Linux, the minimum applies to the variance term, not to the sum: RTO = SRTT + max(4
    // RTTVAR, minRto). That is never less than the RFC's max(minRto, SRTT + 4 RTTVAR).
    this.base =
      this.srtt +
      Math.max(GRANULARITY, this.holdsVariance ? this.margin : 4 * this.rttvar, this.minRto);
  }

  private holdMargin(una: Seq, nxt: Seq): void {
    this.largest = Math.max(this.largest, 4 * this.rttvar);
    this.margin = Math.max(this.margin, this.largest);
    if (!seqGt(una, this.roundEnd)) return;
    if (this.largest < this.margin) this.margin -= (this.margin - this.largest) / 4;
    this.roundEnd = nxt;
    this.largest = this.minRto;
  }

  /**
   * The handshake is over. RFC 6298 5.7: without a sample, because the SYN was lost, the first
   * guess of RTO may have been too short. As in Linux the same holds if a cookie came back, which
   * remembers no time.
   */
  endHandshake(synLost: boolean): void {
    if (this.hasSample || this.base >= TCP_TIMEOUT_FALLBACK || !(synLost || this.holdsVariance))
      return;
    this.base = TCP_TIMEOUT_FALLBACK;
    this.rttvar = TCP_TIMEOUT_FALLBACK / 4;
  }
}

/**
 * The time that `retries` timeouts take when the first is `rto` and each next one is doubled up to
 * `max`: how Linux turns tcp_retries2 into a time (15 from 200 ms: 924.6 s).
 */
export function backoffTime(retries: number, rto: Micros, max: Micros): Micros {
  if (retries === Infinity) return Infinity;
  let total = 0;
  for (let i = 0; i <= retries; i++) total += Math.min(doubled(rto, i), max);
  return total;
}
