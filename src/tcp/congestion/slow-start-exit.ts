/**
 * When does slow start end before there is loss? What CUBIC asks for each ACK in slow start;
 * answered by hystart.ts, hystart-plus-plus.ts, or nobody.
 */
import type { Segments } from '../../base/units.js';
import type { AckSample } from './ack-sample.js';

export interface SlowStartExit {
  /** An ACK in slow start: by how many segments may cwnd grow for the `s.acked` that it brought? */
  growth(s: AckSample, cwnd: Segments): Segments;
  /**
   * Asked after `growth`: slow start is over with this ACK, ssthresh is cwnd. Said once: a slow
   * start after a pause runs up to ssthresh.
   */
  readonly done: boolean;
  /** Congestion came: the initial slow start is over for good. */
  onCongestion(): void;
}

/** Slow start goes on until something is lost. */
export class UntilLoss implements SlowStartExit {
  readonly done = false;
  growth(s: AckSample): Segments {
    return s.acked;
  }
  onCongestion(): void {}
}
