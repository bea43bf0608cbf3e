/**
 * Turns the calls to a stack's observer into plain events. There is one recorder for a stack; all
 * views (live lines, ladder, comments in captures, JSON Lines) are made from its events.
 */
import type { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import type { Direction } from '../device/link/drop-rules.js';
import type { LinkListener } from '../device/link/lane.js';
import type { Flow } from '../stack/flow.js';
import type { Datagram, StackObserver, StrayAnswer, StrayFate } from '../stack/observer.js';
import type { Note } from '../tcp/notes.js';
import { State, STATE_NAMES } from '../tcp/state.js';
import type { Tcb } from '../tcp/tcb.js';
import { type Timer, TIMER_NAMES } from '../tcp/timers.js';
import { Drop, DROP_NAMES, type DropReason, LINK_DROPS } from '../wire/drop.js';
import { Segment } from '../wire/tcp.js';
import { isCall, type Cause } from '../tcp/causes.js';
import type { UserCall } from '../tcp/user-call.js';
import { ConnectionWatch } from './connection-watch.js';
import type { EventSink, LinkEvent, TraceEvent, Trigger } from './events.js';
import {
  arrivalSection,
  callSection,
  causeSection,
  dropSection,
  noteSection,
  sendingSection,
  timerSection,
} from './event-sections.js';
import { FlowMemory, type TheirSyn } from './flow-memory.js';
import { Begins, type LineLimit } from './line-limit.js';
import { readPacket } from './packet-text.js';

/**
 * Most connections to remember. Beyond this the oldest is forgotten, and its later packets are
 * shown with absolute numbers.
 */
const MAX_FLOWS = 10_000;

/**
 * Not reported: what the link dropped, because `linkDropped` reports it together with the packet,
 * and the kernel's multicast on a new link.
 */
const SILENT: ReadonlySet<DropReason> = new Set([...LINK_DROPS, Drop.ignoredGroup]);

export interface RecorderOptions {
  /** Events that it hides are not made at all. */
  readonly limit?: LineLimit | null;
  /** 'lines': without user calls, metrics and buffers, which no line shows. Default: all events. */
  readonly only?: 'lines';
}

export class Recorder implements StackObserver, LinkListener {
  private readonly sink: EventSink;
  private readonly start: Micros;
  private readonly limit: LineLimit | null;
  private readonly byId = new Map<string, FlowMemory>();
  private byFlow = new WeakMap<object, FlowMemory>();
  private readonly parsed = new Segment();
  private readonly watches: WeakMap<Tcb, ConnectionWatch> | null;
  /** Connections of this turn, and calls that were told without a time. */
  private readonly touched = new Set<ConnectionWatch>();
  private readonly calls: { conn: Tcb; call: UserCall }[] = [];

  /** Event times are relative to `start`. */
  constructor(sink: EventSink, start: Micros, options: RecorderOptions = {}) {
    this.sink = sink;
    this.start = start;
    this.limit = options.limit ?? null;
    this.watches = options.only === 'lines' ? null : new WeakMap();
    const { limit } = this;
    limit?.onResume.push(() => {
      this.forget();
    });
  }

  private lets(begins: Begins, now: Micros): boolean {
    return this.limit === null || this.limit.lets(begins, now - this.start);
  }

  /**
   * SYNs may have been missed: the numbers are read from the connections again, and segments
   * without a connection are shown with absolute numbers.
   */
  private forget(): void {
    this.byId.clear();
    this.byFlow = new WeakMap();
  }

  segmentArrived(conn: Tcb, seg: Segment, now: Micros): void {
    this.touch(conn, 'segment-received', now);
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOf(conn);
    const segment = m.read(seg, false);
    segment.checksum = seg.checksumVouched ? 'vouched' : 'verified';
    const { local, remote } = m;
    const { rcv } = conn;
    const expected = conn.state > State.synSent ? (rcv.nxt - rcv.irs) >>> 0 : null;
    const held = rcv.outOfOrder.bytes;
    this.emit(
      'tcp:segment_received',
      m.id,
      { local, remote, segment, state: conn.stateName, expected, held },
      arrivalSection(conn.stateName),
      now,
    );
  }

  segmentDropped(conn: Tcb, seg: Segment, reason: DropReason, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    const m = this.memoryOf(conn);
    this.emit(
      'tcp:segment_dropped',
      m.id,
      { reason: DROP_NAMES[reason]!, segment: m.read(seg, false) },
      dropSection(DROP_NAMES[reason]!),
      now,
    );
  }

  segmentSent(conn: Tcb, seg: Segment, again: boolean, now: Micros): void {
    this.touch(conn, 'segment-sent', now);
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOf(conn);
    const { local, remote } = m;
    const segment = m.read(seg, true);
    this.emit(
      'tcp:segment_sent',
      m.id,
      { local, remote, segment, state: conn.stateName, again },
      sendingSection(segment, again),
      now,
    );
  }

  stateChanged(conn: Tcb, from: State, to: State, cause: Cause, now: Micros): void {
    if (!this.lets(isCall(cause) ? Begins.cause : Begins.nothing, now)) return;
    this.tellCalls(now);
    const data = { from: STATE_NAMES[from], to: STATE_NAMES[to], cause };
    this.emit('tcp:state_changed', this.memoryOf(conn).id, data, causeSection(cause), now);
  }

  timerSet(conn: Tcb, timer: Timer, deadline: Micros, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    const name = TIMER_NAMES[timer];
    const data = { timer: name, inUs: deadline - now };
    this.emit('recovery:timer_set', this.memoryOf(conn).id, data, timerSection(name), now);
  }

  timerStopped(conn: Tcb, timer: Timer, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    const name = TIMER_NAMES[timer];
    const { id } = this.memoryOf(conn);
    this.emit('recovery:timer_stopped', id, { timer: name }, timerSection(name), now);
  }

  timerExpired(conn: Tcb, timer: Timer, now: Micros): void {
    const name = TIMER_NAMES[timer];
    this.touch(conn, `timer:${name}`, now);
    if (!this.lets(Begins.cause, now)) return;
    const { id } = this.memoryOf(conn);
    this.emit('recovery:timer_expired', id, { timer: name }, timerSection(name), now);
  }

  noted(conn: Tcb, note: Note, now: Micros): void {
    if (!this.lets(note.note === 'iss-chosen' ? Begins.cause : Begins.nothing, now)) return;
    this.emit('tcp:note', this.memoryOf(conn).id, note, noteSection(note), now);
  }

  packetDropped(reason: DropReason, detail: string, now: Micros): void {
    if (SILENT.has(reason)) return;
    if (!this.lets(Begins.line, now)) return;
    const name = DROP_NAMES[reason]!;
    this.emit('ip:packet_dropped', '', { reason: name, detail }, dropSection(name), now);
  }

  strayArrived(flow: Flow, seg: Segment, done: StrayFate, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOfFlow(flow);
    const segment = m.read(seg, false);
    segment.checksum = seg.checksumVouched ? 'vouched' : 'verified';
    const data = { local: m.local, remote: m.remote, segment, done };
    this.emit('tcp:stray_received', m.id, data, STRAY_SECTION, now);
  }

  straySent(flow: Flow, seg: Segment, why: StrayAnswer, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOfFlow(flow);
    const segment = m.read(seg, true);
    const data = { local: m.local, remote: m.remote, segment, why };
    this.emit('tcp:stray_sent', m.id, data, STRAY_SECTION, now);
  }

  datagram(direction: 'in' | 'out', from: string, to: string, what: Datagram, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    this.emit('ip:datagram', '', { direction, from, to, ...what }, null, now);
  }

  linkDropped(
    direction: Direction,
    reason: DropReason,
    detail: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    this.link('link:dropped', direction, DROP_NAMES[reason]!, detail, slab, offset, length, now);
  }

  linkAltered(
    direction: Direction,
    what: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    this.link('link:altered', direction, what, '', slab, offset, length, now);
  }

  private link(
    name: LinkEvent['name'],
    direction: Direction,
    what: string,
    detail: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    if (!this.lets(direction === 'in' ? Begins.line : Begins.nothing, now)) return;
    const ends = readPacket(slab, offset, length, this.parsed);
    const local = direction === 'out' ? ends.source : ends.destination;
    const remote = direction === 'out' ? ends.destination : ends.source;
    // A corrupted packet may have any flags and numbers, so nothing is learned from it.
    const learn = ends.segment !== null && what !== 'corrupted';
    const m = learn ? this.remembered(local, remote) : new FlowMemory(local, remote);
    const segment = ends.segment === null ? null : m.read(ends.segment, direction === 'out');
    const group = ends.segment === null ? '' : m.id;
    this.emit(
      name,
      group,
      { local, remote, direction, what, detail, protocol: ends.protocol, length, segment },
      null,
      now,
    );
  }

  called(conn: Tcb, call: UserCall): void {
    if (this.watches !== null) this.calls.push({ conn, call });
  }

  turnEnds(now: Micros): void {
    this.tellCalls(now);
    for (const watch of this.touched) {
      const { id } = this.memoryOf(watch.conn);
      const metrics = watch.newMetrics();
      if (metrics !== null)
        this.emit('recovery:metrics_updated', id, metrics, METRICS_SECTION, now);
      const buffers = watch.newBuffers();
      if (buffers !== null) this.emit('tcp:buffers_updated', id, buffers, BUFFERS_SECTION, now);
      watch.turnEnds();
    }
    this.touched.clear();
  }

  /** Something happened to `conn` that may change what `turnEnds` reports. */
  private touch(conn: Tcb, by: Trigger, now: Micros): void {
    if (this.watches === null) return;
    this.tellCalls(now);
    let watch = this.watches.get(conn);
    if (watch === undefined) {
      watch = new ConnectionWatch(conn);
      this.watches.set(conn, watch);
    }
    watch.triggered(by);
    this.touched.add(watch);
  }

  /** Reports the calls that were told without a time. */
  private tellCalls(now: Micros): void {
    if (this.calls.length === 0) return;
    for (const { conn, call } of this.calls.splice(0)) {
      this.touch(conn, `call:${call.call}`, now);
      this.emit('tcp:called', this.memoryOf(conn).id, call, callSection(call), now);
    }
  }

  private memoryOf(conn: Tcb): FlowMemory {
    let m = this.byFlow.get(conn.flow);
    if (m === undefined) {
      m = this.memoryOfFlow(conn.flow);
      m.learn(conn.iss, conn.state > State.synSent ? theirsOf(conn) : null);
      this.byFlow.set(conn.flow, m);
    }
    return m;
  }

  private memoryOfFlow(flow: { toString(): string }): FlowMemory {
    const [local, remote] = flow.toString().split(' ');
    return this.remembered(local!, remote!);
  }

  private remembered(local: string, remote: string): FlowMemory {
    const id = `${local} ${remote}`;
    let m = this.byId.get(id);
    if (m === undefined) {
      m = new FlowMemory(local, remote);
      if (this.byId.size >= MAX_FLOWS) this.byId.delete(this.byId.keys().next().value!);
      this.byId.set(id, m);
    }
    return m;
  }

  private emit<N extends TraceEvent['name']>(
    name: N,
    group_id: string,
    data: Extract<TraceEvent, { name: N }>['data'],
    rfc: string | null,
    now: Micros,
  ): void {
    this.sink({ time: now - this.start, name, group_id, data, rfc } as TraceEvent);
  }
}

const STRAY_SECTION = 'RFC 9293 section 3.10.7';
const METRICS_SECTION = 'RFC 5681 section 3';
const BUFFERS_SECTION = 'RFC 9293 section 3.8.6';

/** What the connection knows from the peer's SYN. */
const theirsOf = ({ irs, windowScaling, snd, rcv }: Tcb): TheirSyn => ({
  irs,
  scales: windowScaling ? { in: snd.wscale, out: rcv.wscale } : null,
});
