/**
 * The state that loss recovery keeps between ACKs: its state, the reduction that may be undone, and
 * the outstanding tail loss probe. Each `Sender` has one of each. The rules that use them are in
 * recovery.ts, undo.ts and loss-probe.ts.
 */
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import { CaState } from '../congestion/ack-sample.js';

/** RFC 5681 section 3.2: the third duplicate ACK indicates that a segment is lost. */
export const DUPLICATE_ACK_THRESHOLD = 3;

export class Undo {
  /** A reduction is in progress that may be undone. It began when SND.UNA was `marker`. */
  armed = false;
  marker: Seq = 0;
  /** Segments retransmitted since then and not reported as duplicates; -1 before the first. */
  resent: Segments = -1;
  /** When the first retransmission was sent, in microseconds; NaN without one. */
  firstResentAt: Micros = NaN;
  /**
   * Undoing also restores cwnd and ssthresh. False after an ECN mark, because a mark is never
   * spurious.
   */
  restoresCwnd = false;

  arm(una: Seq, resentInFlight: number): void {
    this.armed = true;
    this.marker = una;
    this.resent = resentInFlight > 0 ? resentInFlight : -1;
  }

  withdraw(): void {
    this.armed = false;
    this.restoresCwnd = false;
  }

  /** `segments` segments were retransmitted. */
  onResent(segments: Segments, now: Micros): void {
    if (Number.isNaN(this.firstResentAt)) this.firstResentAt = now;
    this.resent = Math.max(this.resent, 0) + segments;
  }

  /** `segments` retransmitted segments were reported as duplicates. */
  onDuplicate(segments: Segments): void {
    if (this.armed && this.resent > 0) this.resent = Math.max(0, this.resent - segments);
  }
}

export class Recovery {
  state: CaState = CaState.open;
  /** SND.NXT when the state was entered: RFC 6675's RecoveryPoint, RFC 6582's recover. */
  highSeq: Seq;
  /** Largest reordering seen on the path, in segments, at least 3; and how often it was seen. */
  reordering: Segments = DUPLICATE_ACK_THRESHOLD;
  reorderSeen = 0;
  /** F-RTO (RFC 5682) is checking whether the timeout was spurious. */
  frto = false;
  /**
   * F-RTO step 2b: new data is sent before segments that are marked lost. After it, `resendHeld`
   * holds retransmissions until the next ACK.
   */
  newDataFirst = false;
  resendHeld = false;
  readonly undo = new Undo();

  constructor(iss: Seq) {
    this.highSeq = iss;
  }

  /** PRR is reducing cwnd. */
  get isReducing(): boolean {
    return this.state === CaState.cwr || this.state === CaState.recovery;
  }
}

/** The outstanding tail loss probe, at most one: TLP.end_seq and TLP.is_retrans. */
export class LossProbe {
  /** SND.NXT when it was sent; null if none is outstanding. */
  end: Seq | null = null;
  retransmitted = false;
}
