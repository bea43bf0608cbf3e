/**
 * Decides when slow start ends before a loss. CUBIC calls it for each ACK in slow start. It is
 * implemented in hystart.ts and hystart-plus-plus.ts; `UntilLoss` never ends slow start.
 */
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

export interface SlowStartExit {
  /**
   * Returns the number of segments by which cwnd may grow for the `s.acked` segments of an ACK in
   * slow start.
   */
  growth(s: AckSample, cwnd: Segments): Segments;
  /**
   * Read after `growth`: slow start ends with this ACK, and ssthresh becomes cwnd. True only once,
   * because a slow start after a pause ends at ssthresh.
   */
  readonly done: boolean;
  /** A congestion event: the initial slow start is over. */
  onCongestion(): void;
}

/** Slow start continues until a loss. */
export class UntilLoss implements SlowStartExit {
  readonly done = false;
  growth(s: AckSample): Segments {
    return s.acked;
  }
  onCongestion(): void {}
}
