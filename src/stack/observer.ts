/**
 * What a stack reports to its observer: all events of its connections, and packets that reach none.
 */
import type { Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { TcpObserver } from '../tcp/observer.js';
import type { Flow } from './flow.js';

export interface StackObserver extends TcpObserver {
  /**
   * A packet was dropped before it reached a connection, or before it was sent. `detail` adds
   * information, or is ''.
   */
  packetDropped(reason: DropReason, detail: string, now: Micros): void;
  /**
   * A segment without a connection. `done` is what the stack did (`CLOSED: RST`, `LISTEN: ignored`,
   * ...).
   */
  strayArrived(flow: Flow, seg: Segment, done: string, now: Micros): void;
  /** A segment that no connection sent: a RST from CLOSED, an ACK from TIME-WAIT, a SYN cookie. */
  straySent(flow: Flow, seg: Segment, why: string, now: Micros): void;
  /**
   * An ICMP or UDP packet in one line, in tcpdump's words:
   * `ICMP echo request, id 7, seq 1, length 64`.
   */
  datagram(direction: 'in' | 'out', from: string, to: string, text: string, now: Micros): void;
}
