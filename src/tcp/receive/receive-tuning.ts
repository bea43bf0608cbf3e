/**
 * Dynamic right-sizing: the window is twice what the user reads in one round trip, because the peer
 * may double its rate. The buffer is sized for that window.
 *
 * A receiver that sends no data has no round-trip samples of its own. It takes them from the echoes
 * of its timestamps, or from the time in which the peer fills a window. The latter is too long for
 * a slow peer, which then gets a larger window than it needs. This is Linux's tcp_rcv_space_adjust
 * and tcp_rcv_rtt_measure.
 */
import { seqAdd, seqLt, type Seq } from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';

import { TCP_INIT_CWND } from '../linux-constants.js';

export class ReceiveTuning {
  /** The receiver's estimate of the round-trip time; 0 if unknown. */
  rtt: Micros = 0;
  /** Most bytes read in a round trip. */
  space: Bytes = 0;
  /** Bytes that the user has read in total. */
  private read: Bytes = 0;
  private readBefore: Bytes = 0;
  private since: Micros = 0;
  private windowEnd: Seq = 0;
  private windowAt: Micros = 0;
  private lastEcho = 0;

  /** Starts a new connection. `window`: its first receive window in bytes. */
  start(window: Bytes, mss: Bytes, now: Micros): void {
    this.space = Math.min(window, TCP_INIT_CWND * mss);
    this.since = now;
  }

  userRead(bytes: Bytes): void {
    this.read += bytes;
  }

  /**
   * In-order data arrived up to `nxt`. Without timestamps a window of data is taken as at least one
   * round trip.
   */
  measureWindow(nxt: Seq, wnd: Bytes, now: Micros): void {
    if (this.windowAt > 0) {
      if (seqLt(nxt, this.windowEnd)) return;
      const sample = Math.max(1, now - this.windowAt);
      // Only a smaller sample counts, because the peer may have sent less than the window allowed.
      if (this.rtt === 0 || sample < this.rtt) this.rtt = sample;
    }
    this.windowEnd = seqAdd(nxt, wnd);
    this.windowAt = now;
  }

  /**
   * A full segment echoed our timestamp `echo`, which was sent `age` ago. Only the first echo of
   * each timestamp is a sample.
   */
  measureEcho(echo: number, age: Micros): void {
    if (echo === this.lastEcho || age < 0) return;
    this.lastEcho = echo;
    this.rtt = this.rtt === 0 ? age : this.rtt + (age - this.rtt) / 8;
  }

  /**
   * Once per round trip: returns the wanted window in bytes, or 0 if the current one is sufficient.
   * `unread`: bytes in the queue.
   */
  adjust(unread: Bytes, now: Micros): Bytes {
    const elapsed = now - this.since;
    if (this.rtt === 0 || elapsed < this.rtt) return 0;
    // Unread bytes do not count, because the user limits the rate.
    const taken = this.read - this.readBefore - unread;
    this.readBefore = this.read;
    this.since = now;
    if (taken <= this.space) return 0;
    const growth = (taken - this.space) / this.space;
    this.space = taken;
    // The measured data was sent one round trip ago. By now the rate has probably grown by the same
    // factor again.
    return Math.ceil(2 * taken * (1 + 2 * growth));
  }
}
