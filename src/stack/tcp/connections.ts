/**
 * All connections of a stack: the demux table, the timer heap, and the list of connections with
 * something to send or to report.
 *
 *     open ─▶ flow table, timer heap ◀── settle: a closed connection leaves, or moves to TIME-WAIT
 *     mark ─▶ list of connections with work ─▶ run: tell users, then send
 *
 * Connections are opened by host.ts (active) and admission.ts (passive), by their rules.
 */
import { Counts } from '../../base/counts.js';
import { IndexedHeap } from '../../base/heap.js';
import { MtuDiscover } from '../../base/mtu-discover.js';
import type { Random } from '../../base/random.js';
import type { Seq } from '../../base/seq.js';
import { SlabPool } from '../../base/slab-pool.js';
import { NEVER, type Micros } from '../../base/time.js';
import type { Device } from '../../device/device.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from '../../wire/ip.js';
import { TCP_HEADER_BYTES, TCP_MAX_HEADER_BYTES } from '../../wire/tcp.js';
import { ChallengeLimiter } from '../../tcp/challenge.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection } from '../../tcp/connection.js';
import { AckNews } from '../../tcp/recovery/ack-news.js';
import { AckSample } from '../../tcp/congestion/ack-sample.js';
import { TcpCounters } from '../../tcp/counters.js';
import { SentSegmentPool } from '../../tcp/send/sent-queue.js';
import { TcpMemory } from '../../tcp/memory.js';
import type { TcpEnv } from '../../tcp/env.js';
import { initialSequenceNumber, TupleHash } from './isn.js';
import type { Address } from '../../ip/address.js';
import { pathMtuChanged } from '../../tcp/path-mtu.js';
import type { Allocate } from '../../tcp/receive/receive-queue.js';
import type { MtuCause } from '../../tcp/notes.js';
import { TCP_MSS_DEFAULT, TCP_MSS_DEFAULT_V6 } from '../../tcp/linux-constants.js';
import { State } from '../../tcp/state.js';
import { atMost, routeMss } from '../../tcp/tcb.js';
import type { TimeWaitRecord } from '../../tcp/time-wait.js';
import type { Flow } from '../flow.js';
import { TcpEntry } from './entry.js';
import { FlowTable } from './flow-table.js';
import { HalfOpen } from './half-open.js';
import type { PathMtus } from '../path-mtus.js';
import type { StackServices } from '../services.js';
import { Tuple } from '../tuple.js';
import { EphemeralPorts } from './ports.js';
import { TcpEgress } from './egress.js';
import { TimeWaitTable } from './time-wait-table.js';

/** Settings that TCP needs beyond `StackServices`. */
export interface TcpHostSettings {
  /** 16 bytes, the key of everything that an attacker must not predict. */
  readonly secret: Uint8Array;
  /** Allocates memory for received data. */
  readonly allocate: Allocate;
  /** Maximum number of TIME-WAIT records. */
  readonly timeWaitLimit: number;
  /** The class of the connections: `Connection`, or a subclass that records each call. */
  readonly Connection: typeof Connection;
}

/** Purposes of the one secret (isn.ts). */
const FOR_ISN = 1;
const FOR_PORTS = 2;

/** Maximum total length of an IPv4 packet, and maximum payload of an IPv6 packet. */
const MAX_IP_PACKET = 65_535;

/** The largest packet that `device` sends, in bytes: its MTU, or the route's if smaller. */
export const outputMtu = (device: Device, { routeMtu }: TcpConfig): number =>
  routeMtu > 0 ? Math.min(routeMtu, device.mtu) : device.mtu;

/** Maximum TCP payload of such a packet with headers without options (MUST-67). */
const mtuMss = (device: Device, v4: boolean, config: TcpConfig): number =>
  Math.min(
    outputMtu(device, config) - (v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES) - TCP_HEADER_BYTES,
    0xffff,
  );

/** The MSS to announce: that of the MTU, or the route's if set, and at most TCP_MAXSEG. */
export function announcedMss(device: Device, v4: boolean, config: TcpConfig): number {
  return atMost(config.maxSegment, routeMss(config, mtuMss(device, v4, config)));
}

/** Called once for each connection, when it leaves the table: closed, or for TIME-WAIT. */
export type ConnectionEnds = (conn: Connection, flow: Flow, now: Micros) => void;

export class TcpConnections {
  onEnd: ConnectionEnds | null = null;
  readonly env: TcpEnv;
  readonly timeWait: TimeWaitTable;
  readonly flows = new FlowTable();
  readonly halfOpen: HalfOpen;
  readonly out = new TcpEgress();
  private readonly heap = new IndexedHeap<TcpEntry>();
  /**
   * Only the first `dirtyCount` items count. The array is never emptied, because it would be
   * reallocated in each turn.
   */
  private readonly dirty: (TcpEntry | null)[] = [];
  private dirtyCount = 0;
  private readonly keyed: TupleHash;
  private readonly seed: number;
  private readonly random: Random;
  private readonly paths: PathMtus;
  private readonly ports: EphemeralPorts;
  private readonly portsInUse = new Counts<number>();
  private readonly Connection: typeof Connection;

  constructor(services: StackServices, settings: TcpHostSettings) {
    const { secret, allocate, timeWaitLimit } = settings;
    const { config, random } = services;
    this.random = random;
    this.Connection = settings.Connection;
    this.paths = services.paths;
    this.ports = new EphemeralPorts(random);
    this.keyed = new TupleHash(secret);
    this.seed = random.int32();
    this.halfOpen = new HalfOpen(secret);
    this.timeWait = new TimeWaitTable(
      timeWaitLimit,
      config.timeWait,
      config.maxTimeWaitPerHost,
      secret,
    );
    const counters = new TcpCounters();
    this.env = {
      config,
      counters,
      memory: new TcpMemory(config.memory, counters, config.maxOrphans),
      challenges: new ChallengeLimiter(random, config.challengeAckLimit),
      pool: new SlabPool(),
      records: new SentSegmentPool(),
      news: new AckNews(),
      sample: new AckSample(),
      allocate,
      countDrop: services.countDrop,
      observer: services.observer,
    };
  }

  /** A tuple for lookups in `flows` and `timeWait`. */
  newTuple(): Tuple {
    return new Tuple(this.seed);
  }

  // ---- Connections ------------------------------------------------------------------------------

  /**
   * Makes a new connection in CLOSED. `before`: the record of the same four-tuple in TIME-WAIT.
   * `cookie`: its initial sequence number, if it comes from a SYN cookie.
   */
  open(
    flow: Flow,
    tuple: Tuple,
    device: Device,
    config: TcpConfig,
    before: TimeWaitRecord | null,
    cookie: Seq | null,
    now: Micros,
  ): TcpEntry {
    const { local: l, remote: r } = flow;
    const v4 = l.version === 4;
    const entry = new TcpEntry(
      l,
      flow.localPort,
      r,
      flow.remotePort,
      tuple.hash,
      tuple.pseudoSum,
      device,
    );
    this.keyed.hash(tuple, FOR_ISN);
    const ipBytes = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    entry.ipId = this.keyed.hi & 0xffff;
    entry.ttl = config.ttl;
    entry.conn = new this.Connection({
      flow: entry,
      env: this.env,
      config,
      iss: cookie ?? initialSequenceNumber(this.keyed.lo, now, before),
      tsOffset: this.keyed.hi,
      mss: mtuMss(device, v4, config),
      defaultMss: v4 ? TCP_MSS_DEFAULT : TCP_MSS_DEFAULT_V6,
      ipHeaderBytes: ipBytes,
      pathMtu: this.paths.to(r, outputMtu(device, config), now),
      gsoBytes: (v4 ? device.offload.tso4 : device.offload.tso6)
        ? MAX_IP_PACKET - ipBytes - TCP_MAX_HEADER_BYTES
        : 0,
    });
    this.findPath(entry, now);
    this.flows.add(entry);
    this.portsInUse.add(flow.localPort);
    return entry;
  }

  /** The offset between the clock and TSval for this four-tuple; always the same. */
  timestampOffset(tuple: Tuple): number {
    this.keyed.hash(tuple, FOR_ISN);
    return this.keyed.hi;
  }

  /** True if the four-tuple has a connection or is in TIME-WAIT. */
  isTaken(tuple: Tuple): boolean {
    return this.flows.find(tuple) !== null || this.timeWait.find(tuple) >= 0;
  }

  *[Symbol.iterator](): Generator<Connection> {
    for (const e of this.flows) yield e.conn;
  }

  isPortInUse(port: number): boolean {
    return this.portsInUse.of(port) > 0;
  }

  /** Picks a free ephemeral port for `tuple`, whose local port is 0. Returns 0 if none is free. */
  ephemeralPort(tuple: Tuple, isFree: (port: number) => boolean): number {
    const { keyed } = this;
    keyed.hash(tuple, FOR_PORTS);
    return this.ports.pick(keyed.lo, keyed.hi, isFree);
  }

  /** Picks a free port to listen on. Returns 0 if none is free. */
  anyPort(isFree: (port: number) => boolean): number {
    return this.ports.pick(this.random.int32(), this.random.int32(), isFree);
  }

  // ---- Work -------------------------------------------------------------------------------------

  mark(e: TcpEntry): void {
    if (e.dirty) return;
    e.dirty = true;
    this.dirty[this.dirtyCount++] = e;
  }

  get hasWork(): boolean {
    return this.dirtyCount > 0;
  }

  /**
   * Tells users what happened, then sends what is owed. In this order a reply that a user sends at
   * once carries the ACK.
   */
  run(now: Micros): void {
    const { dirty } = this;
    let kept = 0;
    for (let i = 0; i < this.dirtyCount; i++) this.tell(dirty[i]!);
    for (let i = 0; i < this.dirtyCount; i++) {
      const e = dirty[i]!;
      dirty[i] = null;
      e.dirty = false;
      if (waitsForAnswer(e.conn)) {
        this.watch(e);
        continue;
      }
      const failed = e.conn.lentToSend > 0 && e.conn.failWhatIsDetached(now);
      this.settle(e, now);
      if (failed) this.tell(e);
      // Sending freed buffer space: the writer is told in the next run.
      if (e.conn.events !== 0 && e.linked && e.conn.user !== null) {
        e.dirty = true;
        dirty[kept++] = e;
      }
    }
    this.dirtyCount = kept;
  }

  private tell(e: TcpEntry): void {
    const { conn } = e;
    if (conn.events === 0 || conn.user === null) return;
    conn.user.tcpEvents(conn, conn.takeEvents());
  }

  /** Sends, then removes a closed connection or updates its deadline. */
  private settle(e: TcpEntry, now: Micros): void {
    const { conn } = e;
    if (e.pathExpires <= now) this.learnPath(e, 'aged', now);
    conn.pollTransmit(now, this.out);
    if (!e.linked) return;
    if (e.fastOpen !== null && conn.state !== State.synReceived) {
      e.fastOpen.leave(conn.error === 'ECONNRESET', now);
      e.fastOpen = null;
    }
    if (conn.state === State.closed || conn.state === State.timeWait) {
      this.onEnd?.(conn, e, now);
      this.flows.remove(e);
      this.heap.remove(e);
      e.deadline = NEVER;
      if (e.listener !== null) {
        e.listener.queue.remove(conn);
        e.listener = null;
        this.halfOpen.leave(e);
      }
      this.portsInUse.remove(e.localPort);
      if (conn.state === State.timeWait || e.before !== null) this.remember(e, now);
      return;
    }
    this.watch(e);
  }

  /**
   * The heap may keep a deadline that is too early. That costs one needless check, and most
   * deadlines only move back.
   */
  private watch(e: TcpEntry): void {
    const next = e.conn.nextTimeout();
    if (next < e.deadline) {
      e.deadline = next;
      this.heap.update(e, next);
    }
  }

  private remember(e: TcpEntry, now: Micros): void {
    const { counters } = this.env;
    counters.TcpExtTW++;
    if (this.timeWait.isHostFull(e.remote)) counters.TcplabTimeWaitHostLimit++;
    else if (!this.timeWait.add(e, now)) counters.TcpExtTCPTimeWaitOverflow++;
  }

  // ---- Path MTU ---------------------------------------------------------------------------------

  /**
   * The path MTU to `remote` has changed: its connections adopt it and retransmit segments that are
   * now too large.
   */
  pathChanged(remote: Address, why: MtuCause, now: Micros): void {
    for (const e of this.flows) {
      if (!e.remote.equals(remote)) continue;
      this.learnPath(e, why, now);
      this.mark(e);
    }
  }

  private learnPath(e: TcpEntry, why: MtuCause, now: Micros): void {
    this.findPath(e, now);
    if (e.conn.size.discover === MtuDiscover.probe) return;
    pathMtuChanged(
      e.conn,
      this.paths.to(e.remote, outputMtu(e.device, e.conn.config), now),
      why,
      now,
    );
  }

  /** Looks up DF, and when the path MTU expires. */
  findPath(e: TcpEntry, now: Micros): void {
    e.dontFragment = this.paths.dontFragment(e.remote, e.conn.size.discover, now);
    e.pathExpires = this.paths.expiry(e.remote, now);
  }

  // ---- Time -------------------------------------------------------------------------------------

  nextTimeout(): Micros {
    const first = this.heap.peek();
    return Math.min(first === undefined ? NEVER : first.deadline, this.timeWait.nextTimeout());
  }

  onTimeout(now: Micros): void {
    this.timeWait.expire(now);
    for (;;) {
      const e = this.heap.peek();
      if (e === undefined || e.deadline > now) return;
      this.heap.remove(e);
      e.deadline = NEVER;
      const { conn, listener } = e;
      if (listener !== null)
        conn.synAckRetries = listener.queue.retriesAfterTimeout(conn, conn.config.synAckRetries);
      conn.onTimeout(now);
      this.mark(e);
      // Its next deadline is known after it has sent in `run`.
    }
  }

  checkInvariants(): string | null {
    for (const e of this.flows) {
      const broken = e.conn.checkInvariants();
      if (broken !== null) return `${e.toString()}: ${broken}`;
      if (!e.dirty && e.conn.nextTimeout() < e.deadline)
        return `${e.toString()}: a timer is due before the heap knows`;
    }
    return null;
  }
}

/**
 * True if output waits until the user has read the received data, because its reply can carry the
 * ACK.
 */
function waitsForAnswer({ user, state, rcv }: Connection): boolean {
  const mayAnswer =
    user?.mayAnswer === true && (state === State.established || state === State.closeWait);
  return mayAnswer && rcv.queue.pieces > 0;
}
