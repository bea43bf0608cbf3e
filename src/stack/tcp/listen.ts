/**
 * LISTEN: how a segment to a listener is handled (RFC 9293 section 3.10.7.2), and the listener's
 * two queues, both limited by the backlog as in Linux: half-open connections (SYN-RECEIVED), and
 * established ones that are not accepted yet.
 */
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { Connection } from '../../tcp/connection.js';

export type ListenVerdict = 'syn' | 'reset' | 'ignore';

/** In the order of the RFC: RST, ACK, SYN, others. */
export function arrivesInListen(seg: Segment): ListenVerdict {
  if (seg.has(TcpFlag.RST)) return 'ignore';
  if (seg.has(TcpFlag.ACK)) return 'reset';
  // A SYN with FIN is invalid and dropped, as in Linux.
  if (seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.FIN)) return 'syn';
  return 'ignore';
}

/** Retries are reduced once the queue is longer than half of the backlog, or half of this. */
const MIN_QUEUE = 8;
const LEAST_RETRIES = 2;

export class ListenQueue {
  /** listen(2)'s backlog, at least 1. */
  readonly backlog: number;
  /**
   * Unordered; each connection stores its index. A Set is not used, because after many insertions
   * and deletions V8 keeps chains of old tables, which delay the collection of closed connections
   * by seconds.
   */
  private readonly halfOpen: Connection[] = [];
  /** How many of them have sent their SYN,ACK only once. */
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

  /** True if the SYN queue is full. As in Linux it holds one more than the backlog. */
  get isSynQueueFull(): boolean {
    return this.halfOpen.length > this.backlog;
  }

  /**
   * True if the accept queue is full. Then the last ACK of a handshake is dropped, and the SYN,ACK
   * is retransmitted later.
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
   * Called when the SYN,ACK of `c` has timed out: returns how often it may be retransmitted in all,
   * at most `most`. As in Linux half of the queue is reserved for young connections, whose SYN,ACK
   * has not timed out. When more than half is in use, the result is one lower if at most half of
   * the connections are young, two lower if at most a quarter are, and so on, down to two.
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

  /** `c` has left SYN-RECEIVED. */
  leaveHalfOpen(c: Connection): void {
    this.takeOut(c);
  }

  /** Adds `c` to the accept queue. */
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

  /** ACCEPT: removes and returns the oldest established connection. */
  accept(): Connection | undefined {
    return this.established.shift();
  }

  /** `c` has ended before it was accepted. */
  remove(c: Connection): void {
    this.takeOut(c);
    const i = this.established.indexOf(c);
    if (i >= 0) this.established.splice(i, 1);
  }

  /** Empties both queues, because the listener closes. Returns their connections. */
  drain(): Connection[] {
    const all = [...this.halfOpen, ...this.established];
    for (const c of [...this.halfOpen]) this.takeOut(c);
    this.established.length = 0;
    return all;
  }
}
