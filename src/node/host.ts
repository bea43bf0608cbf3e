/**
 * A stack in Node's event loop. Only here does the core get a clock, a timer and a random source.
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
import { EventHub } from '../observe/event-hub.js';
import type { RecordSink } from '../record/log.js';
import { RecordedStack, type RecordOptions } from '../record/recorded-stack.js';
import { Stack, type StackOptions } from '../stack/stack.js';
import { epochOf, monotonicClock } from './clock.js';
import { SystemRandom, systemSecret } from './entropy.js';
import { ChannelSink } from './diagnostics.js';
import { LONGEST_MS } from './errors.js';
import { Turns } from './turns.js';
import { version } from './version.js';

export interface HostOptions extends Partial<Omit<StackOptions, 'device' | 'addresses'>> {
  /** The device for all packets. The host closes it at its own end. */
  readonly device: Device;
  /** `198.18.0.2/24`, or a Prefix. */
  readonly addresses: readonly (string | Prefix)[];
  /** Whole microseconds. Default: `monotonicClock`. The device must use the same clock. */
  readonly clock?: () => Micros;
  /**
   * Records all inputs of the stack. It gets the recording in large pieces, each valid during the
   * call: append them to a file, and `tcplab replay` runs the stack again (docs/recording.md).
   */
  readonly record?: RecordSink;
  readonly recordOptions?: RecordOptions;
}

/**
 * Bytes. One read of a TUN device can return megabytes. With a smaller window the two sides would
 * wait for each other. Therefore the receive buffer starts at the size to which Linux's grows. Half
 * of it is window.
 */
const RMEM = { min: 4096, default: 8 << 20, max: 8 << 20 };
/**
 * Bytes. 1 MB measured fastest for short round trips, because a larger buffer does not fit in the
 * CPU cache. The buffer grows for long paths, which need more.
 */
const WMEM = { min: 4096, default: 1 << 20, max: 4 << 20 };

/** How much of a recording a killed process may lose. */
const FLUSH_MS = 200;

export class Host {
  readonly stack: Stack;
  readonly device: Device;
  readonly clock: () => Micros;
  /** The stack's events: `host.events.subscribe((event) => ...)`. */
  readonly events: EventHub;
  /** @internal Decides when its sockets and servers emit their events. */
  readonly turns = new Turns(() => {
    process.nextTick(runInTick, this);
  });
  /** Called after each turn of the stack, for example to show what happened in it. */
  onIdle: (() => void) | null = null;
  private timer: NodeJS.Timeout | null = null;
  private armedFor: Micros = NEVER;
  private runPending = false;
  private lookPending = false;
  private refs = 0;
  /** Keeps the process alive while `refs` is not 0, whatever the device. */
  private readonly keeper = setInterval(() => undefined, LONGEST_MS).unref();
  private flusher: NodeJS.Timeout | null = null;
  private readonly whenIdle: (() => void)[] = [];
  private closed = false;
  private readonly servers = new Set<{ close(): unknown }>();

  /** Throws AddressError for an invalid address. */
  constructor(o: HostOptions) {
    this.clock = o.clock ?? monotonicClock;
    this.device = o.device;
    const options: StackOptions = {
      random: new SystemRandom(),
      secret: systemSecret(),
      // Uninitialised, because every byte is written before it is read.
      allocate: (n) => Buffer.allocUnsafeSlow(n),
      ...o,
      config: { rmem: RMEM, wmem: WMEM, ...o.config },
      addresses: o.addresses.map((a) => (typeof a === 'string' ? Prefix.parse(a) : a)),
    };
    this.stack =
      o.record === undefined
        ? new Stack(options)
        : this.recordedStack(options, o.record, o.recordOptions);
    const start = this.clock();
    this.events = new EventHub(this.stack, {
      start,
      startedAt: epochOf(this.clock) + start,
      version,
    });
    const channel = new ChannelSink(this, this.events);
    this.stack.onWake = () => {
      this.runSoon();
    };
    this.stack.onTurnBegin = () => {
      this.turns.begin();
    };
    this.stack.onTurnEnd = () => {
      this.turns.end();
      this.arm();
      channel.check();
      this.onIdle?.();
    };
    this.stack.onPacketsWait = () => {
      this.lookSoon();
    };
    this.device.unref?.();
    this.arm();
  }

  /** Hands on what was recorded several times a second, because the process may be killed. */
  private recordedStack(options: StackOptions, sink: RecordSink, record?: RecordOptions): Stack {
    const epoch = epochOf(this.clock);
    const stack = new RecordedStack(options, sink, { epoch, ...record });
    this.flusher = setInterval(() => {
      stack.flushRecording();
    }, FLUSH_MS).unref();
    return stack;
  }

  /** False after `close`; sockets can then no longer be opened. */
  get isOpen(): boolean {
    return !this.closed;
  }

  // ---- When the stack runs ----------------------------------------------------------------------

  /**
   * Runs the stack once for all calls of one turn. nextTick runs after the code that writes and
   * before the event loop continues, so a round trip does not wait for the loop's next turn, as it
   * would with setImmediate. Events for the user meanwhile wait for turns of their own. Therefore
   * two sockets that answer each other over loopback do not block the event loop.
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

  /** Calls `look` in the next turn, because two hosts on one cable would block the event loop. */
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
   * @internal Node's timer fired. The event loop runs timers before descriptors. After a pause of
   *   the process an ACK may have waited in the device since before the deadline, and a
   *   retransmission would be spurious. Therefore the packets are read first.
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
   * Arms Node's timer if the next deadline is earlier than the one it is armed for. A later
   * deadline is found when the timer fires. The delay is rounded up, because a timer that fires
   * before its deadline would have to be armed again.
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

  /** True while the host keeps the process alive. */
  get holdsProcess(): boolean {
    return this.refs > 0;
  }

  /**
   * Counts an object that waits for the network: a server that listens, or a socket that connects,
   * reads or has data to send. Neither TIME-WAIT nor an idle device counts.
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
   * Resolves when nothing keeps the process alive: there is no server and no socket, and all
   * written data has been acknowledged or given up. Unlike the kernel's, the stack ends with its
   * process. Therefore a program waits for this before it ends; otherwise `close` resets the
   * connections.
   */
  idle(): Promise<void> {
    return this.refs === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.whenIdle.push(resolve));
  }

  /** @internal Makes `close` close this server too. */
  addServer(server: { close(): unknown }): void {
    this.servers.add(server);
  }

  /** @internal */
  removeServer(server: { close(): unknown }): void {
    this.servers.delete(server);
  }

  /** Closes all servers, sends RST to every peer, closes the device. A second call does nothing. */
  close(): void {
    if (this.closed) return;
    for (const server of [...this.servers]) server.close();
    this.turns.end();
    this.stack.close(this.clock());
    this.closed = true;
    clearInterval(this.keeper);
    if (this.flusher !== null) clearInterval(this.flusher);
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
