/**
 * What loss recovery remembers between ACKs: its state and what led to it, the reduction that may
 * be undone, the tail loss probe that is out. Each `Sender` has one of each; the rules that read
 * and change them are in recovery.ts, undo.ts and loss-probe.ts.
 */
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Segments } from '../../base/units.js';
import { CaState } from '../congestion/ack-sample.js';

/** RFC 5681 section 3.2: the third duplicate says that a segment is lost rather than late. */
export const DUPLICATE_ACK_THRESHOLD = 3;

export class Undo {
  /** An episode is under way that could be undone; it began with SND.UNA at `marker`. */
  armed = false;
  marker: Seq = 0;
  /** Segments sent again in it and not yet reported as duplicates; -1 while there was none. */
  resent: Segments = -1;
  /**
   * When the first retransmission went out, on our timestamp clock's microseconds; NaN without one.
   */
  firstResentAt: Micros = NaN;
  /** cwnd and ssthresh are given back, too: not after an ECN mark, which was no mistake. */
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

  /** `segments` are sent again. */
  onResent(segments: Segments, now: Micros): void {
    if (Number.isNaN(this.firstResentAt)) this.firstResentAt = now;
    this.resent = Math.max(this.resent, 0) + segments;
  }

  /** `segments` that were sent again had arrived before. */
  onDuplicate(segments: Segments): void {
    if (this.armed && this.resent > 0) this.resent = Math.max(0, this.resent - segments);
  }
}

export class Recovery {
  state: CaState = CaState.open;
  /** SND.NXT when the state was entered: RFC 6675's RecoveryPoint, RFC 6582's recover. */
  highSeq: Seq;
  /**
   * How many segments the network was seen to reorder by, at least; and how often that was seen.
   */
  reordering: Segments = DUPLICATE_ACK_THRESHOLD;
  reorderSeen = 0;
  /** F-RTO (RFC 5682) is finding out whether the timeout was spurious. */
  frto = false;
  /**
   * F-RTO step 2b: new data goes before what is marked lost; once it went, the rest waits for the
   * next ACK.
   */
  newDataFirst = false;
  resendHeld = false;
  readonly undo = new Undo();

  constructor(iss: Seq) {
    this.highSeq = iss;
  }

  /** cwnd is on its way down, by PRR. */
  get isReducing(): boolean {
    return this.state === CaState.cwr || this.state === CaState.recovery;
  }
}

/** One probe at most is out: TLP.end_seq and TLP.is_retrans. */
export class LossProbe {
  /** SND.NXT when it was sent; null when none is out. */
  end: Seq | null = null;
  retransmitted = false;
}
