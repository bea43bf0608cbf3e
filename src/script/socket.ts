/**
 * One socket of a script, as Linux's system calls see it, on a connection or listener of our stack. A call is asked again and again until it
 * gives a result: null means that it would block.
 */
import type { Micros } from '../base/time.js';
import type { Listener } from '../stack/listener.js';
import type { Stack } from '../stack/stack.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Connection } from '../tcp/connection.js';
import { State } from '../tcp/state.js';
import { TcpEvent, type TcpUser } from '../tcp/user.js';

/** What a call returned: a value, or -1 with an errno. `data`: what getsockopt and friends wrote. */
export interface Result {
  readonly value: number;
  readonly errno: string;
  readonly data?: number | string;
}

export const ok = (value = 0): Result => ({ value, errno: '' });
export const fail = (errno: string): Result => ({ value: -1, errno });

export class ScriptSocket implements TcpUser {
  readonly stack: Stack;
  readonly isIpv6: boolean;
  nonBlocking: boolean;
  conn: Connection | null = null;
  listener: Listener | null = null;
  localPort = 0;
  /** What was set before there was a connection, and what the connections of a listener inherit. */
  readonly config: Partial<TcpConfig> = {};
  /** Setters to call once there is a connection. */
  readonly later: ((conn: Connection) => void)[] = [];
  /** IP_TOS. */
  tos = 0;
  receiveTimeout: Micros = 0;
  sendTimeout: Micros = 0;
  /** sk_err: reported once. */
  private error = '';
  private endSeen = false;
  readShut = false;
  writeShut = false;
  closed = false;
  /** connect() has told that it worked. */
  connectAnswered = false;
  /** Bytes taken off the connection's queue by MSG_PEEK and partial reads. */
  private waiting = 0;

  constructor(stack: Stack, isIpv6: boolean, nonBlocking: boolean) {
    this.stack = stack;
    this.isIpv6 = isIpv6;
    this.nonBlocking = nonBlocking;
  }

  attach(conn: Connection): this {
    this.conn = conn;
    conn.user = this;
    for (const set of this.later.splice(0)) set(conn);
    this.tcpEvents(conn, conn.takeEvents());
    return this;
  }

  tcpEvents(conn: Connection, events: number): void {
    if (events & TcpEvent.error) this.error = conn.error ?? '';
    if (events & TcpEvent.endOfStream) this.endSeen = true;
  }

  /** SO_ERROR, and what the next call reports: once. */
  takeError(): string {
    const error = this.error;
    this.error = '';
    return error;
  }

  get hasError(): boolean {
    return this.error !== '';
  }

  get isConnecting(): boolean {
    return this.conn !== null && (this.conn.state === State.synSent || this.conn.state === State.synReceived);
  }

  get isOver(): boolean {
    return this.conn !== null && (this.conn.state === State.closed || this.conn.state === State.timeWait);
  }

  /** No more will come. */
  get atEnd(): boolean {
    return this.readShut || this.endSeen || this.isOver || (this.conn?.rcv.finReceived ?? false);
  }

  get readable(): number {
    return this.waiting + (this.conn?.receiveQueued ?? 0);
  }

  /** Takes up to `most` bytes; with `peek` they stay. */
  take(most: number, peek: boolean): number {
    const conn = this.conn!;
    while (this.waiting < most) {
      const piece = conn.receive();
      if (piece === null) break;
      this.waiting += piece.length;
    }
    const n = Math.min(most, this.waiting);
    if (!peek) this.waiting -= n;
    this.stack.wake(conn);
    return n;
  }

  /** Bytes written so far by calls of this socket are zeros. */
  write(bytes: number, more: boolean): number {
    const conn = this.conn!;
    const taken = conn.send(new Uint8Array(bytes), more);
    this.stack.wake(conn);
    return taken;
  }

  close(now: Micros): void {
    this.closed = true;
    this.listener?.close();
    if (this.conn === null) return;
    // What was peeked at or half read is unread data to close(2).
    if (this.waiting > 0 && !this.isOver) this.conn.abort(now, 'CLOSE with unread data (RFC 9293 section 3.6.1)');
    else this.conn.release(now);
    this.stack.wake(this.conn);
  }
}
