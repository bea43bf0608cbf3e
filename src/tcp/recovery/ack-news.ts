/**
 * What one ACK told the sender: gathered by ack.ts and sack.ts, judged by recovery.ts. One reused
 * object for each sender.
 */
import { seqLeq, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';

export class AckNews {
  priorUna: Seq = 0;
  /** The highest sequence number SACKed before this ACK; SND.UNA when there was none. */
  highestSacked: Seq = 0;
  unaAdvanced = false;
  /** Data (not only a SYN) was acknowledged; SYN or data was. */
  dataAcked = false;
  somethingAcked = false;
  /** SACK blocks covered something new. */
  dataSacked = false;
  /** Something that was sent once, before highSeq, was delivered (F-RTO's sign). */
  originalDelivered = false;
  /** Something that had been sent again was acknowledged. */
  resentAcked = false;
  /** A retransmission was lost again. */
  lostRetransmission = false;
  /** A D-SACK came; it reports the tail loss probe. */
  dsack = false;
  dsackOfProbe = false;
  ece = false;
  windowUpdate = false;
  /** The segment carried data, SYN or FIN: then it is no duplicate ACK. */
  carriesData = false;
  /** Duplicate ACKs that it stands for: 0 or 1. */
  duplicates = 0;
  /** SND.UNA stands on something that had been SACKed. */
  reneged = false;
  /** The retransmission timer is to be armed anew. */
  rearm = false;
  /** The echoed timestamp (TSecr); 0 without one. */
  echo = 0;
  /**
   * The lowest sequence number delivered now, sent once, and below what had been SACKed before:
   * reordering.
   */
  reordered: Seq = 0;
  isReordered = false;
  /**
   * When the first and the last of what was newly acknowledged (newly SACKed) and sent once was
   * sent; NaN: none.
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

  /** The ACK is neither progress nor news of the window: RFC 5681 section 2. */
  get mayBeDuplicate(): boolean {
    return !this.unaAdvanced && !this.carriesData && !this.windowUpdate && !this.dsack;
  }
}
