/**
 * What happened in a stack, as plain data: one object an event, ready for JSON Lines. Names follow
 * qlog's way (`area:what`), the schema is our own (docs: there is no qlog for TCP). Every view is
 * made from these: live lines, ladders, explanations.
 *
 * `time` is microseconds since the recorder's start. Sequence numbers are uint32, and `rel` ones
 * count from the initial sequence number of their direction, as Wireshark does.
 */
import type { Micros } from '../base/time.js';
import type { Note } from '../tcp/notes.js';
import type { Cause } from '../tcp/causes.js';

export interface SegmentOptions {
  mss?: number;
  wscale?: number;
  sackPermitted?: boolean;
  timestamps?: { val: number; ecr: number };
  /** Left and right edges, absolute. */
  sack?: [number, number][];
  /** Fast Open's cookie in hex, '' for a request. */
  fastOpen?: string;
}

export interface SegmentData {
  /** `S`, `S.`, `.`, `P.`, `F.`, `R.`: tcpdump's letters. */
  flags: string;
  seq: number;
  ack: number;
  relSeq: number;
  relAck: number;
  /** The field, and what it means once the window scale is applied. */
  wnd: number;
  window: number;
  /** Payload bytes. */
  length: number;
  /** A super-segment: the payload of each of its wire segments, or 0. */
  gsoSize: number;
  options: SegmentOptions;
  /** The urgent pointer, with URG. */
  urg?: number;
  /** IP's ECN field says CE: a router would have dropped it (RFC 3168). */
  ce?: true;
  /** Of a received one: `vouched` when an offload made summing needless. */
  checksum?: 'verified' | 'vouched';
}

/** Our end and the other, as text: `198.18.0.2:80`. */
export interface FlowData {
  readonly local: string;
  readonly remote: string;
}

interface Base<N extends string, D> {
  readonly time: Micros;
  readonly name: N;
  /** The connection: `LOCAL REMOTE`, or '' for what belongs to none. */
  readonly group_id: string;
  readonly data: D;
}

/**
 * `expected`: RCV.NXT before this segment, relative, or null before a SYN came. `held`: bytes that
 * wait behind a gap.
 */
export type ReceivedEvent = Base<
  'tcp:segment_received',
  FlowData & { segment: SegmentData; state: string; expected: number | null; held: number }
>;
export type SentEvent = Base<
  'tcp:segment_sent',
  FlowData & { segment: SegmentData; state: string; again: boolean }
>;
/** A segment that reached no connection, and what was done about it. */
export type StrayReceivedEvent = Base<
  'tcp:stray_received',
  FlowData & { segment: SegmentData; done: string }
>;
export type StraySentEvent = Base<
  'tcp:stray_sent',
  FlowData & { segment: SegmentData; why: string }
>;
export type SegmentDroppedEvent = Base<
  'tcp:segment_dropped',
  { reason: string; segment: SegmentData }
>;
export type StateEvent = Base<'tcp:state_changed', { from: string; to: string; cause: Cause }>;
export type TimerSetEvent = Base<'recovery:timer_set', { timer: string; inUs: number }>;
export type TimerStoppedEvent = Base<'recovery:timer_stopped', { timer: string }>;
export type TimerExpiredEvent = Base<'recovery:timer_expired', { timer: string }>;
export type NoteEvent = Base<'tcp:note', Note>;
export type PacketDroppedEvent = Base<'ip:packet_dropped', { reason: string; detail: string }>;
export type DatagramEvent = Base<
  'ip:datagram',
  { direction: 'in' | 'out'; from: string; to: string; text: string }
>;
/** The faulty link took a packet away, or altered it. `segment` is null when it is no TCP. */
export type LinkEvent = Base<
  'link:dropped' | 'link:altered',
  FlowData & {
    direction: 'in' | 'out';
    what: string;
    detail: string;
    protocol: string;
    length: number;
    segment: SegmentData | null;
  }
>;

export type TraceEvent =
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
  | PacketDroppedEvent
  | DatagramEvent
  | LinkEvent;

/** Where events go: a list, a file, a renderer. */
export type EventSink = (event: TraceEvent) => void;
