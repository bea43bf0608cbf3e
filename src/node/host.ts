/**
 * A stack in Node's event loop: the one place where the core meets a clock, a timer and a random
 * source.
 *
 *     the device is ready ─▶ its packets, then stack.run (the device's own callback)
 *     a user's call       ─▶ stack.onWake ─▶ one run at the end of this turn, for all its calls
 *     a deadline          ─▶ one timer of Node's for all the stack's timers
 *     a cable in memory   ─▶ stack.onPacketsWait ─▶ one look in the event loop's next turn
 */
import process from 'node:process';
import type { Micros } from '../base/time.js';
import { NEVER } from '../base/time.js';
import type { Device } from '../device/device.js';
import { Prefix } from '../ip/address.js';
import { Stack, type StackOptions } from '../stack/stack.js';
import { monotonicClock } from './clock.js';
import { SystemRandom, systemSecret } from './entropy.js';
import { LONGEST_MS } from './errors.js';
import { Turns } from './turns.js';

export interface HostOptions extends Partial<Omit<StackOptions, 'device' | 'addresses'>> {
  /** Where packets come and go. The host closes it with itself. */
  readonly device: Device;
  /** `198.18.0.2/24`, or a Prefix. */
  readonly addresses: readonly (string | Prefix)[];
  /** Default: `monotonicClock`. In whole microseconds; the device must tell the same time. */
  readonly clock?: () => Micros;
}

/**
 * What a process reads from a TUN device in one go is megabytes, and a window that is smaller makes
 * both sides take turns: so the receive buffer starts where Linux's would only grow to. Half of it
 * is window.
 */
const RMEM = { min: 4096, default: 8 << 20, max: 8 << 20 };
/**
 * Where round trips are short 1 MB is fastest by measurement: a larger one falls out of the
 * processor's cache. Long paths need more, and get it.
 */
const WMEM = { min: 4096, default: 1 << 20, max: 4 << 20 };

export class Host {
  readonly stack: Stack;
  readonly device: Device;
  readonly clock: () => Micros;
  /** @internal When its sockets and servers tell what happened. */
  readonly turns = new Turns(() => {
    process.nextTick(runInTick, this);
  });
  /** A turn of the stack is over: a good moment to show what happened in it. */
  onIdle: (() => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  private armedFor: Micros = NEVER;
  private runPending = false;
  private lookPending = false;
  private refs = 0;
  /** What holds the process while `refs` do, whatever the device. */
  private readonly keeper = setInterval(() => undefined, LONGEST_MS).unref();
  private readonly whenIdle: (() => void)[] = [];
  private closed = false;
  private readonly servers = new Set<{ close(): unknown }>();

  /** Throws AddressError for what is no address. */
  constructor(o: HostOptions) {
    this.clock = o.clock ?? monotonicClock;
    this.device = o.device;
    this.stack = new Stack({
      random: new SystemRandom(),
      secret: systemSecret(),
      // Uninitialised: every byte is written before anybody sees it.
      allocate: (n) => Buffer.allocUnsafeSlow(n),
      ...o,
      config: { rmem: RMEM, wmem: WMEM, ...o.config },
      addresses: o.addresses.map((a) => (typeof a === 'string' ? Prefix.parse(a) : a)),
    });
    this.stack.onWake = () => {
      this.runSoon();
    };
    this.stack.onTurnBegin = () => {
      this.turns.begin();
    };
    this.stack.onTurnEnd = () => {
      this.turns.end();
      this.arm();
      this.onIdle?.();
    };
    this.stack.onPacketsWait = () => {
      this.lookSoon();
    };
    this.device.unref?.();
    this.arm();
  }

  /** False after `close`: no socket opens any more. */
  get isOpen(): boolean {
    return !this.closed;
  }

  // ---- When the stack runs ----------------------------------------------------------------------

  /**
   * All that is written in one turn goes out together. nextTick runs after the code that writes and
   * before the event loop goes on, so a round trip does not wait for the loop's next turn, as it
   * would with setImmediate. What users are told meanwhile waits for turns of its own, so two
   * sockets that answer each other over loopback do not keep the event loop to themselves.
   */
  private runSoon(): void {
    if (this.runPending || this.closed) return;
    this.runPending = true;
    this.turns.runSoon();
  }

  /** @internal */
  run(): void {
    this.runPending = false;
    if (this.closed) return;
    this.turns.end();
    this.stack.run(this.clock());
  }

  /** Not in this turn: two hosts on one cable would hold the event loop between them. */
  private lookSoon(): void {
    if (this.lookPending || this.closed) return;
    this.lookPending = true;
    setImmediate(lookInTurn, this);
  }

  /** @internal The next turn of the event loop after `lookSoon`. */
  look(): void {
    this.lookPending = false;
    this.turns.begin();
    this.expire();
  }

  /**
   * @internal Node's timer fired. The event loop looks at timers before it looks at descriptors:
   *   after a pause of the process an ACK may have waited in the device since long before the
   *   deadline, and a retransmission that does not know of it is spurious. So packets come first,
   *   as they did.
   */
  fire(): void {
    this.timer = null;
    this.armedFor = NEVER;
    if (this.closed) return;
    this.turns.begin();
    this.device.poll?.();
    this.expire();
  }

  private expire(): void {
    if (this.closed) return;
    const now = this.clock();
    if (this.stack.nextTimeout() <= now) this.stack.onTimeout(now);
    this.turns.end();
    this.arm();
  }

  /**
   * Arms Node's timer when the next deadline is earlier than what it is armed for. A later one is
   * found out when it fires. Rounded up: a timer that fires before its deadline would only be armed
   * again.
   */
  private arm(): void {
    if (this.closed || this.lookPending) return;
    const next = this.stack.nextTimeout();
    if (next >= this.armedFor) return;
    if (this.timer !== null) clearTimeout(this.timer);
    this.armedFor = next;
    const wait = Math.max(0, Math.ceil((next - this.clock()) / 1000));
    this.timer = setTimeout(timerFires, Math.min(wait, LONGEST_MS), this).unref();
  }

  // ---- The life of the process ------------------------------------------------------------------

  /** Does something of it keep the process alive? */
  get holdsProcess(): boolean {
    return this.refs > 0;
  }

  /**
   * Something waits for the network: a server that listens, a socket that connects, reads or has
   * something to send. TIME-WAIT does not count, and neither does an idle device.
   */
  ref(): void {
    if (this.refs++ === 0) this.keeper.ref();
  }

  unref(): void {
    if (--this.refs > 0) return;
    this.keeper.unref();
    for (const tell of this.whenIdle.splice(0)) tell();
  }

  /**
   * Resolves when nothing keeps the process alive any more: no server, no socket, and all that was
   * written has been acknowledged or given up. The stack ends with its process, where the kernel's
   * would go on sending: a program that ends waits for this first, or `close` resets what is under
   * way.
   */
  idle(): Promise<void> {
    return this.refs === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /** @internal `close` closes these, too. */
  addServer(server: { close(): unknown }): void {
    this.servers.add(server);
  }

  /** @internal */
  removeServer(server: { close(): unknown }): void {
    this.servers.delete(server);
  }

  /** Servers close, every peer gets RST, then the device closes. Twice is harmless. */
  close(): void {
    if (this.closed) return;
    for (const server of [...this.servers]) server.close();
    this.turns.end();
    this.stack.close(this.clock());
    this.closed = true;
    clearInterval(this.keeper);
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.device.close();
  }
}

const runInTick = (host: Host): void => {
  host.run();
};

const lookInTurn = (host: Host): void => {
  host.look();
};

const timerFires = (host: Host): void => {
  host.fire();
};
