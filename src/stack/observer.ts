/**
 * What a stack reports to its observer: all events of its connections, and the packets that belong
 * to none.
 */
import type { Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { TcpObserver } from '../tcp/observer.js';
import type { Flow } from './flow.js';

/** What was done with a segment that has no connection. */
export type StrayFate =
  /** CLOSED: answered with a RST. */
  | 'closed-reset'
  /** CLOSED: a RST, which is never answered. */
  | 'closed-ignored'
  /** LISTEN: an ACK, answered with a RST. */
  | 'listen-reset'
  /** LISTEN: a RST, or flags that mean nothing there. */
  | 'listen-ignored'
  /** LISTEN: dropped, because the accept queue is full. */
  | 'accept-queue-full'
  /** LISTEN: dropped, because the listener has too many half-open connections. */
  | 'syn-queue-full'
  /** LISTEN: dropped, because the stack has too many half-open connections. */
  | 'half-open-limit'
  /** LISTEN: dropped, because the remote host has too many half-open connections. */
  | 'half-open-host-limit'
  /** LISTEN: answered with a SYN cookie. */
  | 'syn-cookie-sent'
  /** LISTEN: a valid SYN cookie, dropped because the accept queue is full. */
  | 'cookie-accept-queue-full'
  /** TIME-WAIT: a RST ended it. */
  | 'time-wait-reset'
  /** TIME-WAIT: acknowledged; 2 MSL restarted. */
  | 'time-wait-acknowledged'
  /** TIME-WAIT: not acknowledged, because of the throttle; 2 MSL restarted. */
  | 'time-wait-throttled'
  | 'time-wait-ignored';

/** What a segment is that no connection sent. */
export type StrayAnswer =
  /** A RST from CLOSED or LISTEN. */
  | 'reset'
  /** An ACK from TIME-WAIT. */
  | 'time-wait-ack'
  /** A SYN,ACK whose sequence number is a cookie. */
  | 'syn-cookie';

/** A packet of UDP or ICMP; `length`: bytes, of ICMP with its header, of UDP without. */
export type Datagram =
  | { readonly kind: 'udp'; readonly length: number }
  | {
      readonly kind: 'echo-request' | 'echo-reply';
      readonly id: number;
      readonly seq: number;
      readonly length: number;
    }
  | {
      readonly kind: 'fragmentation-needed' | 'packet-too-big';
      readonly mtu: number;
      readonly length: number;
    }
  /** An ICMP error that we sent, or any other ICMP message. */
  | {
      readonly kind: 'icmp-error' | 'icmp';
      readonly type: number;
      readonly code: number;
      readonly length: number;
    };

export interface StackObserver extends TcpObserver {
  /**
   * A packet was dropped before it reached a connection, or on its way out, and no other call
   * reports it. `detail`: more about it, or ''.
   */
  packetDropped(reason: DropReason, detail: string, now: Micros): void;
  /** A segment without a connection arrived. */
  strayArrived(flow: Flow, seg: Segment, done: StrayFate, now: Micros): void;
  /** The stack answered such a segment. */
  straySent(flow: Flow, seg: Segment, why: StrayAnswer, now: Micros): void;
  /** UDP or ICMP arrived or was sent; `from` and `to` are addresses, with UDP's port. */
  datagram(direction: 'in' | 'out', from: string, to: string, what: Datagram, now: Micros): void;
  /** A turn of the stack ends: users were told, and everything that is due was sent. */
  turnEnds(now: Micros): void;
}
