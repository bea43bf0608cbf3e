/**
 * LISTEN: what a segment does that meets a listener (RFC 9293 section 3.10.7.2), and the two queues
 * of its connections, both bounded by the backlog as in Linux: half-open ones (SYN-RECEIVED), and
 * those that are established but not yet accepted.
 */
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { Connection } from '../../tcp/connection.js';

export type ListenVerdict = 'syn' | 'reset' | 'ignore';

/** First RST, second ACK, third SYN, fourth the rest. */
export function arrivesInListen(seg: Segment): ListenVerdict {
  if (seg.has(TcpFlag.RST)) return 'ignore';
  if (seg.has(TcpFlag.ACK)) return 'reset';
  // A SYN with FIN is no way to open a connection; as Linux does, it is dropped.
  if (seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.FIN)) return 'syn';
  return 'ignore';
}

/** In a queue that is shorter nobody is hurried. */
const MIN_QUEUE = 8;
const LEAST_RETRIES = 2;

export class ListenQueue {
  /** listen(2)'s backlog, at least 1. */
  readonly backlog: number;
  /**
   * In no order; each knows its place. (No Set: where much comes and goes, V8's sets leave chains
   * of old tables behind, which keep connections that are gone from being collected for seconds.)
   */
  private readonly halfOpen: Connection[] = [];
  /** How many of them had their SYN,ACK sent once only. */
  private young = 0;
  private readonly established: Connection[] = [];

  constructor(backlog: number) {
    this.backlog = Math.max(1, backlog);
  }

  get halfOpenCount(): number {
    return this.halfOpen.length;
  }

  get establishedCount(): number {
    return this.established.length;
  }

  /** No room for one more half-open connection: as Linux, one more than the backlog has it. */
  get isSynQueueFull(): boolean {
    return this.halfOpen.length > this.backlog;
  }

  /**
   * The accept queue is full: the handshake's last ACK is not taken, so that the SYN,ACK will be
   * sent again.
   */
  get isFull(): boolean {
    return this.established.length > this.backlog;
  }

  addHalfOpen(c: Connection): void {
    c.synQueueIndex = this.halfOpen.push(c) - 1;
    c.isYoung = true;
    this.young++;
  }

  /**
   * The SYN,ACK of `c` timed out: how often it may be sent again in all, `most` or fewer. As Linux:
   * once half of the queue is in use, the other half is for young ones; old ones then give up
   * sooner, down to two retransmissions, the more of them there are for each young one.
   */
  retriesAfterTimeout(c: Connection, most: number): number {
    this.ages(c);
    const size = this.halfOpen.length;
    if (2 * size <= Math.max(MIN_QUEUE, this.backlog)) return most;
    let retries = most;
    for (let young = 2 * this.young; retries > LEAST_RETRIES && size >= young; young *= 2)
      retries--;
    return retries;
  }

  /** `c` left SYN-RECEIVED. */
  leaveHalfOpen(c: Connection): void {
    this.takeOut(c);
  }

  /** `c` waits to be accepted. */
  addEstablished(c: Connection): void {
    this.established.push(c);
  }

  private ages(c: Connection): void {
    if (c.isYoung) this.young--;
    c.isYoung = false;
  }

  private takeOut(c: Connection): boolean {
    this.ages(c);
    const i = c.synQueueIndex;
    if (i < 0) return false;
    c.synQueueIndex = -1;
    const last = this.halfOpen.pop()!;
    if (last !== c) {
      this.halfOpen[i] = last;
      last.synQueueIndex = i;
    }
    return true;
  }

  /** ACCEPT: the oldest established connection. */
  accept(): Connection | undefined {
    return this.established.shift();
  }

  /** `c` ended before it was accepted. */
  remove(c: Connection): void {
    this.takeOut(c);
    const i = this.established.indexOf(c);
    if (i >= 0) this.established.splice(i, 1);
  }

  /** All that nobody will accept now: the listener closes. */
  drain(): Connection[] {
    const all = [...this.halfOpen, ...this.established];
    for (const c of [...this.halfOpen]) this.takeOut(c);
    this.established.length = 0;
    return all;
  }
}
