/**
 * A stack in Node's event loop: the one place where the core meets a clock, a timer and a random source.
 *
 *     the device is ready ─▶ its packets, then stack.run (the device's own callback)
 *     a user's call       ─▶ stack.onWake ─▶ one run at the end of this turn, for all calls made in it
 *     a deadline          ─▶ one timer of Node's for all the stack's timers
 */
import type { Micros } from '../base/time.js';
import { NEVER } from '../base/time.js';
import type { Device } from '../device/device.js';
import { Prefix } from '../ip/address.js';
import { Stack, type StackOptions } from '../stack/stack.js';
import { monotonicClock } from './clock.js';
import { SystemRandom, systemSecret } from './entropy.js';

export interface HostOptions extends Partial<Omit<StackOptions, 'device' | 'addresses' | 'now'>> {
  readonly device: Device;
  /** `198.18.0.2/24`, or a Prefix. */
  readonly addresses: readonly (string | Prefix)[];
  readonly clock?: () => Micros;
}

/** A device that can say whether it keeps the process alive. */
interface Refable {
  ref(): void;
  unref(): void;
}

/** setTimeout's longest, about 24 days. */
const LONGEST_MS = 0x7fff_ffff;

export class Host {
  readonly stack: Stack;
  readonly device: Device;
  readonly clock: () => Micros;
  /** A turn of the stack is over: a good moment to show what happened in it. */
  onIdle: (() => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  private armedFor: Micros = NEVER;
  private runPending = false;
  private refs = 0;
  private closed = false;

  constructor(o: HostOptions) {
    this.clock = o.clock ?? monotonicClock;
    this.device = o.device;
    this.stack = new Stack({
      random: new SystemRandom(),
      secret: systemSecret(),
      // Uninitialised: every byte is written before anybody sees it.
      allocate: (n) => Buffer.allocUnsafeSlow(n),
      ...o,
      addresses: o.addresses.map((a) => (typeof a === 'string' ? Prefix.parse(a) : a)),
      now: this.clock(),
    });
    this.stack.onWake = () => {
      this.runSoon();
    };
    this.stack.onTurnEnd = () => {
      this.arm();
      this.onIdle?.();
    };
    this.setRef(false);
    this.arm();
  }

  /**
   * All that is written in one turn goes out together: nextTick runs after the code that writes and before the event loop goes on, which costs a round trip
   * no wait for the next turn, as setImmediate would.
   */
  private runSoon(): void {
    if (this.runPending || this.closed) return;
    this.runPending = true;
    process.nextTick(runHost, this);
  }

  /** @internal */
  runNow(): void {
    this.runPending = false;
    if (!this.closed) this.stack.run(this.clock());
  }

  /** Arms Node's timer when the next deadline is earlier than what it is armed for. A later one is found out when it fires. */
  private arm(): void {
    if (this.closed) return;
    const next = this.stack.nextTimeout();
    if (next >= this.armedFor) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.armedFor = next;
    const wait = Math.max(0, Math.ceil((next - this.clock()) / 1000));
    this.timer = setTimeout(fireHost, Math.min(wait, LONGEST_MS), this);
    if (this.refs === 0) this.timer.unref();
  }

  /** @internal */
  fire(): void {
    this.timer = null;
    this.armedFor = NEVER;
    const now = this.clock();
    if (this.stack.nextTimeout() <= now) this.stack.onTimeout(now);
    this.arm();
  }

  /** Something that keeps the process alive was opened. TIME-WAIT does not count, and neither does an idle device. */
  ref(): void {
    if (this.refs++ === 0) this.setRef(true);
  }

  unref(): void {
    if (--this.refs === 0) this.setRef(false);
  }

  private setRef(on: boolean): void {
    const device = this.device as Device & Partial<Refable>;
    if (on) {
      device.ref?.();
      this.timer?.ref();
    } else {
      device.unref?.();
      this.timer?.unref();
    }
  }

  /** RST to every peer, then the device closes. Twice is harmless. */
  close(): void {
    if (this.closed) return;
    this.stack.close(this.clock());
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.device.close();
  }
}

const runHost = (host: Host): void => {
  host.runNow();
};

const fireHost = (host: Host): void => {
  host.fire();
};
