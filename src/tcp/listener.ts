/**
 * LISTEN: what a segment does that meets a listener (RFC 9293 section 3.10.7.2), and the two queues of its connections, both bounded
 * by the backlog as in Linux: half-open ones (SYN-RECEIVED), and those that are established but not yet accepted.
 */
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Connection } from './connection.js';

export type ListenVerdict = 'syn' | 'reset' | 'ignore';

/** First RST, second ACK, third SYN, fourth the rest. */
export function arrivesInListen(seg: Segment): ListenVerdict {
  if (seg.has(TcpFlag.RST)) return 'ignore';
  if (seg.has(TcpFlag.ACK)) return 'reset';
  // A SYN with FIN is no way to open a connection; as Linux does, it is dropped.
  if (seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.FIN)) return 'syn';
  return 'ignore';
}

export class ListenQueue {
  /** listen(2)'s backlog, at least 1. */
  readonly backlog: number;
  private readonly halfOpen = new Set<Connection>();
  private readonly established: Connection[] = [];

  constructor(backlog: number) {
    this.backlog = Math.max(1, backlog);
  }

  get halfOpenCount(): number {
    return this.halfOpen.size;
  }

  get establishedCount(): number {
    return this.established.length;
  }

  /** No room for one more half-open connection. */
  get isSynQueueFull(): boolean {
    return this.halfOpen.size >= this.backlog;
  }

  /** The accept queue is full: the handshake's last ACK is not taken, so that the SYN,ACK will be sent again. */
  get isFull(): boolean {
    return this.established.length > this.backlog;
  }

  addHalfOpen(c: Connection): void {
    this.halfOpen.add(c);
  }

  /** `c` left SYN-RECEIVED: into the accept queue when it was established. */
  leaveHalfOpen(c: Connection, established: boolean): void {
    if (this.halfOpen.delete(c) && established) this.established.push(c);
  }

  /** ACCEPT: the oldest established connection. */
  accept(): Connection | undefined {
    return this.established.shift();
  }

  /** `c` ended before it was accepted. */
  remove(c: Connection): void {
    this.halfOpen.delete(c);
    const i = this.established.indexOf(c);
    if (i >= 0) this.established.splice(i, 1);
  }

  /** All that nobody will accept now: the listener closes. */
  drain(): Connection[] {
    const all = [...this.halfOpen, ...this.established];
    this.halfOpen.clear();
    this.established.length = 0;
    return all;
  }
}
