/**
 * What one ACK changed for the sender. ack.ts and sack.ts fill it in, recovery.ts evaluates it.
 * Each sender reuses one object.
 */
import { seqLeq, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';

export class AckNews {
  priorUna: Seq = 0;
  /** The highest sequence number SACKed before this ACK; SND.UNA if there was none. */
  highestSacked: Seq = 0;
  unaAdvanced = false;
  /** `dataAcked`: data was acknowledged, not only a SYN. `somethingAcked`: data or a SYN was. */
  dataAcked = false;
  somethingAcked = false;
  /** SACK blocks covered new data. */
  dataSacked = false;
  /**
   * A segment that ends at or below highSeq and was sent only once was delivered (used by F-RTO).
   */
  originalDelivered = false;
  /** A retransmitted segment was acknowledged. */
  resentAcked = false;
  /** A retransmission was lost again. */
  lostRetransmission = false;
  /** A D-SACK was received; `dsackOfProbe`: it reports the tail loss probe as a duplicate. */
  dsack = false;
  dsackOfProbe = false;
  ece = false;
  windowUpdate = false;
  /** The segment has data, SYN or FIN, so it is not a duplicate ACK. */
  carriesData = false;
  /** Number of duplicate ACKs that it counts as: 0 or 1. */
  duplicates = 0;
  /** SND.UNA is at data that was SACKed. */
  reneged = false;
  /** The retransmission timer must be restarted. */
  rearm = false;
  /** The echoed timestamp (TSecr); 0 without the option. */
  echo = 0;
  /**
   * If `isReordered`: the lowest sequence number that this ACK delivered, of segments sent only
   * once and below data that was SACKed before.
   */
  reordered: Seq = 0;
  isReordered = false;
  /**
   * When the first and last newly acknowledged (or newly SACKed) segments were sent, of those sent
   * only once; NaN without one.
   */
  firstAckedAt: Micros = NaN;
  lastAckedAt: Micros = NaN;
  firstSackedAt: Micros = NaN;
  lastSackedAt: Micros = NaN;

  start(una: Seq, highestSacked: Seq): void {
    this.priorUna = una;
    this.highestSacked = highestSacked;
    this.unaAdvanced = false;
    this.dataAcked = false;
    this.somethingAcked = false;
    this.dataSacked = false;
    this.originalDelivered = false;
    this.resentAcked = false;
    this.lostRetransmission = false;
    this.dsack = false;
    this.dsackOfProbe = false;
    this.ece = false;
    this.windowUpdate = false;
    this.carriesData = false;
    this.duplicates = 0;
    this.reneged = false;
    this.rearm = false;
    this.echo = 0;
    this.isReordered = false;
    this.firstAckedAt = NaN;
    this.lastAckedAt = NaN;
    this.firstSackedAt = NaN;
    this.lastSackedAt = NaN;
  }

  noteReordered(start: Seq): void {
    if (this.isReordered && seqLeq(this.reordered, start)) return;
    this.isReordered = true;
    this.reordered = start;
  }

  /** The ACK neither acknowledges new data nor changes the window: RFC 5681 section 2. */
  get mayBeDuplicate(): boolean {
    return !this.unaAdvanced && !this.carriesData && !this.windowUpdate && !this.dsack;
  }
}
