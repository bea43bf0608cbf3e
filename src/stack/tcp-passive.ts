/**
 * The passive side of TCP in a stack: segments that meet no connection.
 *
 *     segment ─┬─ TIME-WAIT's row ─▶ tcp/time-wait.ts ─▶ an ACK, or on to the listener
 *              ├─ a listener ─▶ tcp/listener.ts ─▶ a new connection
 *              └─ nobody ─▶ tcp/reset.ts
 */
import type { Micros } from '../base/time.js';
import { Address } from '../ip/address.js';
import { Drop } from '../wire/drop.js';
import type { IpHeader } from '../wire/ip.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import { arrivesInListen } from '../tcp/listener.js';
import { resetFor } from '../tcp/reset.js';
import { State } from '../tcp/state.js';
import { arrivesInTimeWait, timeWaitAck, TimeWait, TimeWaitRecord } from '../tcp/time-wait.js';
import { Flow, type TcpEntry } from './flow.js';
import type { Listener } from './listener.js';
import { ListenerTable } from './listener-table.js';
import type { TcpConnections, TcpHostOptions } from './tcp-connections.js';

export class TcpPassive {
  readonly listeners = new ListenerTable();
  private readonly record = new TimeWaitRecord();
  private readonly all: TcpConnections;
  private readonly o: TcpHostOptions;

  constructor(all: TcpConnections, o: TcpHostOptions) {
    this.all = all;
    this.o = o;
  }

  /** `seg` belongs to no connection; `hash` is its four-tuple's. */
  arrives(ip: IpHeader, seg: Segment, hash: number, ports: number, now: Micros): void {
    const row = this.all.timeWait.find(hash, ip.d0, ip.d1, ip.d2, ip.d3, ip.s0, ip.s1, ip.s2, ip.s3, ports);
    if (row >= 0 && !this.arrivesAtTimeWait(row, ip, seg, now)) return;
    this.arrivesAtListener(ip, seg, hash, row >= 0 ? this.record : null, now);
  }

  // ---- TIME-WAIT ------------------------------------------------------------------------------------------------------

  /** True when the segment is a SYN that may take the old connection's place. */
  private arrivesAtTimeWait(row: number, ip: IpHeader, seg: Segment, now: Micros): boolean {
    const { record, o } = this;
    const { timeWait, env, out } = this.all;
    timeWait.read(row, record);
    let verdict = arrivesInTimeWait(record, seg);
    // A SYN that nobody would take opens nothing, and must not end TIME-WAIT either.
    if (verdict === TimeWait.reopen && this.listeners.find(seg.destinationPort, ip.d0, ip.d1, ip.d2, ip.d3) === null) {
      verdict = TimeWait.acknowledge;
    }
    const watch = o.observer;
    switch (verdict) {
      case TimeWait.reopen:
        timeWait.remove(row);
        env.counters.TcpExtTWRecycled++;
        return true;
      case TimeWait.close:
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: RST ends it', now);
        timeWait.remove(row);
        return false;
      case TimeWait.acknowledge: {
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: acknowledged, 2 MSL start anew', now);
        timeWait.restart(row, now);
        timeWaitAck(record, seg, out.segment, Math.floor(now / 1000));
        this.sendStray(ip, seg, 'ACK from TIME-WAIT', now);
        return false;
      }
      default:
        watch?.strayArrived(flowOf(ip, seg), seg, 'TIME-WAIT: nothing to do', now);
        o.countDrop(Drop.tcpTimeWait, '');
        return false;
    }
  }

  // ---- LISTEN ---------------------------------------------------------------------------------------------------------

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
    const { all, o } = this;
    const flow = flowOf(ip, seg);
    if (!listener.queue.takesSyn) {
      all.env.counters.TcpExtListenDrops++;
      if (listener.queue.isFull) all.env.counters.TcpExtListenOverflows++;
      o.observer?.strayArrived(flow, seg, 'LISTEN: the backlog is full, dropped', now);
      o.countDrop(Drop.tcpSynQueueFull, flow.toString());
      return;
    }
    const device = o.route(flow.remote);
    if (device === null) {
      o.countDrop(Drop.noRoute, flow.toString());
      return;
    }
    const entry = all.open(flow, hash, device, o.config, before, now);
    entry.listener = listener;
    o.observer?.segmentArrived(entry.conn, seg, now);
    entry.conn.openPassive(seg, now);
    listener.queue.addHalfOpen(entry.conn);
    all.mark(entry);
  }

  /** A segment for a connection that its listener still holds; false, and counted, when there is no room for it to be established. */
  mayEstablish(entry: TcpEntry, listener: Listener, seg: Segment): boolean {
    const completes = entry.conn.state === State.synReceived && seg.has(TcpFlag.ACK) && !seg.has(TcpFlag.RST);
    if (!completes || !listener.queue.isFull) return true;
    // As Linux: the peer will send again, or we our SYN,ACK; by then there may be room.
    this.all.env.counters.TcpExtListenOverflows++;
    this.all.env.counters.TcpExtListenDrops++;
    this.o.countDrop(Drop.tcpListenOverflow, entry.toString());
    return false;
  }

  /** To be called after each segment of a connection that its listener still holds. */
  leftSynReceived(entry: TcpEntry, listener: Listener): void {
    const { conn } = entry;
    if (conn.state === State.synReceived) return;
    entry.listener = null;
    const established = conn.state !== State.closed;
    listener.queue.leaveHalfOpen(conn, established);
    if (established && listener.user.tcpAccept(conn)) listener.queue.remove(conn);
  }

  closeListener(listener: Listener): void {
    this.listeners.remove(listener);
    for (const conn of listener.queue.drain()) {
      const e = conn.flow as TcpEntry;
      e.listener = null;
      conn.abort(this.all.out.now, 'the listener closes');
      this.all.mark(e);
    }
    this.o.wake();
  }

  // ---- Answers from no connection ---------------------------------------------------------------------------------------

  private answerWithReset(ip: IpHeader, seg: Segment, now: Micros): void {
    if (!resetFor(seg, this.all.out.segment)) return;
    this.all.env.counters.TcpOutRsts++;
    this.sendStray(ip, seg, 'RST: no such connection (RFC 9293 section 3.5.2)', now);
  }

  /** Answers `seg` with the segment that stands in `out`. */
  private sendStray(ip: IpHeader, seg: Segment, why: string, now: Micros): void {
    const { env, out } = this.all;
    const device = this.o.route(sourceOf(ip));
    if (device === null) return;
    env.counters.TcpOutSegs++;
    this.o.observer?.straySent(flowOf(ip, seg), out.segment, why, now);
    out.sendStray(device, ip);
  }
}

const sourceOf = (ip: IpHeader): Address => Address.fromWords(ip.s0, ip.s1, ip.s2, ip.s3);

/** From our side: what `seg` was sent to is local. */
const flowOf = (ip: IpHeader, seg: Segment): Flow =>
  new Flow(Address.fromWords(ip.d0, ip.d1, ip.d2, ip.d3), seg.destinationPort, sourceOf(ip), seg.sourcePort);
