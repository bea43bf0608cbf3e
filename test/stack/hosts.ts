/**
 * Two stacks in virtual time, with a cable (and optionally a faulty link) between them, and users
 * that stream bytes over it.
 */
import { SeededRandom } from '../../src/base/random.js';
import { SECOND, type Micros } from '../../src/base/time.js';
import { Capture, type PacketTap } from '../../src/device/capture.js';
import type { Device } from '../../src/device/device.js';
import { Link } from '../../src/device/link/link.js';
import { type LinkOptions, perfectLink } from '../../src/device/link/link-options.js';
import { pair } from '../../src/device/pair.js';
import { Address, Prefix } from '../../src/ip/address.js';
import { Stack, type StackOptions } from '../../src/stack/stack.js';
import type { Connection } from '../../src/tcp/connection.js';
import { State } from '../../src/tcp/state.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { VirtualTime } from '../sim/virtual.js';

export const A4 = Address.parse('198.18.0.1');
export const B4 = Address.parse('198.18.0.2');
export const A6 = Address.parse('fd74:6370:6c61:62::1');
export const B6 = Address.parse('fd74:6370:6c61:62::2');

export interface HostsOptions {
  seed?: number;
  mtu?: number;
  offload?: boolean;
  link?: Partial<LinkOptions>;
  config?: Partial<TcpConfig>;
  /** The configuration of one side only. */
  configB?: Partial<TcpConfig>;
  stack?: Partial<StackOptions>;
  start?: Micros;
  /** Makes the stacks; by default `new Stack`. */
  make?: ((o: StackOptions) => Stack) | undefined;
  /** Observes the packets that host `a` sends and receives. */
  tap?: PacketTap | undefined;
}

export class Hosts {
  readonly a: Stack;
  readonly b: Stack;
  readonly time: VirtualTime;
  readonly link: Link | null;

  constructor(o: HostsOptions = {}) {
    const seed = o.seed ?? 1;
    const start = o.start ?? SECOND;
    const [endA, endB] = pair({ mtu: o.mtu ?? 1500, offload: o.offload ?? false });
    this.link = o.link === undefined ? null : new Link(endB, { ...perfectLink(seed), ...o.link });
    const make = (
      device: Device,
      v4: Address,
      v6: Address,
      n: number,
      extra: Partial<TcpConfig> | undefined,
    ): Stack =>
      (o.make ?? ((options) => new Stack(options)))({
        device,
        addresses: [new Prefix(v4, 24), new Prefix(v6, 64)],
        random: new SeededRandom(seed * 2 + n),
        secret: Uint8Array.from({ length: 16 }, (_, i) => seed + i + n),
        ...o.stack,
        config: { ...o.config, ...extra },
      });
    this.a = make(o.tap === undefined ? endA : new Capture(endA, o.tap), A4, A6, 0, undefined);
    this.b = make(this.link ?? endB, B4, B6, 1, o.configB);
    this.time = new VirtualTime(start).add(this.a, this.b);
  }

  /** Runs until no event is left, or `most` microseconds have passed. */
  settle(most: Micros = 1e6 * SECOND): void {
    this.time.runUntil(() => false, most);
    this.check();
  }

  check(): void {
    for (const stack of [this.a, this.b]) {
      const broken = stack.checkInvariants();
      if (broken !== null) throw new Error(broken);
    }
  }
}

/** The byte at place `i` of every test's stream. */
export const byteAt = (i: number): number => (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff;

const CHUNK = 16_384;

/** A user that sends `total` patterned bytes, closes, and checks all received data. */
export class StreamUser implements TcpUser {
  sent = 0;
  received = 0;
  ended = false;
  closed = false;
  established = false;
  error: string | null = null;
  events: number[] = [];
  /** Whether it reads. */
  reading = true;
  conn: Connection | null = null;
  readonly total: number;
  private readonly stack: () => Stack;
  private readonly now: () => Micros;
  private readonly chunk = new Uint8Array(CHUNK);

  constructor(total: number, stack: () => Stack, now: () => Micros) {
    this.total = total;
    this.stack = stack;
    this.now = now;
  }

  take(conn: Connection): this {
    this.conn = conn;
    conn.user = this;
    return this;
  }

  tcpEvents(conn: Connection, events: number): void {
    this.conn = conn;
    if (events & TcpEvent.established) this.established = true;
    if (events & TcpEvent.error) this.error = conn.error;
    if (this.reading) this.read();
    if (events & TcpEvent.endOfStream) this.ended = true;
    if (events & TcpEvent.closed) this.closed = true;
    this.write();
  }

  read(): void {
    const conn = this.conn!;
    for (let piece = conn.receive(); piece !== null; piece = conn.receive()) {
      for (let i = 0; i < piece.length; i++) {
        if (piece[i] !== byteAt(this.received + i))
          throw new Error(`byte ${this.received + i} is wrong`);
      }
      this.received += piece.length;
    }
    this.stack().wake(conn);
  }

  write(): void {
    const conn = this.conn!;
    if (conn.state !== State.established && conn.state !== State.closeWait) return;
    while (this.sent < this.total) {
      const want = Math.min(CHUNK, this.total - this.sent, conn.sendRoom + 1);
      for (let i = 0; i < want; i++) this.chunk[i] = byteAt(this.sent + i);
      const taken = conn.send(this.chunk.subarray(0, want));
      this.sent += taken;
      if (taken < want) break;
    }
    if (this.sent === this.total) conn.shutdown(this.now());
    this.stack().wake(conn);
  }
}

export interface Exchange {
  client: StreamUser;
  server: StreamUser;
}

/** Client on `a`, server on `b`: `up` bytes one way and `down` the other; not run yet. */
export function exchange(
  h: Hosts,
  up: number,
  down: number,
  version: 4 | 6 = 4,
  port = 7,
): Exchange {
  const now = (): Micros => h.time.now;
  const server = new StreamUser(down, () => h.b, now);
  h.b.listen({
    port,
    user: {
      tcpAccept(conn) {
        server.take(conn);
        return true;
      },
    },
  });
  const client = new StreamUser(up, () => h.a, now);
  client.conn = h.a.connect(
    { remote: version === 4 ? B4 : B6, remotePort: port, user: client },
    h.time.now,
  );
  h.a.run(h.time.now);
  return { client, server };
}
