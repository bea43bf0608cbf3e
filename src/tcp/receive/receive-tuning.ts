/**
 * Dynamic right-sizing: how much the user reads in one round trip says how large the window must be
 * to let the peer send as fast as that.
 *
 *     bytes read in the last round trip ──▶ twice that fits into the window (the peer may double its rate) ──▶ the buffer
 *
 * A receiver that sends nothing has no round-trip times of its own, so it takes them from the
 * echoes of its timestamps, or from how long the peer needs to fill a window: the latter is too
 * long for a slow peer, which then gets a larger window than it needs. Linux's tcp_rcv_space_adjust
 * and tcp_rcv_rtt_measure.
 */
import { seqAdd, seqLt, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';

/** tcp_rcv_space_adjust begins with the initial window's segments (RFC 6928). */
const INITIAL_SEGMENTS = 10;

export class ReceiveTuning {
  /** The round-trip time as the receiver sees it; 0 when unknown. */
  rtt: Micros = 0;
  /** The most that was read in a round trip. */
  space = 0;
  /** All that the user has read. */
  private read = 0;
  private readBefore = 0;
  private since: Micros = 0;
  private windowEnd: Seq = 0;
  private windowAt: Micros = 0;
  private lastEcho = 0;

  /** A new connection. `window`: what it offers at first. */
  start(window: number, mss: number, now: Micros): void {
    this.space = Math.min(window, INITIAL_SEGMENTS * mss);
    this.since = now;
  }

  userRead(bytes: number): void {
    this.read += bytes;
  }

  /**
   * Data came in order, up to `nxt`: without timestamps a window's worth of it takes a round trip
   * at least.
   */
  measureWindow(nxt: Seq, wnd: number, now: Micros): void {
    if (this.windowAt > 0) {
      if (seqLt(nxt, this.windowEnd)) return;
      const sample = Math.max(1, now - this.windowAt);
      // The peer may have sent less than it was allowed to: only a smaller sample tells something.
      if (this.rtt === 0 || sample < this.rtt) this.rtt = sample;
    }
    this.windowEnd = seqAdd(nxt, wnd);
    this.windowAt = now;
  }

  /**
   * A full segment echoed our timestamp `echo`, of `age` ago. The first echo of each is the sample.
   */
  measureEcho(echo: number, age: Micros): void {
    if (echo === this.lastEcho || age < 0) return;
    this.lastEcho = echo;
    this.rtt = this.rtt === 0 ? age : this.rtt + (age - this.rtt) / 8;
  }

  /**
   * Once a round trip: the window that is wanted now, or 0 when the one that is there will do.
   * `unread` bytes wait.
   */
  adjust(unread: number, now: Micros): number {
    const elapsed = now - this.since;
    if (this.rtt === 0 || elapsed < this.rtt) return 0;
    // What waits was not read as fast as it came: the user is what limits.
    const taken = this.read - this.readBefore - unread;
    this.readBefore = this.read;
    this.since = now;
    if (taken <= this.space) return 0;
    const growth = (taken - this.space) / this.space;
    this.space = taken;
    // What is measured now was sent a round trip ago, and by the rate at which it grew it will have
    // grown once more.
    return Math.ceil(2 * taken * (1 + 2 * growth));
  }
}
