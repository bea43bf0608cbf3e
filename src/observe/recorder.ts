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
import type { Connection } from '../tcp/connection.js';
import type { Note } from '../tcp/notes.js';
import { State, STATE_NAMES } from '../tcp/state.js';
import { type Timer, TIMER_NAMES } from '../tcp/timers.js';
import { Drop, DROP_NAMES, type DropReason, LINK_DROPS } from '../wire/drop.js';
import { Segment } from '../wire/tcp.js';
import { isCall, type Cause } from '../tcp/causes.js';
import type { EventSink, LinkEvent, TraceEvent } from './events.js';
import { FlowMemory, type TheirSyn } from './flow-memory.js';
import { Begins, type LineLimit } from './line-limit.js';
import { readPacket } from './packet-text.js';
import { ANSWER_TEXTS, datagramText, FATE_TEXTS } from './stray-texts.js';

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

export class Recorder implements StackObserver, LinkListener {
  private readonly sink: EventSink;
  private readonly start: Micros;
  private readonly limit: LineLimit | null;
  private readonly byId = new Map<string, FlowMemory>();
  private byFlow = new WeakMap<object, FlowMemory>();
  private readonly parsed = new Segment();

  /** Event times are relative to `start`. Events that `limit` hides are not made at all. */
  constructor(sink: EventSink, start: Micros, limit: LineLimit | null = null) {
    this.sink = sink;
    this.start = start;
    this.limit = limit;
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

  segmentArrived(conn: Connection, seg: Segment, now: Micros): void {
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
      now,
    );
  }

  segmentDropped(conn: Connection, seg: Segment, reason: DropReason, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    const m = this.memoryOf(conn);
    this.emit(
      'tcp:segment_dropped',
      m.id,
      { reason: DROP_NAMES[reason]!, segment: m.read(seg, false) },
      now,
    );
  }

  segmentSent(conn: Connection, seg: Segment, again: boolean, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOf(conn);
    const { local, remote } = m;
    const segment = m.read(seg, true);
    this.emit(
      'tcp:segment_sent',
      m.id,
      { local, remote, segment, state: conn.stateName, again },
      now,
    );
  }

  stateChanged(conn: Connection, from: State, to: State, cause: Cause, now: Micros): void {
    if (!this.lets(isCall(cause) ? Begins.cause : Begins.nothing, now)) return;
    const data = { from: STATE_NAMES[from], to: STATE_NAMES[to], cause };
    this.emit('tcp:state_changed', this.memoryOf(conn).id, data, now);
  }

  timerSet(conn: Connection, timer: Timer, deadline: Micros, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    const data = { timer: TIMER_NAMES[timer], inUs: deadline - now };
    this.emit('recovery:timer_set', this.memoryOf(conn).id, data, now);
  }

  timerStopped(conn: Connection, timer: Timer, now: Micros): void {
    if (!this.lets(Begins.nothing, now)) return;
    this.emit('recovery:timer_stopped', this.memoryOf(conn).id, { timer: TIMER_NAMES[timer] }, now);
  }

  timerExpired(conn: Connection, timer: Timer, now: Micros): void {
    if (!this.lets(Begins.cause, now)) return;
    this.emit('recovery:timer_expired', this.memoryOf(conn).id, { timer: TIMER_NAMES[timer] }, now);
  }

  noted(conn: Connection, note: Note, now: Micros): void {
    if (!this.lets(note.note === 'iss-chosen' ? Begins.cause : Begins.nothing, now)) return;
    this.emit('tcp:note', this.memoryOf(conn).id, note, now);
  }

  packetDropped(reason: DropReason, detail: string, now: Micros): void {
    if (SILENT.has(reason)) return;
    if (!this.lets(Begins.line, now)) return;
    this.emit('ip:packet_dropped', '', { reason: DROP_NAMES[reason]!, detail }, now);
  }

  strayArrived(flow: Flow, seg: Segment, fate: StrayFate, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOfFlow(flow);
    const segment = m.read(seg, false);
    segment.checksum = seg.checksumVouched ? 'vouched' : 'verified';
    const done = FATE_TEXTS[fate];
    this.emit('tcp:stray_received', m.id, { local: m.local, remote: m.remote, segment, done }, now);
  }

  straySent(flow: Flow, seg: Segment, answer: StrayAnswer, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    const m = this.memoryOfFlow(flow);
    const segment = m.read(seg, true);
    const why = ANSWER_TEXTS[answer];
    this.emit('tcp:stray_sent', m.id, { local: m.local, remote: m.remote, segment, why }, now);
  }

  datagram(direction: 'in' | 'out', from: string, to: string, what: Datagram, now: Micros): void {
    if (!this.lets(Begins.line, now)) return;
    this.emit('ip:datagram', '', { direction, from, to, text: datagramText(what) }, now);
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
      now,
    );
  }

  private memoryOf(conn: Connection): FlowMemory {
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
    now: Micros,
  ): void {
    this.sink({ time: now - this.start, name, group_id, data } as TraceEvent);
  }
}

/** What the connection knows from the peer's SYN. */
const theirsOf = ({ irs, windowScaling, snd, rcv }: Connection): TheirSyn => ({
  irs,
  scales: windowScaling ? { in: snd.wscale, out: rcv.wscale } : null,
});
