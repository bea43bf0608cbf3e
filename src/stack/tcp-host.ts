/**
 * TCP's place in the stack: from segments to connections and back. It knows addresses, which tcp/ does not; the rules are all there.
 *
 *     segment ─▶ demux ─┬─ a connection ─▶ Connection.onSegment
 *                       ├─ TIME-WAIT's row ─▶ time-wait.ts
 *                       ├─ a listener ─▶ listener.ts ─▶ a new connection
 *                       └─ nobody ─▶ reset.ts
 */
import { StackError } from '../base/errors.js';
import { IndexedHeap } from '../base/heap.js';
import type { Random } from '../base/random.js';
import { SlabPool } from '../base/slab-pool.js';
import { NEVER, type Micros } from '../base/time.js';
import type { Device } from '../device/device.js';
import { Address } from '../ip/address.js';
import type { IcmpError } from '../ip/icmp-error.js';
import { pseudoHeaderSum } from '../wire/checksum.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES, PROTOCOL_TCP, type IpHeader } from '../wire/ip.js';
import { Segment, TCP_HEADER_BYTES, TCP_MAX_HEADER_BYTES, TcpFlag } from '../wire/tcp.js';
import { ChallengeLimiter } from '../tcp/challenge.js';
import type { TcpConfig } from '../tcp/config.js';
import { Connection } from '../tcp/connection.js';
import { TcpCounters } from '../tcp/counters.js';
import type { TcpEnv } from '../tcp/env.js';
import { icmpErrorArrives } from '../tcp/icmp.js';
import { initialSequenceNumber, TupleHash } from '../tcp/isn.js';
import { arrivesInListen } from '../tcp/listener.js';
import type { Allocate } from '../tcp/receive-queue.js';
import { resetFor } from '../tcp/reset.js';
import { DEFAULT_MSS_V4, DEFAULT_MSS_V6 } from '../tcp/sender.js';
import { State } from '../tcp/state.js';
import { arrivesInTimeWait, timeWaitAck, TimeWait, TimeWaitRecord } from '../tcp/time-wait.js';
import type { TcpUser } from '../tcp/user.js';
import { checkPair } from './address-pair.js';
import { Flow, TcpEntry } from './flow.js';
import { FlowTable } from './flow-table.js';
import { DEFAULT_BACKLOG, Listener, type ListenUser } from './listener.js';
import { ListenerTable } from './listener-table.js';
import type { StackObserver } from './observer.js';
import { EphemeralPorts } from './ports.js';
import { TcpEgress } from './tcp-egress.js';
import { TimeWaitTable } from './time-wait-table.js';

export interface ListenOptions {
  port: number;
  /** Default: every address of the stack. */
  address?: Address | null;
  backlog?: number;
  user: ListenUser;
}

export interface ConnectOptions {
  remote: Address;
  remotePort: number;
  /** MUST-43, MUST-44: else the stack chooses. */
  local?: Address;
  localPort?: number;
  user: TcpUser;
  config?: Partial<TcpConfig>;
}

/** What TCP needs of the rest of the stack. */
export interface TcpHostOptions {
  readonly config: TcpConfig;
  readonly random: Random;
  readonly secret: Uint8Array;
  readonly allocate: Allocate;
  readonly observer: StackObserver | null;
  /** Most TIME-WAIT records. */
  readonly timeWaitLimit: number;
  /** The device to `remote`. */
  route(remote: Address): Device | null;
  /** MUST-44: the address to speak from, or null when there is none of its family. */
  sourceFor(remote: Address): Address | null;
  isLocal(address: Address): boolean;
  /** The limited broadcast address, or that of a network of ours. */
  isBroadcast(address: Address): boolean;
  countDrop(reason: DropReason, detail: string): void;
  /** The same for a segment that reached its connection, which tells observers itself. */
  readonly countSegment: (reason: DropReason) => void;
  /** Something waits to be sent or told. */
  wake(): void;
}

/** Different uses of the one secret (isn.ts). */
const FOR_ISN = 1;
const FOR_PORTS = 2;

export class TcpHost {
  readonly env: TcpEnv;
  readonly timeWait: TimeWaitTable;
  private readonly seg = new Segment();
  private readonly flows: FlowTable;
  private readonly listeners = new ListenerTable();
  private readonly heap = new IndexedHeap<TcpEntry>();
  private readonly dirty: TcpEntry[] = [];
  private readonly tuple: TupleHash;
  private readonly ports = new EphemeralPorts();
  private readonly portsInUse = new Map<number, number>();
  private readonly record = new TimeWaitRecord();
  private readonly o: TcpHostOptions;
  private readonly out = new TcpEgress();

  constructor(o: TcpHostOptions) {
    this.o = o;
    this.tuple = new TupleHash(o.secret);
    this.flows = new FlowTable(o.random.int32());
    this.timeWait = new TimeWaitTable(o.timeWaitLimit, o.config.timeWait);
    this.env = {
      config: o.config,
      counters: new TcpCounters(),
      challenges: new ChallengeLimiter(o.random, o.config.challengeAckLimit),
      pool: new SlabPool(),
      allocate: o.allocate,
      countDrop: o.countSegment,
      observer: o.observer,
    };
  }

  get counters(): TcpCounters {
    return this.env.counters;
  }

  get connectionCount(): number {
    return this.flows.size;
  }

  // ---- In ---------------------------------------------------------------------------------------------------------

  /** `seg` was parsed out of the packet that `ip` heads, and its checksum is right. */
  arrives(ip: IpHeader, seg: Segment, now: Micros): void {
    this.out.now = now;
    this.env.counters.TcpInSegs += seg.wireSegments;
    const ports = (seg.destinationPort << 16) | seg.sourcePort;
    const hash = this.flows.hash(ip.d0, ip.d1, ip.d2, ip.d3, ip.s0, ip.s1, ip.s2, ip.s3, ports);
    const entry = this.flows.find(
      hash,
      ip.d0,
      ip.d1,
      ip.d2,
      ip.d3,
      ip.s0,
      ip.s1,
      ip.s2,
      ip.s3,
      seg.destinationPort,
      seg.sourcePort,
    );
    if (entry !== null) {
      this.arrivesAt(entry, seg, now);
      return;
    }
    const row = this.timeWait.find(hash, ip.d0, ip.d1, ip.d2, ip.d3, ip.s0, ip.s1, ip.s2, ip.s3, ports);
    if (row >= 0 && !this.arrivesAtTimeWait(row, ip, seg, now)) return;
    this.arrivesAtListener(ip, seg, hash, row >= 0 ? this.record : null, now);
  }

  /** The segment to parse into: one object for all. */
  get incoming(): Segment {
    return this.seg;
  }

  private arrivesAt(entry: TcpEntry, seg: Segment, now: Micros): void {
    const { conn, listener } = entry;
    if (
      listener !== null &&
      conn.state === State.synReceived &&
      seg.has(TcpFlag.ACK) &&
      !seg.has(TcpFlag.RST) &&
      listener.queue.isFull
    ) {
      // As Linux: the peer will send again, or we our SYN,ACK; by then there may be room.
      this.env.counters.TcpExtListenOverflows++;
      this.env.counters.TcpExtListenDrops++;
      this.o.countDrop(Drop.tcpListenOverflow, entry.toString());
      return;
    }
    conn.onSegment(seg, now);
    if (listener !== null && conn.state !== State.synReceived) this.leftSynReceived(entry, listener);
    this.mark(entry);
  }

  private leftSynReceived(entry: TcpEntry, listener: Listener): void {
    entry.listener = null;
    const { conn } = entry;
    const established = conn.state !== State.closed;
    listener.queue.leaveHalfOpen(conn, established);
    if (established && listener.user.tcpAccept(conn)) listener.queue.remove(conn);
  }

  /** True when the segment is a SYN that may take the old connection's place. */
  private arrivesAtTimeWait(row: number, ip: IpHeader, seg: Segment, now: Micros): boolean {
    const { record, o } = this;
    this.timeWait.read(row, record);
    let verdict = arrivesInTimeWait(record, seg);
    // A SYN that nobody would take opens nothing, and must not end TIME-WAIT either.
    if (verdict === TimeWait.reopen && this.listeners.find(seg.destinationPort, ip.d0, ip.d1, ip.d2, ip.d3) === null) {
      verdict = TimeWait.acknowledge;
    }
    const watch = o.observer;
    switch (verdict) {
      case TimeWait.reopen:
        this.timeWait.remove(row);
        this.env.counters.TcpExtTWRecycled++;
        return true;
      case TimeWait.close:
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: RST ends it', now);
        this.timeWait.remove(row);
        return false;
      case TimeWait.acknowledge: {
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: acknowledged, 2 MSL start anew', now);
        this.timeWait.restart(row, now);
        timeWaitAck(record, seg, this.out.segment, Math.floor(now / 1000));
        this.sendStray(ip, seg, 'ACK from TIME-WAIT', now);
        return false;
      }
      default:
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: nothing to do', now);
        o.countDrop(Drop.tcpTimeWait, '');
        return false;
    }
  }

  /** `before`: what was in TIME-WAIT, if the segment is a SYN that takes its place. */
  private arrivesAtListener(
    ip: IpHeader,
    seg: Segment,
    hash: number,
    before: TimeWaitRecord | null,
    now: Micros,
  ): void {
    const listener = this.listeners.find(seg.destinationPort, ip.d0, ip.d1, ip.d2, ip.d3);
    const watch = this.o.observer;
    if (listener === null) {
      this.o.countDrop(Drop.tcpNoSuchPort, watch === null ? '' : flowOf(ip, seg).toString());
      watch?.strayArrived(flowOf(ip, seg), seg, seg.has(TcpFlag.RST) ? 'CLOSED: RST is ignored' : 'CLOSED: RST', now);
      this.answerWithReset(ip, seg, now);
      return;
    }
    switch (arrivesInListen(seg)) {
      case 'reset':
        watch?.strayArrived(flowOf(ip, seg), seg, 'LISTEN: an ACK of nothing, RST', now);
        this.answerWithReset(ip, seg, now);
        return;
      case 'ignore':
        watch?.strayArrived(flowOf(ip, seg), seg, 'LISTEN: ignored', now);
        this.o.countDrop(Drop.tcpBadFlags, '');
        return;
      default:
        this.openPassive(listener, ip, seg, hash, before, now);
    }
  }

  private openPassive(
    listener: Listener,
    ip: IpHeader,
    seg: Segment,
    hash: number,
    before: TimeWaitRecord | null,
    now: Micros,
  ): void {
    const flow = flowOf(ip, seg);
    if (!listener.queue.takesSyn) {
      this.env.counters.TcpExtListenDrops++;
      if (listener.queue.isFull) this.env.counters.TcpExtListenOverflows++;
      this.o.observer?.strayArrived(flow, seg, 'LISTEN: the backlog is full, dropped', now);
      this.o.countDrop(Drop.tcpSynQueueFull, flow.toString());
      return;
    }
    const device = this.o.route(flow.remote);
    if (device === null) {
      this.o.countDrop(Drop.noRoute, flow.toString());
      return;
    }
    const entry = this.open(flow, hash, device, this.o.config, before, now);
    entry.listener = listener;
    this.o.observer?.segmentArrived(entry.conn, seg, now);
    entry.conn.openPassive(seg, now);
    listener.queue.addHalfOpen(entry.conn);
    this.mark(entry);
  }

  private answerWithReset(ip: IpHeader, seg: Segment, now: Micros): void {
    if (!resetFor(seg, this.out.segment)) return;
    this.env.counters.TcpOutRsts++;
    this.sendStray(ip, seg, 'RST: no such connection (RFC 9293 section 3.5.2)', now);
  }

  /** An ICMP error about a segment that we sent. */
  icmpError(e: IcmpError, now: Micros): void {
    this.out.now = now;
    const ports = (e.sourcePort << 16) | e.destinationPort;
    const hash = this.flows.hash(e.s0, e.s1, e.s2, e.s3, e.d0, e.d1, e.d2, e.d3, ports);
    const entry = this.flows.find(
      hash,
      e.s0,
      e.s1,
      e.s2,
      e.s3,
      e.d0,
      e.d1,
      e.d2,
      e.d3,
      e.sourcePort,
      e.destinationPort,
    );
    if (entry === null) {
      this.o.countDrop(Drop.icmpNoSuchFlow, '');
      return;
    }
    icmpErrorArrives(entry.conn, e, now);
    this.mark(entry);
  }

  // ---- The user's side ----------------------------------------------------------------------------------------------

  listen(o: ListenOptions): Listener {
    const address = o.address ?? null;
    const port = o.port === 0 ? this.freeListenPort() : o.port;
    if (address !== null && !this.o.isLocal(address)) {
      throw new StackError('EADDRNOTAVAIL', `${address.toString()} is not an address of this stack`);
    }
    const listener = new Listener(address, port, o.backlog ?? DEFAULT_BACKLOG, o.user, (l) => {
      this.closeListener(l);
    });
    this.listeners.add(listener);
    return listener;
  }

  /** MUST-46: an active OPEN to a broadcast or multicast address is refused. */
  connect(o: ConnectOptions, now: Micros): Connection {
    this.out.now = now;
    const { remote, remotePort } = o;
    if (remote.isMulticast || this.o.isBroadcast(remote)) {
      throw new StackError('ENETUNREACH', `${remote.toString()} is no address of a single host`);
    }
    const local = o.local ?? this.o.sourceFor(remote);
    const device = this.o.route(remote);
    if (local === null || device === null) {
      throw new StackError(
        'ENETUNREACH',
        `the stack has no IPv${remote.version} address to reach ${remote.toString()} from`,
      );
    }
    if (!this.o.isLocal(local)) {
      throw new StackError('EADDRNOTAVAIL', `${local.toString()} is not an address of this stack`);
    }
    checkPair(local, remote, this.o.isLocal(remote));
    const localPort = o.localPort ? o.localPort : this.ephemeralPort(local, remote, remotePort);
    if (localPort === 0) throw new StackError('EADDRNOTAVAIL', 'every ephemeral port to this address is in use');
    const flow = new Flow(local, localPort, remote, remotePort);
    if (this.isTaken(flow)) throw new StackError('EADDRINUSE', `${flow.toString()} is connected already`);
    const config = o.config === undefined ? this.o.config : { ...this.o.config, ...o.config };
    const entry = this.open(flow, this.hashOf(flow), device, config, null, now);
    entry.conn.user = o.user;
    entry.conn.openActive(now);
    this.mark(entry);
    this.o.wake();
    return entry.conn;
  }

  /** `conn`'s user did something that may make something to send. */
  touch(conn: Connection): void {
    const entry = conn.flow as TcpEntry;
    if (entry.linked || conn.resetOwed !== 0 || conn.events !== 0) this.mark(entry);
  }

  *connections(): Generator<Connection> {
    for (const e of this.flows) yield e.conn;
  }

  // ---- Out ----------------------------------------------------------------------------------------------------------

  /** Tells users what happened, then sends what is owed: an answer that a user gives at once rides on the ACK. */
  run(now: Micros): void {
    this.out.now = now;
    const { dirty } = this;
    for (let i = 0; i < dirty.length; i++) this.tell(dirty[i]!);
    for (let i = 0; i < dirty.length; i++) {
      const e = dirty[i]!;
      e.dirty = false;
      this.settle(e, now);
    }
    dirty.length = 0;
  }

  private tell(e: TcpEntry): void {
    const { conn } = e;
    if (conn.events === 0 || conn.user === null) return;
    conn.user.tcpEvents(conn, conn.takeEvents());
  }

  /** Sends, and then: is it over, and when is it to be looked at again? */
  private settle(e: TcpEntry, now: Micros): void {
    const { conn } = e;
    conn.pollTransmit(now, this.out);
    if (!e.linked) return;
    if (conn.state === State.closed || conn.state === State.timeWait) {
      this.flows.remove(e);
      this.heap.remove(e);
      e.deadline = NEVER;
      if (e.listener !== null) {
        e.listener.queue.remove(conn);
        e.listener = null;
      }
      this.releasePort(e.localPort);
      if (conn.state === State.timeWait) {
        this.env.counters.TcpExtTW++;
        if (!this.timeWait.add(e, now)) this.env.counters.TcpExtTCPTimeWaitOverflow++;
      }
      return;
    }
    // The heap may keep a deadline that is too early: it costs one look when it comes, and most deadlines only ever move back.
    const next = conn.nextTimeout();
    if (next < e.deadline) {
      e.deadline = next;
      this.heap.update(e, next);
    }
  }

  /** Answers `seg` with the segment that stands in `this.out`, from no connection. */
  private sendStray(ip: IpHeader, seg: Segment, why: string, now: Micros): void {
    const device = this.o.route(sourceOf(ip));
    if (device === null) return;
    this.env.counters.TcpOutSegs++;
    this.o.observer?.straySent(flowOf(ip, seg), this.out.segment, why, now);
    this.out.sendStray(device, ip);
  }

  // ---- Time ---------------------------------------------------------------------------------------------------------

  nextTimeout(): Micros {
    const first = this.heap.peek();
    return Math.min(first === undefined ? NEVER : first.deadline, this.timeWait.nextTimeout());
  }

  onTimeout(now: Micros): void {
    this.out.now = now;
    this.timeWait.expire(now);
    for (;;) {
      const e = this.heap.peek();
      if (e === undefined || e.deadline > now) return;
      this.heap.remove(e);
      e.deadline = NEVER;
      e.conn.onTimeout(now);
      this.mark(e);
      // Its next deadline is known once it has sent; one that does not send keeps the one it has.
    }
  }

  close(now: Micros): void {
    for (const l of this.listeners.all()) l.close();
    for (const e of [...this.flows]) {
      e.conn.abort(now, 'the stack closes');
      this.mark(e);
    }
    this.run(now);
  }

  checkInvariants(): string | null {
    for (const e of this.flows) {
      const broken = e.conn.checkInvariants();
      if (broken !== null) return `${e.toString()}: ${broken}`;
      if (!e.dirty && e.conn.nextTimeout() < e.deadline) return `${e.toString()}: a timer is due before the heap knows`;
    }
    return null;
  }

  // ---- Small parts --------------------------------------------------------------------------------------------------

  private mark(e: TcpEntry): void {
    if (e.dirty) return;
    e.dirty = true;
    this.dirty.push(e);
  }

  get hasWork(): boolean {
    return this.dirty.length > 0;
  }

  private open(
    flow: Flow,
    hash: number,
    device: Device,
    config: TcpConfig,
    before: TimeWaitRecord | null,
    now: Micros,
  ): TcpEntry {
    const { local: l, remote: r } = flow;
    const v4 = l.version === 4;
    const sum = pseudoHeaderSum(l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, PROTOCOL_TCP);
    const entry = new TcpEntry(l, flow.localPort, r, flow.remotePort, hash, sum, device);
    this.tuple.hash(l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, (flow.localPort << 16) | flow.remotePort, FOR_ISN);
    const ipBytes = v4 ? IPV4_HEADER_BYTES : IPV6_HEADER_BYTES;
    entry.ipId = this.tuple.hi & 0xffff;
    entry.conn = new Connection({
      flow: entry,
      env: this.env,
      config,
      iss: initialSequenceNumber(this.tuple.lo, now, before),
      tsOffset: this.tuple.hi,
      mss: Math.min(device.mtu - ipBytes - TCP_HEADER_BYTES, 0xffff),
      defaultMss: v4 ? DEFAULT_MSS_V4 : DEFAULT_MSS_V6,
      gsoBytes: (v4 ? device.offload.tso4 : device.offload.tso6) ? MAX_IP_PACKET - ipBytes - TCP_MAX_HEADER_BYTES : 0,
    });
    this.flows.add(entry);
    this.portsInUse.set(flow.localPort, (this.portsInUse.get(flow.localPort) ?? 0) + 1);
    return entry;
  }

  private releasePort(port: number): void {
    const n = this.portsInUse.get(port) ?? 0;
    if (n <= 1) this.portsInUse.delete(port);
    else this.portsInUse.set(port, n - 1);
  }

  private hashOf(f: Flow): number {
    const { local: l, remote: r } = f;
    return this.flows.hash(l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, (f.localPort << 16) | f.remotePort);
  }

  private isTaken(f: Flow): boolean {
    const { local: l, remote: r } = f;
    const hash = this.hashOf(f);
    if (this.flows.find(hash, l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, f.localPort, f.remotePort) !== null)
      return true;
    const ports = (f.localPort << 16) | f.remotePort;
    return this.timeWait.find(hash, l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, ports) >= 0;
  }

  private ephemeralPort(l: Address, r: Address, remotePort: number): number {
    this.tuple.hash(l.w0, l.w1, l.w2, l.w3, r.w0, r.w1, r.w2, r.w3, remotePort, FOR_PORTS);
    return this.ports.pick(
      this.tuple.lo,
      (port) => !this.listeners.has(port) && !this.isTaken(new Flow(l, port, r, remotePort)),
    );
  }

  private freeListenPort(): number {
    const port = this.ports.pick(this.o.random.int32(), (p) => !this.listeners.has(p) && !this.portsInUse.has(p));
    if (port === 0) throw new StackError('EADDRINUSE', 'every ephemeral port is in use');
    return port;
  }

  private closeListener(listener: Listener): void {
    this.listeners.remove(listener);
    for (const conn of listener.queue.drain()) {
      const e = conn.flow as TcpEntry;
      e.listener = null;
      conn.abort(this.out.now, 'the listener closes');
      this.mark(e);
    }
    this.o.wake();
  }
}

/** Total length of an IPv4 packet, payload of an IPv6 one. */
const MAX_IP_PACKET = 65_535;

const sourceOf = (ip: IpHeader): Address => Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3);

/** From our side: what `seg` was sent to is local. */
const flowOf = (ip: IpHeader, seg: Segment): Flow =>
  new Flow(Address.fromWords(ip.d0, ip.d1, ip.d2, ip.d3), seg.destinationPort, sourceOf(ip), seg.sourcePort);
