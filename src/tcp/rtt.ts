/** The retransmission timeout from measured round trips: RFC 6298. All in microseconds. */
import type { Micros } from '../base/time.js';

/** RFC 6298 section 2: G, the clock's granularity. Ours is a microsecond, so it never shows. */
const GRANULARITY: Micros = 1;

export class RttEstimator {
  /** 0 before the first sample. */
  srtt: Micros = 0;
  rttvar: Micros = 0;
  /** The smallest sample so far, Infinity before the first. */
  minRtt: Micros = Infinity;
  /** How often the timer expired without an ACK of new data: RTO is doubled so often. */
  backoff = 0;
  private base: Micros;
  private readonly min: Micros;
  private readonly max: Micros;

  constructor(initial: Micros, min: Micros, max: Micros) {
    this.base = initial;
    this.min = min;
    this.max = max;
  }

  get hasSample(): boolean {
    return this.srtt > 0;
  }

  /** The timeout to arm now, backoff included (5.5). */
  get rto(): Micros {
    return Math.min(this.base * 2 ** this.backoff, this.max);
  }

  /** RFC 6298 2.2 and 2.3. RTTVAR takes the old SRTT, so it goes first. */
  sample(r: Micros): void {
    if (r < 1) r = 1;
    if (r < this.minRtt) this.minRtt = r;
    if (this.srtt === 0) {
      this.srtt = r;
      this.rttvar = r / 2;
    } else {
      this.rttvar += (Math.abs(this.srtt - r) - this.rttvar) / 4;
      this.srtt += (r - this.srtt) / 8;
    }
    // As Linux, the floor is on the variance's term, not on the sum: RTO = SRTT + max(4 RTTVAR, 200 ms). It is never
    // below the RFC's max(minRto, SRTT + 4 RTTVAR).
    this.base = this.srtt + Math.max(GRANULARITY, 4 * this.rttvar, this.min);
  }

  /** RFC 6298 5.7: a SYN that had to be sent again says that the first guess was too short. */
  setAfterLostSyn(): void {
    if (!this.hasSample && this.base < 3_000_000) this.base = 3_000_000;
  }
}

/**
 * The time that `retries` timeouts take when the first is `rto` and each next one is doubled up to `max`: how Linux turns
 * tcp_retries2 into a time (15 from 200 ms: 924.6 s).
 */
export function backoffTime(retries: number, rto: Micros, max: Micros): Micros {
  if (retries === Infinity) return Infinity;
  let total = 0;
  for (let i = 0; i <= retries; i++) total += Math.min(rto * 2 ** i, max);
  return total;
}
