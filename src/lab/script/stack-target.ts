/**
 * Our stack as a script's target: a device in memory, and a clock that jumps from timer to timer.
 */
import { SeededRandom } from '../../base/random.js';
import type { Slab } from '../../base/slab.js';
import type { Micros } from '../../base/time.js';
import type { Address, Prefix } from '../../ip/address.js';
import type { StackObserver } from '../../stack/observer.js';
import { Stack, type StackOptions } from '../../stack/stack.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection } from '../../tcp/connection.js';
import { tcpInfo, tcpInfoOfFresh } from '../../tcp/tcp-info.js';
import type { Call } from './ast.js';
import { startCall } from './calls.js';
import type { DecodedTcp } from './decode.js';
import type { Files } from './files.js';
import type { RouteMetrics, Setting } from './commands.js';
import type { Counters } from './counters.js';
import { applyCongestion, applySysctl, SCRIPT_PROFILE } from './sysctls.js';
import type { Names } from './python.js';
import type { Attempt } from './socket.js';
import { DEFAULT_PORT, Sockets } from './sockets.js';
import type { Target } from './target.js';
import { ScriptWire, type WirePacket } from './wire.js';

const DEFAULT_MTU = 1500;

/** The metrics of a script's route as a configuration, because there is only one route. */
const routeConfig = ({
  mtu,
  advmss,
  initcwnd,
  rtoMin,
  congestion,
}: RouteMetrics): Partial<TcpConfig> => ({
  routeMtu: mtu ?? 0,
  routeAdvmss: advmss ?? 0,
  initialWindow: initcwnd ?? SCRIPT_PROFILE.initialWindow,
  minRto: rtoMin ?? SCRIPT_PROFILE.minRto,
  ...(congestion === undefined ? {} : applyCongestion(congestion)),
});

export interface StackTargetOptions {
  readonly local: Prefix;
  readonly remote: Address;
  readonly config: TcpConfig;
  readonly mtu?: number | undefined;
  readonly mss?: number | undefined;
  readonly bindPort?: number | undefined;
  readonly connectPort?: number | undefined;
  readonly v4Mapped?: boolean | undefined;
  readonly observer: StackObserver | null;
  /** Makes the stack; by default `new Stack`. */
  readonly makeStack?: ((o: StackOptions) => Stack) | undefined;
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
  private readonly files: Files = new Map();
  private readonly bindPort: number;

  constructor(o: StackTargetOptions) {
    this.now = o.now;
    this.local = o.local.address;
    this.remote = o.remote;
    this.config = o.config;
    this.bindPort = o.bindPort ?? DEFAULT_PORT;
    this.wire = new ScriptWire(o.mtu ?? DEFAULT_MTU, o.mss ?? 0);
    this.stack = (o.makeStack ?? ((options) => new Stack(options)))({
      device: this.wire,
      addresses: [o.local],
      random: new SeededRandom(7),
      secret: Uint8Array.from({ length: 16 }, (_, i) => i),
      config: o.config,
      observer: o.observer,
    });
    this.sockets = new Sockets({
      stack: this.stack,
      local: o.local.address,
      remote: o.remote,
      bindPort: this.bindPort,
      connectPort: o.connectPort ?? DEFAULT_PORT,
      isIpv6: o.v4Mapped === true || o.local.address.version === 6,
      files: this.files,
      config: () => this.config,
    });
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
    const attempt = startCall(this.sockets, call);
    return () => {
      this.sockets.now = this.now;
      const result = attempt();
      this.stack.run(this.now);
      return result;
    };
  }

  configure(settings: readonly Setting[]): void {
    for (const setting of settings) this.set(setting);
  }

  private set(s: Setting): void {
    switch (s.kind) {
      case 'defaults':
        return this.change(SCRIPT_PROFILE);
      case 'sysctl':
        return this.change(applySysctl(s.path, s.value));
      case 'forget':
        return this.stack.tcp.forgetMetrics();
      case 'route':
        return this.change(routeConfig(s.metrics));
      case 'queue':
        this.change({ pacing: s.paces });
        return this.stack.tcp.setDropsOutput(s.drops);
      case 'file':
        if (s.bytes === null) this.files.delete(s.path);
        else this.files.set(s.path, s.bytes);
        return;
      default:
    }
  }

  private change(change: Partial<TcpConfig>): void {
    Object.assign(this.config, change);
    const shared = this.stack.tcp.env.config;
    Object.assign(shared, change);
    // Sockets with a configuration of their own change too, except for what they have set.
    for (const s of this.sockets.all())
      for (const config of [s.listener?.config, s.conn?.config])
        if (config && config !== shared) Object.assign(config, change, s.config);
  }

  counters(): Counters {
    const all = Object.entries(this.stack.tcp.counters);
    return Object.fromEntries(
      all.filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
    );
  }

  tcpInfo(): Names | null {
    const conn = this.sockets.last?.conn ?? null;
    if (conn !== null)
      return { ...tcpInfo(conn, this.now), tcpi_congestion: conn.snd.congestion.name };
    for (const s of this.sockets.all()) {
      if (s.listener === null) return { ...tcpInfoOfFresh(this.config, this.now) };
    }
    return null;
  }

  listeningPort(): number {
    let port = this.bindPort;
    for (const s of this.sockets.all()) if (s.listener !== null) ({ port } = s.listener);
    return port;
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
