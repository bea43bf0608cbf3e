/**
 * Events of a stack as plain data: one object for each, ready for JSON Lines. The names follow
 * qlog's convention (`area:what`); the schema is our own, because qlog has none for TCP. All views
 * are made from these events: live lines, ladders, explanations.
 *
 * `time` is in microseconds since the recorder's start. Sequence numbers are uint32; those called
 * `rel...` are relative to the initial sequence number of their direction, as in Wireshark.
 *
 * `rfc` is the section behind the event, or null if Linux alone defines it. docs/events.md explains
 * each event, and the rules by which the schema may change.
 */
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import type { Datagram, StrayAnswer, StrayFate } from '../stack/observer.js';
import type { Note } from '../tcp/notes.js';
import type { Cause } from '../tcp/causes.js';
import type { Buffers, Metrics } from '../tcp/metrics.js';
import type { UserCall } from '../tcp/user-call.js';

export interface SegmentOptions {
  mss?: Bytes;
  wscale?: number;
  sackPermitted?: boolean;
  timestamps?: { val: number; ecr: number };
  /** Left and right edges, absolute. */
  sack?: [number, number][];
  /** Fast Open cookie in hex; '' for a request. */
  fastOpen?: string;
}

export interface SegmentData {
  /** tcpdump's letters: `S`, `S.`, `.`, `P.`, `F.`, `R.`. */
  flags: string;
  seq: number;
  ack: number;
  relSeq: number;
  relAck: number;
  /** `wnd` is the field on the wire, `window` its value in bytes with the window scale. */
  wnd: number;
  window: Bytes;
  /** Payload bytes. */
  length: Bytes;
  /** Payload bytes of each wire segment in a super-segment; 0 for an ordinary segment. */
  gsoSize: Bytes;
  options: SegmentOptions;
  /** The urgent pointer, if URG is set. */
  urg?: number;
  /** Set if the ECN field is CE: a router marked the packet instead of dropping it (RFC 3168). */
  ce?: true;
  /** Only in received segments; `vouched` if an offload made the check unnecessary. */
  checksum?: 'verified' | 'vouched';
}

/** The local and the remote end, as text: `198.18.0.2:80`. */
export interface FlowData {
  readonly local: string;
  readonly remote: string;
}

interface Base<N extends string, D> {
  readonly time: Micros;
  readonly name: N;
  /** The connection, `LOCAL REMOTE`; '' for packets without one. */
  readonly group_id: string;
  /** `RFC 9293 section 3.10.7.4`. */
  readonly rfc: string | null;
  readonly data: D;
}

/** The first event of each stream. */
export type StartedEvent = Base<
  'tcplab:trace_started',
  {
    /** The version of this schema. */
    schema: number;
    /** tcplab's version. */
    version: string;
    /** Microseconds from 1970 to the zero of the events' times. */
    startedAt: number;
  }
>;
/**
 * `expected`: relative RCV.NXT before this segment; null before the peer's SYN. `held`: bytes in
 * the out-of-order queue.
 */
export type ReceivedEvent = Base<
  'tcp:segment_received',
  FlowData & { segment: SegmentData; state: string; expected: number | null; held: Bytes }
>;
export type SentEvent = Base<
  'tcp:segment_sent',
  FlowData & { segment: SegmentData; state: string; again: boolean }
>;
/** A segment without a connection, and what the stack did with it. */
export type StrayReceivedEvent = Base<
  'tcp:stray_received',
  FlowData & { segment: SegmentData; done: StrayFate }
>;
export type StraySentEvent = Base<
  'tcp:stray_sent',
  FlowData & { segment: SegmentData; why: StrayAnswer }
>;
export type SegmentDroppedEvent = Base<
  'tcp:segment_dropped',
  { reason: string; segment: SegmentData }
>;
export type StateEvent = Base<'tcp:state_changed', { from: string; to: string; cause: Cause }>;
export type TimerSetEvent = Base<'recovery:timer_set', { timer: string; inUs: Micros }>;
export type TimerStoppedEvent = Base<'recovery:timer_stopped', { timer: string }>;
export type TimerExpiredEvent = Base<'recovery:timer_expired', { timer: string }>;
export type NoteEvent = Base<'tcp:note', Note>;
/** The user called. */
export type CalledEvent = Base<'tcp:called', UserCall>;
/**
 * Congestion control and timing, at the end of a turn in which they changed. null stands for no
 * limit, and for a round trip that was not measured yet.
 */
export type MetricsEvent = Base<'recovery:metrics_updated', MetricsData>;
/** Buffers and windows, at the end of a turn in which they changed. */
export type BuffersEvent = Base<'tcp:buffers_updated', BuffersData>;

/** `because`: what happened to the connection in this turn, in order, each once. */
export type MetricsData = Metrics & { because: Trigger[] };
export type BuffersData = Buffers & { because: Trigger[] };

/** `timer:` with the timer's name, `call:` with the user's call. */
export type Trigger = 'segment-received' | 'segment-sent' | `timer:${string}` | `call:${string}`;

export type PacketDroppedEvent = Base<'ip:packet_dropped', { reason: string; detail: string }>;
export type DatagramEvent = Base<
  'ip:datagram',
  { direction: 'in' | 'out'; from: string; to: string } & Datagram
>;
/** The faulty link dropped or altered a packet. `segment` is null if it is not TCP. */
export type LinkEvent = Base<
  'link:dropped' | 'link:altered',
  FlowData & {
    direction: 'in' | 'out';
    what: string;
    detail: string;
    protocol: string;
    length: Bytes;
    segment: SegmentData | null;
  }
>;

export type TraceEvent =
  | StartedEvent
  | ReceivedEvent
  | SentEvent
  | StrayReceivedEvent
  | StraySentEvent
  | SegmentDroppedEvent
  | StateEvent
  | TimerSetEvent
  | TimerStoppedEvent
  | TimerExpiredEvent
  | NoteEvent
  | CalledEvent
  | MetricsEvent
  | BuffersEvent
  | PacketDroppedEvent
  | DatagramEvent
  | LinkEvent;

/** The version of the events' schema (schema/events-1.json). */
export const EVENT_SCHEMA = 1;

/** Receives events: a list, a file, a view. */
export type EventSink = (event: TraceEvent) => void;
