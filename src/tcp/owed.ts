/**
 * What a connection owes its peer. Input, timers and the user's calls note it; output (output.ts)
 * sends it, in this order:
 *
 *     1  RST                              reset
 *     2  SYN or SYN,ACK                   syn
 *     3  duplicate ACKs                                rcv.duplicates
 *     4  tail loss probe                  lossProbe
 *     5  what is lost                                  snd.sent (the scoreboard)
 *     6  new data and the FIN                          snd.buffer, snd.finQueued
 *     7  ACK, at once or delayed                       rcv.ackNow, rcv.ack
 *     8  zero-window probe, keep-alive    probe
 *
 * The left column is owed by the connection as a whole and is kept here. The right column stays
 * with the half that decides about it, because each half works, and is tested, without a
 * connection; a copy here could disagree with it. A challenge ACK and a window update are immediate
 * ACKs: both set `rcv.ackNow`.
 *
 * Two exceptions: F-RTO sends 6 before 5 (RFC 5682 section 2.1 step 2b), and with SACK the data of
 * 6 carries the last duplicate ACK.
 */
import type { Seq } from '../base/seq.js';

/** A RST that goes out with the next output. */
export interface OwedReset {
  readonly seq: Seq;
  /** Null: without ACK. */
  readonly ack: Seq | null;
  /** TSecr; null: without timestamps. */
  readonly echo: number | null;
  /** The RST answers a segment, so its TSval is 0 (RFC 7323 section 5.2). */
  readonly isAnswer: boolean;
}

export class Owed {
  reset: OwedReset | null = null;
  /** A SYN or SYN,ACK; a retransmission if one was sent before. */
  syn = false;
  /** The probe's timer expired (RFC 8985 section 7.3). */
  lossProbe = false;
  probe = false;

  /** The connection ends: only its RST still goes out. */
  keepOnlyReset(): void {
    this.syn = false;
    this.lossProbe = false;
    this.probe = false;
  }
}
