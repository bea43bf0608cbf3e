/**
 * What a connection's time goes by, as Linux's tcp_chrono tells it in TCP_INFO: busy while data
 * waits or is in flight, and of that how long the peer's window or the user's send buffer was what
 * held it up. One clock runs at a time; nothing is counted but when another one is to run.
 */
import type { Micros } from '../../base/time.js';

export const Chrono = { idle: 0, busy: 1, window: 2, buffer: 3 } as const;
export type Chrono = (typeof Chrono)[keyof typeof Chrono];

export class ChronoClock {
  private running: Chrono = Chrono.idle;
  private since: Micros = 0;
  private busy: Micros = 0;
  private window: Micros = 0;
  private buffer: Micros = 0;

  run(kind: Chrono, now: Micros): void {
    if (kind === this.running) return;
    const spent = now - this.since;
    if (this.running === Chrono.busy) this.busy += spent;
    else if (this.running === Chrono.window) this.window += spent;
    else if (this.running === Chrono.buffer) this.buffer += spent;
    this.running = kind;
    this.since = now;
  }

  /** All time that was not idle, and of it the peer's window's and the send buffer's. */
  read(now: Micros): { busy: Micros; window: Micros; buffer: Micros } {
    const { running } = this;
    this.run(Chrono.idle, now);
    this.run(running, now);
    const { window, buffer } = this;
    return { busy: this.busy + window + buffer, window, buffer };
  }
}
