/**
 * What a stack tells those who watch it: everything of its connections, and the packets that never
 * reach one.
 */
import type { Micros } from '../base/time.js';
import type { DropReason } from '../wire/drop.js';
import type { Segment } from '../wire/tcp.js';
import type { TcpObserver } from '../tcp/observer.js';
import type { Flow } from './flow.js';

export interface StackObserver extends TcpObserver {
  /**
   * A packet was thrown away before it reached a connection, or on its way out. `detail` may say
   * more, or is ''.
   */
  packetDropped(reason: DropReason, detail: string, now: Micros): void;
  /**
   * A segment for which there is no connection: what was done (`RST`, `LISTEN`, `TIME-WAIT: ACK`,
   * ...).
   */
  strayArrived(flow: Flow, seg: Segment, done: string, now: Micros): void;
  /** A segment that no connection sent: a RST from CLOSED, an ACK from TIME-WAIT. */
  straySent(flow: Flow, seg: Segment, why: string, now: Micros): void;
  /** ICMP and UDP in one line of tcpdump's words: `ICMP echo request, id 7, seq 1, length 64`. */
  datagram(direction: 'in' | 'out', from: string, to: string, text: string, now: Micros): void;
}
