/**
 * One host: a device, connections and sockets, and the path of packets between them (files of this
 * folder).
 *
 *     device ─▶ packet() ─▶ IP header, addresses ─┬─▶ TCP ─▶ tcp/host.ts
 *                              │ fragments        ├─▶ UDP ─▶ udp/host.ts
 *                              └─▶ reassembly ────┴─▶ ICMP ─▶ icmp/host.ts
 *     device ◀─ flush ◀─ run(): reports to users what happened, then sends all that is owed
 *
 * The stack does no I/O, reads no clock and no random source, and starts no timer. Its owner calls
 * `run`, calls `onTimeout` once `nextTimeout()` has passed, and passes `now`. Packets to a local
 * address go over a loopback device and never to the wire.
 */
import type { Random } from '../base/random.js';
import { Slab } from '../base/slab.js';
import { AT_ONCE, NEVER, type Micros } from '../base/time.js';
import type { Device, DeviceError, Receiver, RxPacket } from '../device/device.js';
import { loopback } from '../device/pair.js';
import type { Address, Prefix } from '../ip/address.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { LocalAddresses } from '../ip/local-addresses.js';
import { DEFAULT_REASSEMBLY, Reassembly, type ReassemblyLimits } from '../ip/reassembly.js';
import { Drop, DROP_NAMES, type DropReason } from '../wire/drop.js';
import {
  type IpHeader,
  NO_NEXT_HEADER,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
} from '../wire/ip.js';
import { parseIpv4 } from '../wire/ipv4.js';
import { parseIpv6 } from '../wire/ipv6.js';
import { parseTcp } from '../wire/tcp.js';
import { PROFILES, type ProfileName, type TcpConfig } from '../tcp/config.js';
import { Connection } from '../tcp/connection.js';
import type { TcpCounters } from '../tcp/counters.js';
import type { Allocate } from '../tcp/receive/receive-queue.js';
import { Arrival, countEcn, makeQuotable, tcpChecksumHolds } from './arrival.js';
import { IcmpHost, type PingUser } from './icmp/host.js';
import { IpOutput } from './ip-output.js';
import type { Listener } from './tcp/listener.js';
import type { StackObserver } from './observer.js';
import type { Neighbours } from './neighbours.js';
import { PathMtus } from './path-mtus.js';
import type { StackServices } from './services.js';
import { TcpHost, type TcpConnectOptions, type TcpListenOptions } from './tcp/host.js';
import { UdpHost, type UdpBindOptions, type UdpSocket } from './udp/host.js';

export interface StackOptions {
  readonly device: Device;
  /** The stack's addresses, each with the prefix length of its network. */
  readonly addresses: readonly Prefix[];
  readonly random: Random;
  /**
   * 16 bytes from the system's random source. They must stay secret, because initial sequence
   * numbers can be predicted with them (RFC 6528).
   */
  readonly secret: Uint8Array;
  /** Default `linux`. */
  readonly profile?: ProfileName;
  readonly config?: Partial<TcpConfig>;
  readonly observer?: StackObserver | null;
  /** Maximum number of TIME-WAIT records (Linux's tcp_max_tw_buckets). */
  readonly timeWaitLimit?: number;
  readonly reassembly?: ReassemblyLimits;
  /** Allocates memory for received data. The shell passes an allocator that need not zero it. */
  readonly allocate?: Allocate;
  /** The class of the connections: a subclass of the default, `Connection`, may record calls. */
  readonly Connection?: typeof Connection;
  /** Called with a sentence that the user should know, for example about a SYN flood. */
  readonly onWarning?: (text: string) => void;
  /** Called when the device fails. */
  readonly onDeviceError?: (error: DeviceError, fatal: boolean) => void;
}

export const DEFAULT_TIME_WAIT_LIMIT = 262_144;

export class Stack implements Receiver {
  readonly device: Device;
  readonly addresses: LocalAddresses;
  readonly tcp: TcpHost;
  readonly udp: UdpHost;
  readonly icmp: IcmpHost;
  /** Dropped packets, by reason (`Drop`). */
  readonly drops = new Float64Array(DROP_NAMES.length);
  /**
   * True once a packet has arrived for a local unicast address. The kernel's multicast on a new
   * link does not count.
   */
  reached = false;
  /** Set by the shell. Called when `run` is due, at most once until it runs. */
  onWake: (() => void) | null = null;
  /**
   * Set by the shell. Called when the device starts to deliver packets, at a time when no user code
   * has run in this turn of the event loop.
   */
  onTurnBegin: (() => void) | null = null;
  /** Set by the shell. Called at the end of a turn, when `nextTimeout()` may have changed. */
  onTurnEnd: (() => void) | null = null;
  /** Set by the shell. Called when the device holds packets, so that `onTimeout` is due soon. */
  onPacketsWait: (() => void) | null = null;
  /** Set by the shell: the stacks that share this one's addresses. */
  neighbours: Neighbours | null = null;
  private readonly loop: Device;
  private readonly reassembly: Reassembly;
  /** Reused for each packet. */
  private readonly arrival = new Arrival();
  private readonly out: IpOutput;
  private readonly services: StackServices;
  private readonly onDeviceError: (error: DeviceError, fatal: boolean) => void;
  private awake = false;
  private running = false;

  constructor(o: StackOptions) {
    this.device = o.device;
    this.onDeviceError = o.onDeviceError ?? (() => undefined);
    this.addresses = new LocalAddresses(o.addresses);
    this.reassembly = new Reassembly(o.reassembly ?? DEFAULT_REASSEMBLY);
    this.loop = loopback();
    const services = this.servicesFor(o);
    this.services = services;
    this.out = new IpOutput(services);
    this.tcp = new TcpHost(services, {
      secret: o.secret,
      allocate: o.allocate ?? ((n) => new Uint8Array(n)),
      timeWaitLimit: o.timeWaitLimit ?? DEFAULT_TIME_WAIT_LIMIT,
      Connection: o.Connection ?? Connection,
    });
    this.udp = new UdpHost(services, this.out);
    this.icmp = new IcmpHost(services, this.out, (e, packet, now) => {
      this.icmpError(e, packet, now);
    });
    this.loop.attach({
      packet: (rx, now) => {
        this.arrives(rx, true, now);
      },
      batchEnd: () => undefined,
      deviceError: () => undefined,
      deviceDrop: (reason, _count, now) => {
        this.packetDropped(reason as DropReason, 'loopback', now);
      },
    });
    this.device.attach(this);
  }

  private servicesFor(o: StackOptions): StackServices {
    const config = { ...PROFILES[o.profile ?? 'linux'], ...o.config };
    return {
      config,
      random: o.random,
      observer: o.observer ?? null,
      addresses: this.addresses,
      paths: new PathMtus(config),
      route: (remote) => this.route(remote),
      routeBack: (remote) => (this.addresses.isOwn(remote) ? this.loop : this.device),
      passToNeighbour: (packet) =>
        this.neighbours !== null &&
        !packet.looped &&
        this.neighbours.offer(packet.copy(), packet.trusted, packet.gsoSize),
      packetDropped: (reason, detail, now) => {
        this.packetDropped(reason, detail, now);
      },
      countDrop: (reason) => {
        this.drops[reason]!++;
      },
      wake: () => {
        this.requestRun();
      },
      warn: o.onWarning ?? (() => undefined),
    };
  }

  // ---- Called by the device ---------------------------------------------------------------------

  packet(rx: RxPacket, now: Micros): void {
    this.arrives(rx, false, now);
  }

  turnBegins(): void {
    this.onTurnBegin?.();
  }

  batchEnd(now: Micros): void {
    this.run(now);
  }

  deviceError(error: DeviceError, fatal: boolean, now: Micros): void {
    this.onDeviceError(error, fatal);
    if (!fatal) return;
    // The device is gone, so its connections fail now instead of after a timeout.
    this.tcp.deviceGone(this.device, now);
    this.requestRun();
  }

  deviceDrop(reason: number, count: number, now: Micros): void {
    for (let i = 0; i < count; i++) this.packetDropped(reason as DropReason, this.device.name, now);
  }

  packetsWait(): void {
    this.onPacketsWait?.();
  }

  // ---- Input ------------------------------------------------------------------------------------

  private arrives(rx: RxPacket, looped: boolean, now: Micros): void {
    const { arrival: packet, addresses } = this;
    const { ip } = packet;
    packet.rx = rx;
    packet.slab = rx.slab;
    packet.looped = looped;
    packet.trusted = rx.checksumValid || rx.checksumPartial;
    let reason = parseIp(rx.slab, rx.offset, rx.length, ip);
    const bad =
      reason === Drop.none || ip.problemCode >= 0 ? addresses.check(ip, looped) : Drop.none;
    if (bad !== Drop.none) reason = bad;
    else if (reason !== Drop.none && ip.problemCode >= 0) {
      makeQuotable(packet);
      this.icmp.parameterProblem(packet.slab, ip, now);
    }
    if (reason !== Drop.none) {
      this.packetDropped(reason, '', now);
      return;
    }
    this.reached ||= addresses.isLocal(ip.d0, ip.d1, ip.d2, ip.d3);
    if (ip.isFragment) this.fragmentArrives(packet, now);
    else this.deliver(packet, now);
  }

  private fragmentArrives(packet: Arrival, now: Micros): void {
    const { ip } = packet;
    const whole = this.reassembly.add(packet.slab, ip, now);
    if (whole === null) {
      if (this.reassembly.reason !== Drop.none) this.packetDropped(this.reassembly.reason, '', now);
      return;
    }
    packet.rx = null;
    packet.slab = whole;
    packet.trusted = false;
    const reason = parseIp(whole, 0, whole.bytes.length, ip);
    const bad = reason !== Drop.none ? reason : this.addresses.check(ip, packet.looped);
    if (bad !== Drop.none) this.packetDropped(bad, 'reassembled', now);
    else this.deliver(packet, now);
  }

  private deliver(packet: Arrival, now: Micros): void {
    const { slab, ip, trusted } = packet;
    let reason: DropReason;
    if (ip.protocol !== PROTOCOL_TCP) countEcn(this.tcp.counters, ip.ecn, 1);
    switch (ip.protocol) {
      case PROTOCOL_TCP:
        reason = this.deliverTcp(packet, now);
        break;
      case PROTOCOL_UDP:
        reason = this.udp.arrives(slab, ip, trusted, now);
        if (reason === Drop.udpNoSuchPort) {
          makeQuotable(packet);
          this.icmp.portUnreachable(slab, ip, now);
        }
        break;
      case ip.version === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6:
        reason = this.icmp.arrives(packet, now);
        break;
      case NO_NEXT_HEADER:
        reason = Drop.ipNoNextHeader;
        break;
      default:
        reason = Drop.ipUnknownProtocol;
        makeQuotable(packet);
        this.icmp.protocolUnreachable(slab, ip, now);
    }
    if (reason !== Drop.none) this.packetDropped(reason, '', now);
  }

  private deliverTcp(packet: Arrival, now: Micros): DropReason {
    const { slab, ip, rx, trusted } = packet;
    const seg = this.tcp.incoming;
    const { counters } = this.tcp;
    let bad = parseTcp(slab, ip.payloadOffset, ip.payloadLength, seg);
    // As in Linux, the options before the invalid one are used, and the segment is accepted.
    if (bad === Drop.tcpBadOptionLength && !this.tcp.env.config.dropBadOptions) bad = Drop.none;
    seg.gsoSize = packet.gsoSize;
    countEcn(counters, ip.ecn, bad === Drop.none ? seg.wireSegments : 1);
    if (bad !== Drop.none) {
      counters.TcpInErrs++;
      return bad;
    }
    // MUST-3.
    if (!trusted && !tcpChecksumHolds(packet)) {
      counters.TcpInErrs++;
      counters.TcpInCsumErrors++;
      return Drop.tcpBadChecksum;
    }
    // MUST-57: a segment to a broadcast or multicast address is dropped.
    if (!this.addresses.isOwnWords(ip.d0, ip.d1, ip.d2, ip.d3)) return Drop.tcpToMulticast;
    seg.ecn = ip.ecn;
    seg.checksumVouched = trusted;
    this.tcp.arrives(packet, seg, now);
    if (rx !== null && seg.keepPayload) rx.keep = true;
    return Drop.none;
  }

  private icmpError(e: IcmpError, packet: Arrival, now: Micros): void {
    if (e.protocol === PROTOCOL_TCP) {
      this.tcp.icmpError(e, packet, now);
      return;
    }
    if (e.protocol === PROTOCOL_UDP && this.udp.icmpError(e, now)) return;
    this.packetDropped(Drop.icmpNoSuchFlow, '', now);
  }

  // ---- The user's calls -------------------------------------------------------------------------

  /** Throws StackError EADDRINUSE, EADDRNOTAVAIL, EINVAL. Port 0 picks a free port. */
  listen(o: TcpListenOptions): Listener {
    return this.tcp.listen(o);
  }

  /**
   * Starts a connection; the SYN is sent by the next `run`. Throws StackError ENETUNREACH,
   * EADDRNOTAVAIL, EADDRINUSE, EINVAL, EOPNOTSUPP.
   */
  connect(o: TcpConnectOptions, now: Micros): Connection {
    return this.tcp.connect(o, now);
  }

  /**
   * MUST-48, SHLD-22: the traffic class byte of everything that `conn` sends from now on; TCP keeps
   * control of the two ECN bits. Throws StackError EINVAL if `tos` is not in 0..255.
   */
  setTypeOfService(conn: Connection, tos: number): void {
    this.tcp.setTypeOfService(conn, tos);
  }

  /** Throws StackError EADDRINUSE, EADDRNOTAVAIL. Port 0 picks a free port. */
  bindUdp(o: UdpBindOptions): UdpSocket {
    return this.udp.bind(o);
  }

  set pingUser(user: PingUser | null) {
    this.icmp.pingUser = user;
  }

  /**
   * Sends an echo request; `pingUser` gets the replies. Returns false if there is no route to `to`.
   * Throws StackError EMSGSIZE.
   */
  ping(to: Address, id: number, seq: number, data: Uint8Array, now: Micros, ttl?: number): boolean {
    return this.icmp.ping(to, id, seq, data, now, ttl);
  }

  /**
   * bind(2): checks that a connection can use this address and port. `address` may be unspecified,
   * and port 0 means any. Throws StackError EINVAL, EADDRNOTAVAIL, EADDRINUSE.
   */
  checkBind(address: Address, family: number, port: number): void {
    this.tcp.checkBind(address, family, port);
  }

  /** Must be called after a call on `conn` that may cause output. */
  wake(conn: Connection): void {
    this.tcp.touch(conn);
    this.requestRun();
  }

  private requestRun(): void {
    if (this.awake || this.running) return;
    this.awake = true;
    this.onWake?.();
  }

  // ---- Time and turns ---------------------------------------------------------------------------

  /**
   * Ends a turn: tells users what happened, sends what is owed, flushes the device. Calls that
   * users make meanwhile are part of the turn.
   */
  run(now: Micros): void {
    if (this.running) return;
    this.running = true;
    this.awake = false;
    // A user that replies at once adds work to this turn. The limit ends the turn even if two users
    // keep replying to each other over loopback.
    try {
      for (let round = 0; round < MAX_ROUNDS; round++) {
        this.tcp.run(now);
        if (this.loop.nextTimeout() <= now) this.loop.onTimeout(now);
        if (!this.tcp.hasWork && this.loop.nextTimeout() > now) break;
      }
    } finally {
      // An exception from a user's callback propagates to the caller of `run`; the stack continues
      // in its next turn.
      this.device.flush(now);
      this.running = false;
      this.services.observer?.turnEnds(now);
      if (this.tcp.hasWork || this.loop.nextTimeout() <= now) this.requestRun();
      this.onTurnEnd?.();
    }
  }

  nextTimeout(): Micros {
    const work = this.tcp.hasWork || this.loop.nextTimeout() !== NEVER ? AT_ONCE : NEVER;
    return Math.min(
      work,
      this.tcp.nextTimeout(),
      this.reassembly.nextTimeout(),
      this.device.nextTimeout(),
    );
  }

  onTimeout(now: Micros): void {
    if (this.device.nextTimeout() <= now) this.device.onTimeout(now);
    this.tcp.onTimeout(now);
    if (this.reassembly.nextTimeout() <= now) {
      this.reassembly.expire(now, (partial) => {
        this.packetDropped(Drop.fragmentTimeout, partial.key, now);
        if (partial.first !== null) this.reassemblyTimedOut(partial.first, now);
      });
    }
    this.run(now);
  }

  private reassemblyTimedOut(first: Uint8Array, now: Micros): void {
    const slab = new Slab(first);
    const { ip } = this.arrival;
    const bad = parseIp(slab, 0, first.length, ip);
    if (bad === Drop.none) this.icmp.reassemblyTimeExceeded(slab, ip, now);
  }

  // ---- State and counters -----------------------------------------------------------------------

  /**
   * The observer of everything on this stack; null for none, which costs nothing. It may be set at
   * any time. A new observer also sees the connections that are open already.
   */
  get observer(): StackObserver | null {
    return this.services.observer;
  }

  set observer(observer: StackObserver | null) {
    this.services.observer = observer;
    this.tcp.env.observer = observer;
  }

  connections(): Iterable<Connection> {
    return this.tcp.connections;
  }

  get counters(): TcpCounters {
    return this.tcp.counters;
  }

  /** Number of drops by name, without zeros. */
  dropsByName(): Record<string, number> {
    return Object.fromEntries(
      DROP_NAMES.map((name, i) => [name, this.drops[i]!] as const).filter(([, n]) => n > 0),
    );
  }

  /**
   * Sends a RST to every peer and closes every listener. The device stays open, because it belongs
   * to the caller.
   */
  close(now: Micros): void {
    this.tcp.close(now);
    this.run(now);
  }

  checkInvariants(): string | null {
    const next = this.nextTimeout();
    if (next !== NEVER && !Number.isInteger(next))
      return `a deadline of ${next} us is not a whole number`;
    return this.tcp.checkInvariants();
  }

  private route(remote: Address): Device | null {
    if (this.addresses.isOwn(remote)) return this.loop;
    return this.addresses.list.some((a) => a.version === remote.version) ? this.device : null;
  }

  private packetDropped(reason: DropReason, detail: string, now: Micros): void {
    this.drops[reason]!++;
    this.services.observer?.packetDropped(reason, detail, now);
  }
}

/**
 * The version is in the first four bits. An empty packet is parsed as IPv4, which reports it as
 * truncated.
 */
function parseIp(slab: Slab, offset: number, length: number, ip: IpHeader): DropReason {
  const v6 = length > 0 && slab.bytes[offset]! >> 4 === 6;
  return v6 ? parseIpv6(slab, offset, length, ip) : parseIpv4(slab, offset, length, ip);
}

/** Most rounds of user callbacks and loopback within one `run`. */
const MAX_ROUNDS = 64;
