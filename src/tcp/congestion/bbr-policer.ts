/**
 * Policers, for BBR: some networks let a burst through at full speed and then drop whatever is
 * above a contracted rate. The fastest rate of late is then the wrong one to send at. Two intervals
 * in a row, each with a fifth of its segments lost and both at much the same rate, are taken for a
 * policer's work: for 48 round trips that rate is used, then the path is asked again ("long-term
 * bandwidth", lt_bw in Linux).
 */
import { SECOND, type Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

const MIN_ROUNDS = 4;
const MAX_ROUNDS = 4 * MIN_ROUNDS;
/** Lost for each delivered, at least. */
const LOSS = 50 / 256;
/** Rates are alike within an eighth, or within 4 kbit/s. */
const ALIKE = 1 / 8;
const ALIKE_BYTES = 500;
const ROUNDS_IN_USE = 48;
const SHORTEST: Micros = 1000;

export class PolicerDetector {
  /** Segments a microsecond, once `inUse`. */
  bandwidth = 0;
  inUse = false;
  private sampling = false;
  private rounds = 0;
  /** Segments taken for lost so far: also by ACKs that tell no rate. */
  lost: Segments = 0;
  private startLost: Segments = 0;
  private startDelivered: Segments = 0;
  private startedAt: Micros = 0;

  /**
   * True when the policer's rate was used long enough: probe for bandwidth anew. `cruising`: BBR is
   * in PROBE_BW.
   */
  onAck(s: AckSample, roundStart: boolean, cruising: boolean): boolean {
    if (this.inUse) {
      if (!cruising || !roundStart || ++this.rounds < ROUNDS_IN_USE) return false;
      this.reset(s);
      return true;
    }
    if (!this.sampling) {
      if (s.lost === 0) return false;
      // An interval begins and ends with a loss: then the policer's bucket is empty at both ends.
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
