/** Our stack as a script's target: a device in memory, and a clock that jumps from timer to timer. */
import { SeededRandom } from '../base/random.js';
import type { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import type { Address, Prefix } from '../ip/address.js';
import type { StackObserver } from '../stack/observer.js';
import { Stack } from '../stack/stack.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import { tcpInfo } from '../tcp/tcp-info.js';
import type { Call } from './ast.js';
import { Sockets } from './calls.js';
import type { DecodedTcp } from './decode.js';
import { applyCommand } from './knobs.js';
import type { Names } from './python.js';
import type { Attempt } from './socket.js';
import type { Target } from './target.js';
import { ScriptWire, type WirePacket } from './wire.js';

const DEFAULT_MTU = 1500;
const DEFAULT_PORT = 8080;

export interface StackTargetOptions {
  readonly local: Prefix;
  readonly remote: Address;
  readonly config: TcpConfig;
  readonly mtu?: number | undefined;
  readonly observer: StackObserver | null;
  readonly now: Micros;
}

export class StackTarget implements Target {
  now: Micros;
  readonly local: Address;
  readonly remote: Address;
  readonly settle = 0;
  private readonly wire: ScriptWire;
  private readonly stack: Stack;
  private readonly sockets: Sockets;
  private readonly config: TcpConfig;

  constructor(o: StackTargetOptions) {
    this.now = o.now;
    this.local = o.local.address;
    this.remote = o.remote;
    this.config = o.config;
    this.wire = new ScriptWire(o.mtu ?? DEFAULT_MTU);
    this.stack = new Stack({
      device: this.wire,
      addresses: [o.local],
      random: new SeededRandom(7),
      secret: Uint8Array.from({ length: 16 }, (_, i) => i),
      now: o.now,
      config: o.config,
      observer: o.observer,
    });
    this.sockets = new Sockets(this.stack, o.local.address, o.remote, () => this.config);
  }

  get sent(): WirePacket[] {
    return this.wire.sent;
  }

  get log(): readonly WirePacket[] {
    return this.wire.log;
  }

  pass(to: Micros): boolean {
    const next = this.stack.nextTimeout();
    if (next > to) {
      this.now = Math.max(this.now, to);
      return false;
    }
    this.now = Math.max(this.now, next);
    this.stack.onTimeout(this.now);
    this.stack.run(this.now);
    return true;
  }

  inject(slab: Slab): void {
    this.wire.inject(slab, slab.bytes.length, this.now);
    this.stack.run(this.now);
  }

  start(call: Call): Attempt {
    this.sockets.now = this.now;
    this.stack.onTimeout(this.now); // so that the stack knows the time
    const attempt = this.sockets.start(call);
    return () => {
      this.sockets.now = this.now;
      const result = attempt();
      this.stack.run(this.now);
      return result;
    };
  }

  configure(text: string): void {
    const change = applyCommand(text);
    Object.assign(this.config, change);
    Object.assign(this.stack.tcp.env.config, change);
  }

  tcpInfo(): Names | null {
    const conn = this.sockets.last?.conn ?? null;
    return conn === null ? null : { ...tcpInfo(conn, this.now), tcpi_congestion: conn.snd.congestion.name };
  }

  listeningPort(): number {
    for (const s of this.sockets.all()) if (s.listener !== null) return s.listener.port;
    return DEFAULT_PORT;
  }

  mssOf(t: DecodedTcp): number {
    return this.connectionOf(t)?.peerMss ?? 0;
  }

  tcb(): object | null {
    return this.sockets.last?.conn?.snapshot(this.now) ?? null;
  }

  private connectionOf(t: DecodedTcp): Connection | undefined {
    for (const c of this.stack.connections())
      if (c.flow.localPort === t.sourcePort && c.flow.remotePort === t.destinationPort) return c;
    return undefined;
  }
}
