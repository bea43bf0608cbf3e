/**
 * Detects policers, for BBR. Some networks let a burst pass at full speed and then drop everything
 * above a contracted rate, so the fastest recent rate is too high. If two consecutive intervals
 * each lose a fifth as many segments as they deliver, at about the same rate, a policer is assumed.
 * Its rate is then used for 48 round trips, before bandwidth is probed again ("long-term
 * bandwidth", lt_bw in Linux).
 */
import { SECOND, type Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

const MIN_ROUNDS = 4;
const MAX_ROUNDS = 4 * MIN_ROUNDS;
/** Minimum number of lost segments for each delivered one. */
const LOSS = 50 / 256;
/** Two rates count as equal if they differ by at most an eighth or 4 kbit/s. */
const ALIKE = 1 / 8;
const ALIKE_BYTES = 500;
const ROUNDS_IN_USE = 48;
const SHORTEST: Micros = 1000;

export class PolicerDetector {
  /** Segments per microsecond; valid if `inUse`. */
  bandwidth = 0;
  inUse = false;
  private sampling = false;
  private rounds = 0;
  /** Segments marked lost so far, including by ACKs without a rate sample. */
  lost: Segments = 0;
  private startLost: Segments = 0;
  private startDelivered: Segments = 0;
  private startedAt: Micros = 0;

  /**
   * True if the policer's rate was used long enough, so that bandwidth must be probed again.
   * `cruising`: BBR is in PROBE_BW.
   */
  onAck(s: AckSample, roundStart: boolean, cruising: boolean): boolean {
    if (this.inUse) {
      if (!cruising || !roundStart || ++this.rounds < ROUNDS_IN_USE) return false;
      this.reset(s);
      return true;
    }
    if (!this.sampling) {
      if (s.lost === 0) return false;
      // An interval begins and ends with a loss, because the policer's bucket is empty then.
      this.startInterval(s);
      this.sampling = true;
    }
    if (s.appLimited) {
      this.reset(s);
      return false;
    }
    if (roundStart) this.rounds++;
    if (this.rounds < MIN_ROUNDS) return false;
    if (this.rounds > MAX_ROUNDS) {
      this.reset(s);
      return false;
    }
    if (s.lost > 0) this.endInterval(s);
    return false;
  }

  reset(s: AckSample | null): void {
    this.bandwidth = 0;
    this.inUse = false;
    this.sampling = false;
    if (s !== null) this.startInterval(s);
  }

  private endInterval(s: AckSample): void {
    const delivered = s.delivered - this.startDelivered;
    const time = s.now - this.startedAt;
    if (delivered <= 0 || this.lost - this.startLost < LOSS * delivered || time < SHORTEST) return;
    const bandwidth = delivered / time;
    const difference = Math.abs(bandwidth - this.bandwidth);
    const alike =
      difference <= ALIKE * this.bandwidth || difference * s.mss * SECOND <= ALIKE_BYTES;
    if (this.bandwidth > 0 && alike) {
      this.bandwidth = (bandwidth + this.bandwidth) / 2;
      this.inUse = true;
      this.rounds = 0;
    } else {
      this.bandwidth = bandwidth;
      this.startInterval(s);
    }
  }

  private startInterval(s: AckSample): void {
    this.startedAt = s.now;
    this.startDelivered = s.delivered;
    this.startLost = this.lost;
    this.rounds = 0;
  }
}
