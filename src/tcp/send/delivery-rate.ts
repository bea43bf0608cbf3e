/**
 * Delivery rate samples: how many segments arrived in how much time (draft-ietf-ccwg-bbr section
 * 4.1). Each segment remembers, when it is sent, how much had been delivered by then; when it is
 * delivered itself, the difference over the time between is a rate.
 *
 *     rate = (delivered now - delivered when it was sent)
 *            / max(time of sending them, time of acknowledging them)
 *
 * The longer of both times, because ACKs that were delayed and arrive together must not look like a
 * fast network.
 */
import type { Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import type { AckSample } from '../congestion/ack-sample.js';
import type { SentQueue, SentSegment } from './sent-queue.js';
import { sentAfter } from './sent-queue.js';

export class DeliveryRate {
  /** C.delivered: segments delivered so far, each once. */
  delivered: Segments = 0;
  /** When `delivered` last grew; when the newest delivered segment was sent. */
  private deliveredAt: Micros = 0;
  private firstSentAt: Micros = 0;
  /**
   * While `delivered` is not beyond this, samples are limited by the application; 0 when they are
   * not. As in Linux, those of the first flight are: it is less than the path can take.
   */
  private appLimitedUntil: Segments = 1;

  /** Of the newest segment that the current ACK delivered; NaN without one. */
  private priorDeliveredAt: Micros = NaN;
  private priorDelivered: Segments = 0;
  private priorSentAt: Micros = 0;
  private priorEnd: Seq = 0;
  private sendInterval: Micros = 0;
  private appLimited = false;
  private retransmitted = false;

  /** The last good sample, for tcpi_delivery_rate: segments over microseconds. */
  lastDelivered: Segments = 0;
  lastInterval: Micros = 0;
  lastAppLimited = true;

  get isAppLimited(): boolean {
    return this.appLimitedUntil > 0;
  }

  /** `record` is being sent (again). `idle`: nothing was in flight before. */
  onSent(record: SentSegment, idle: boolean, now: Micros): void {
    if (idle) {
      this.firstSentAt = now;
      this.deliveredAt = now;
    }
    record.firstSentAt = this.firstSentAt;
    record.deliveredAt = this.deliveredAt;
    record.delivered = this.delivered;
    record.appLimited = this.appLimitedUntil > 0;
  }

  /**
   * `record` was delivered, cumulatively or by SACK; not the `whole` of it, when more of a
   * super-segment is to come.
   */
  onDelivered(record: SentSegment, whole = true): void {
    if (Number.isNaN(record.deliveredAt)) return;
    const isNewest =
      Number.isNaN(this.priorDeliveredAt) ||
      sentAfter(record.sentAt, record.end, this.priorSentAt, this.priorEnd);
    if (isNewest) {
      this.priorDeliveredAt = record.deliveredAt;
      this.priorDelivered = record.delivered;
      this.priorSentAt = record.sentAt;
      this.priorEnd = record.end;
      this.appLimited = record.appLimited;
      this.retransmitted = record.resent;
      this.sendInterval = record.sentAt - record.firstSentAt;
      this.firstSentAt = record.sentAt;
    }
    // a SACKed one is not counted again when it is acknowledged cumulatively
    if (whole) record.deliveredAt = NaN;
  }

  /**
   * What the sender has to send does not fill the window: from here on rates tell of it, not of the
   * path.
   */
  noteAppLimited(inFlight: Segments): void {
    this.appLimitedUntil = Math.max(this.delivered + inFlight, 1);
  }

  /** `delivered` when the newest segment of this ACK was sent; 0 without one. */
  get ackPriorDelivered(): Segments {
    return Number.isNaN(this.priorDeliveredAt) ? 0 : this.priorDelivered;
  }

  /**
   * The ACK is done: its sample into `s`, and ready for the next. `reneged`: SACKs were taken back,
   * so nothing can be said.
   */
  finish(
    s: AckSample,
    newlyDelivered: number,
    minRtt: Micros,
    reneged: boolean,
    now: Micros,
  ): void {
    if (this.appLimitedUntil > 0 && this.delivered > this.appLimitedUntil) this.appLimitedUntil = 0;
    if (newlyDelivered > 0) this.deliveredAt = now;
    s.delivered = this.delivered;
    s.priorDelivered = this.priorDelivered;
    s.appLimited = this.appLimited;
    s.retransmitted = this.retransmitted;
    s.rateDelivered = -1;
    s.interval = 0;
    const since = this.priorDeliveredAt;
    this.priorDeliveredAt = NaN;
    if (Number.isNaN(since) || reneged) {
      s.priorDelivered = 0;
      return;
    }
    const interval = Math.max(this.sendInterval, now - since);
    // Less than any round trip: the ACK was for a copy other than the one that we think of.
    if (interval < minRtt || interval <= 0) return;
    s.interval = interval;
    s.rateDelivered = this.delivered - s.priorDelivered;
    const better = s.rateDelivered * this.lastInterval >= this.lastDelivered * interval;
    if (!s.appLimited || better) {
      this.lastDelivered = s.rateDelivered;
      this.lastInterval = interval;
      this.lastAppLimited = s.appLimited;
    }
  }
}

/**
 * tcp_rate_check_app_limited: less than a segment waits, cwnd has room, and nothing lost waits to
 * be sent again.
 */
export const isAppLimited = (unsent: Bytes, mss: Bytes, sent: SentQueue, cwnd: Segments): boolean =>
  unsent < mss && sent.inFlight < cwnd && sent.lostOut <= sent.retransOut;
