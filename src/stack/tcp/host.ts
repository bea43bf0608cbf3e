/**
 * TCP's part of the stack: maps segments to connections and back. It knows addresses, which tcp/
 * does not; the protocol's rules are in tcp/.
 *
 *     segment ─▶ demux ─┬─ a connection ─▶ Connection.onSegment
 *                       └─ none ─▶ passive.ts: TIME-WAIT, a listener, or neither
 *     user ─▶ listen, connect ─▶ connections.ts ─▶ run: users are told, segments are sent
 */
import { StackError } from '../../base/errors.js';
import type { MtuDiscover } from '../../base/mtu-discover.js';
import type { Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import type { Address } from '../../ip/address.js';
import type { IcmpError } from '../../ip/icmp-error.js';
import { Drop } from '../../wire/drop.js';
import { Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection, TcpUser } from '../../tcp/connection.js';
import type { TcpCounters } from '../../tcp/counters.js';
import type { TcpEnv } from '../../tcp/env.js';
import { icmpErrorArrives } from '../../tcp/icmp.js';
import { quotesFlight } from '../../tcp/path-mtu.js';
import { FastOpenMode } from '../../tcp/fast-open.js';
import type { FastOpenCookies } from './fast-open-cookie.js';
import { checkPair } from './address-pair.js';
import { FastOpenCache } from './fast-open-cache.js';
import { FastOpenQueue } from './fast-open-queue.js';
import type { Arrival } from '../arrival.js';
import type { StackServices } from '../services.js';
import type { Tuple } from '../tuple.js';
import { Flow } from '../flow.js';
import { entryOf, type TcpEntry } from './entry.js';
import { DEFAULT_BACKLOG, Listener, type ListenUser } from './listener.js';
import { outputMtu, TcpConnections, type TcpHostSettings } from './connections.js';
import { TcpPassive } from './passive.js';
import type { TimeWaitTable } from './time-wait-table.js';

export interface TcpListenOptions {
  port: number;
  /** Default: all addresses of the stack. */
  address?: Address | null;
  backlog?: number;
  /**
   * TCP_FASTOPEN: accepts data in SYNs (RFC 7413). The value limits the connections whose handshake
   * is not complete. Default: no Fast Open.
   */
  fastOpen?: number;
  /** MUST-48: from the SYN,ACK on; see `Stack.setTypeOfService`. */
  typeOfService?: number;
  /**
   * Initial options of its connections, as an accepted socket inherits them from the listening
   * socket. Default: the stack's.
   */
  config?: Partial<TcpConfig>;
  user: ListenUser;
}

export interface TcpConnectOptions {
  remote: Address;
  remotePort: number;
  /** MUST-43, MUST-44. By default the stack chooses. */
  local?: Address;
  localPort?: number;
  /**
   * TCP_FASTOPEN_CONNECT: data written in the same turn is sent with the SYN if the server granted
   * a cookie before (RFC 7413); otherwise the SYN requests a cookie. Use it only for data that may
   * be delivered twice without harm.
   */
  fastOpen?: boolean;
  user: TcpUser;
  /** MUST-48: from the SYN on; see `Stack.setTypeOfService`. */
  typeOfService?: number;
  config?: Partial<TcpConfig>;
}

export class TcpHost {
  /** Reused for each received segment. */
  readonly incoming = new Segment();
  /** Reused for each packet, and for each call. */
  private readonly arrived: Tuple;
  private readonly asked: Tuple;
  readonly connections: TcpConnections;
  private readonly passive: TcpPassive;
  private readonly fastOpenCache: FastOpenCache;
  private readonly services: StackServices;

  constructor(services: StackServices, settings: TcpHostSettings) {
    this.services = services;
    this.connections = new TcpConnections(services, settings);
    this.arrived = this.connections.newTuple();
    this.asked = this.connections.newTuple();
    this.passive = new TcpPassive(this.connections, services);
    this.fastOpenCache = new FastOpenCache(services.config, this.connections.env.counters);
    services.paths.onDecrease = (to, e, now) => {
      this.connections.pathChanged(to, e.mtu > 0 ? 'icmp' : 'plateau', now);
    };
  }

  get env(): TcpEnv {
    return this.connections.env;
  }

  get timeWait(): TimeWaitTable {
    return this.connections.timeWait;
  }

  get counters(): TcpCounters {
    return this.connections.env.counters;
  }

  /** All listening ports. */
  get listeners(): Listener[] {
    return this.passive.listeners.all();
  }

  get connectionCount(): number {
    return this.connections.flows.size;
  }

  // ---- Input ------------------------------------------------------------------------------------

  /** Handles `seg`, parsed from `packet`, with a valid checksum. */
  arrives(packet: Arrival, seg: Segment, now: Micros): void {
    const { flows, env } = this.connections;
    env.counters.TcpInSegs += seg.wireSegments;
    const { arrived } = this;
    arrived.ofArrival(packet.ip, seg);
    const entry = flows.find(arrived);
    if (entry !== null) this.arrivesAt(entry, packet.ip.tos, seg, now);
    else this.passive.arrives(arrived, packet, seg, now);
  }

  private arrivesAt(entry: TcpEntry, tos: number, seg: Segment, now: Micros): void {
    const { conn, listener } = entry;
    const { admission } = this.passive;
    entry.receivedTos = tos;
    if (listener !== null && !admission.mayEstablish(entry, listener, seg, now)) return;
    conn.onSegment(seg, now);
    if (listener !== null) admission.afterSegment(entry, listener);
    this.connections.mark(entry);
  }

  /** Handles an ICMP error about a sent segment; `packet` carried the error. */
  icmpError(e: IcmpError, packet: Arrival, now: Micros): void {
    const { flows } = this.connections;
    const { arrived } = this;
    arrived.ofQuote(e);
    const entry = flows.find(arrived);
    if (entry === null) {
      if (this.services.passToNeighbour(packet)) return;
      this.services.packetDropped(Drop.icmpNoSuchFlow, '', now);
      return;
    }
    if (e.errno !== 'EMSGSIZE') icmpErrorArrives(entry.conn, e, now);
    else if (quotesFlight(entry.conn, e.seq))
      this.services.paths.tooBig(
        e,
        entry.conn.size.discover,
        outputMtu(entry.device, entry.conn.config),
        now,
      );
    this.connections.mark(entry);
  }

  // ---- The user's calls -------------------------------------------------------------------------

  listen(o: TcpListenOptions): Listener {
    const address = o.address ?? null;
    const port = o.port === 0 ? this.freeListenPort() : o.port;
    if (address !== null && !address.isUnspecified) this.services.addresses.checkOwn(address);
    const listener = new Listener(address, port, o.backlog ?? DEFAULT_BACKLOG, o.user, (l, at) => {
      this.passive.closeListener(l, at);
    });
    listener.fastOpen = this.fastOpenQueue(o, listener.queue.backlog);
    if (o.typeOfService !== undefined) listener.tos = dscpOf(o.typeOfService);
    if (o.config !== undefined) listener.setConfig({ ...this.services.config, ...o.config });
    this.passive.listeners.add(listener);
    return listener;
  }

  /**
   * bind(2) before an active OPEN: the port of a listener is reserved on the listener's addresses.
   */
  checkBind(address: Address, family: number, port: number): void {
    if (address.version !== family)
      throw new StackError('EINVAL', `${address.toString()} is not an IPv${family} address`);
    if (!address.isUnspecified) this.services.addresses.checkOwn(address);
    if (port !== 0) this.passive.listeners.checkFree(address, port);
  }

  /** MUST-46: refuses an active OPEN to a broadcast or multicast address. */
  connect(o: TcpConnectOptions, now: Micros): Connection {
    const { connections, asked, services } = this;
    const { addresses } = services;
    const { remote, remotePort } = o;
    if (remote.isMulticast || addresses.isBroadcast(remote)) {
      throw new StackError('ENETUNREACH', `${remote.toString()} is not a unicast address`);
    }
    const local = o.local ?? addresses.sourceFor(remote);
    const device = services.route(remote);
    if (local === null || device === null) {
      throw new StackError(
        'ENETUNREACH',
        `the stack has no IPv${remote.version} address to reach ${remote.toString()} from`,
      );
    }
    addresses.checkOwn(local);
    checkPair(local, remote, addresses.isOwn(remote));
    const localPort = o.localPort ? o.localPort : this.ephemeralPort(local, remote, remotePort);
    if (localPort === 0)
      throw new StackError('EADDRNOTAVAIL', 'every ephemeral port to this address is in use');
    const flow = new Flow(local, localPort, remote, remotePort);
    asked.of(local, localPort, remote, remotePort);
    if (connections.isTaken(asked))
      throw new StackError('EADDRNOTAVAIL', `${flow.toString()} is connected already`);
    const tos = dscpOf(o.typeOfService ?? 0);
    const config = o.config === undefined ? services.config : { ...services.config, ...o.config };
    if (o.fastOpen === true && (config.fastOpen & FastOpenMode.client) === 0) {
      throw new StackError(
        'EOPNOTSUPP',
        'Fast Open is switched off for clients: bit 1 of fastOpen (net.ipv4.tcp_fastopen)',
      );
    }
    const entry = connections.open(flow, asked, device, config, null, null, now);
    entry.tos = tos;
    entry.conn.user = o.user;
    if (o.fastOpen === true) {
      entry.conn.fastOpen = this.fastOpenCache.plan(
        local,
        remote,
        config.fastOpen,
        entry.conn.advertisedMss,
        now,
      );
    }
    entry.conn.openActive(now);
    connections.mark(entry);
    services.wake();
    return entry.conn;
  }

  /** Schedules output and events of `conn` after a call by its user. */
  touch(conn: Connection): void {
    const entry = entryOf(conn);
    if (entry.linked || conn.owed.reset !== null || conn.events !== 0) this.connections.mark(entry);
  }

  /** SHLD-21: may be called at any time, for everything sent from now on. */
  setTypeOfService(conn: Connection, tos: number): void {
    entryOf(conn).tos = dscpOf(tos);
  }

  /** `ip tcp_metrics flush`: forgets what is remembered of other hosts beyond their connections. */
  forgetMetrics(): void {
    this.fastOpenCache.forget();
  }

  /**
   * Simulates a queue that drops everything (`tc qdisc add ... pfifo limit 0`). Connections learn
   * of each drop at once. SYNs, ACKs and RSTs are lost; data is sent again later (local-drop.ts).
   */
  setDropsOutput(on: boolean): void {
    this.connections.out.dropsAll = on;
  }

  /** IP_MTU_DISCOVER; may be called at any time. */
  setMtuDiscover(conn: Connection, mode: MtuDiscover, now: Micros): void {
    conn.size.discover = mode;
    this.connections.findPath(entryOf(conn), now);
  }

  private fastOpenQueue(o: TcpListenOptions, backlog: number): FastOpenQueue | null {
    if (o.fastOpen !== undefined) return new FastOpenQueue(o.fastOpen);
    return (this.services.config.fastOpen & FastOpenMode.everyListener) !== 0
      ? new FastOpenQueue(backlog)
      : null;
  }

  /**
   * True if the SYN of `connect({ remote, fastOpen: true })` could carry data, so that delaying it
   * until there is data is useful.
   */
  fastOpenIsReady(remote: Address, config: Partial<TcpConfig>, now: Micros): boolean {
    const local = this.services.addresses.sourceFor(remote);
    const bits = config.fastOpen ?? this.services.config.fastOpen;
    return local !== null && this.fastOpenCache.isReady(local, remote, bits, now);
  }

  /** The server's cookies, whose keys can be set. */
  get fastOpenCookies(): FastOpenCookies {
    return this.passive.admission.fastOpen.cookies;
  }

  private ephemeralPort(l: Address, r: Address, remotePort: number): number {
    const { connections, asked } = this;
    const { listeners } = this.passive;
    asked.of(l, 0, r, remotePort);
    return connections.ephemeralPort(asked, (port) => {
      if (listeners.has(port)) return false;
      asked.of(l, port, r, remotePort);
      return !connections.isTaken(asked);
    });
  }

  private freeListenPort(): number {
    const { listeners } = this.passive;
    const port = this.connections.anyPort(
      (p) => !listeners.has(p) && !this.connections.isPortInUse(p),
    );
    if (port === 0) throw new StackError('EADDRINUSE', 'every ephemeral port is in use');
    return port;
  }

  // ---- Turns and time ---------------------------------------------------------------------------

  /** Tells users what happened, then sends what is owed. */
  run(now: Micros): void {
    this.connections.run(now);
  }

  get hasWork(): boolean {
    return this.connections.hasWork;
  }

  nextTimeout(): Micros {
    return this.connections.nextTimeout();
  }

  onTimeout(now: Micros): void {
    this.connections.onTimeout(now);
  }

  /** Ends every connection over `device` with ENETDOWN. Connections over loopback continue. */
  deviceGone(device: Device, now: Micros): void {
    for (const e of [...this.connections.flows]) {
      if (e.device !== device) continue;
      e.conn.finish('ENETDOWN', 'device-gone', now);
      this.connections.mark(e);
    }
  }

  /**
   * SOCK_DESTROY: ends the connection of `entry` with a RST, and its user gets ECONNABORTED. The
   * next `run` sends it.
   */
  kill(entry: TcpEntry, now: Micros): void {
    entry.conn.abort(now, 'killed');
    this.connections.mark(entry);
    this.services.wake();
  }

  close(now: Micros): void {
    for (const l of this.passive.listeners.all()) l.close(now);
    for (const e of [...this.connections.flows]) {
      e.conn.abort(now, 'stack-closes');
      this.connections.mark(e);
    }
    this.run(now);
  }

  checkInvariants(): string | null {
    return this.connections.checkInvariants();
  }
}

/** As IP_TOS in Linux: the upper six bits of the byte (RFC 2474); the two ECN bits are cleared. */
function dscpOf(tos: number): number {
  if (Number.isInteger(tos) && tos >= 0 && tos <= 255) return tos & 0xfc;
  throw new StackError(
    'EINVAL',
    `the type of service is a byte, 0 to 255, for example 0xb8 (EF), not ${tos}`,
  );
}
