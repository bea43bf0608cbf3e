/**
 * One socket of a script, as Linux's system calls see it, on a connection or listener of our stack.
 * A call is asked again and again until it gives a result: null means that it would block.
 */
import type { Micros } from '../../base/time.js';
import { FastOpenQueue } from '../../stack/tcp/fast-open-queue.js';
import type { Listener } from '../../stack/tcp/listener.js';
import type { Stack } from '../../stack/stack.js';
import type { TcpConfig } from '../../tcp/config.js';
import type { Connection } from '../../tcp/connection.js';
import { FastOpenCookies, KEY_BYTES } from '../../stack/tcp/fast-open-cookie.js';
import { State } from '../../tcp/state.js';
import { CONSTANTS } from './constants.js';
import type { ControlMessage } from './control-messages.js';
import type { SocketAddress } from './socket-address.js';
import { isAtMark, sendUrgent, urgentLeft } from '../../tcp/urgent.js';
import type { TcpUser } from '../../tcp/connection.js';
import { TcpEvent } from '../../tcp/events.js';

/**
 * What a call returned: a value, or -1 with an errno. `data`: what getsockopt and friends wrote.
 */
export interface Result {
  readonly value: number;
  readonly errno: string;
  readonly data?: number | string;
  /** The peer's address that accept() returns. */
  readonly address?: SocketAddress;
  /** What recvmsg() wrote into msg_flags, and into msg_control. */
  readonly messageFlags?: number;
  readonly control?: readonly ControlMessage[];
  /** What poll() or epoll_wait() wrote, where it is otherwise than the script says. */
  readonly mismatch?: string;
}

/** A started call: asked until it gives its result. */
export type Attempt = () => Result | null;

/** Of a connection that its socket has left. */
const GONE: TcpUser = { tcpEvents: () => undefined };

/** More than any send buffer takes at once: a write of 4 GiB need not have them. */
const MOST_AT_ONCE = 1 << 26;

export const ok = (value = 0): Result => ({ value, errno: '' });
export const fail = (errno: string): Result => ({ value: -1, errno });

/** Changes of a socket's state: they wake every call that waits. */
const STATE_EVENTS = TcpEvent.established | TcpEvent.endOfStream | TcpEvent.error | TcpEvent.closed;

/** An epoll instance. */
export interface Watcher {
  wake(s: ScriptSocket, what: number): void;
}

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
  /** SO_RCVTIMEO, SO_SNDTIMEO: 0 waits for ever. */
  receiveTimeout: Micros = 0;
  sendTimeout: Micros = 0;
  /** sk_err: reported once. */
  private error = '';
  private endSeen = false;
  /** A read has come to the end of the stream. */
  endWasRead = false;
  /** SO_RCVLOWAT. */
  receiveLowat = 1;
  /** TCP_INQ: recvmsg() tells what is left to read. */
  tellsQueue = false;
  /** They are told when something happens. */
  readonly watchers = new Set<Watcher>();
  readShut = false;
  writeShut = false;
  closed = false;
  /** Options as they were set, by their names, where that is all that is read of them. */
  readonly harmless = new Map<string, number>();
  /** TCP_FASTOPEN: -1 unless it was set. */
  fastOpenQueue = -1;
  /** TCP_FASTOPEN_NO_COOKIE. */
  fastOpenWithoutCookie = false;
  /** TCP_FASTOPEN_KEY: one key, or two; null where the stack's count. */
  fastOpenKeys: Uint8Array | null = null;
  /**
   * TCP_FASTOPEN_CONNECT, and what connect() made of it: the port to open to once there is data.
   */
  fastOpenConnect = false;
  deferredPort = 0;
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
    if (events & STATE_EVENTS) this.wake(0);
    if (events & TcpEvent.readable) this.wake(CONSTANTS['EPOLLIN']!);
    if (events & TcpEvent.urgent) this.wake(CONSTANTS['EPOLLPRI']!);
    if (events & TcpEvent.writable) this.wake(CONSTANTS['EPOLLOUT']!);
  }

  /** `what`: bits of EPOLLIN and its like; 0 for a change of state. */
  wake(what: number): void {
    for (const watcher of this.watchers) watcher.wake(this, what);
  }

  /** What an accepted socket has of its listener. */
  inherit(listener: ScriptSocket): void {
    this.later.push(...listener.later);
    Object.assign(this.config, listener.config);
    this.receiveTimeout = listener.receiveTimeout;
    this.sendTimeout = listener.sendTimeout;
    this.receiveLowat = listener.receiveLowat;
    this.tellsQueue = listener.tellsQueue;
    // As in Linux, all options but the priority are inherited.
    for (const [name, value] of listener.harmless)
      if (name !== 'SO_PRIORITY') this.harmless.set(name, value);
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
    return (
      this.conn !== null &&
      (this.conn.state === State.synSent || this.conn.state === State.synReceived)
    );
  }

  get isOver(): boolean {
    return (
      this.conn !== null && (this.conn.state === State.closed || this.conn.state === State.timeWait)
    );
  }

  /** No more will come. */
  get atEnd(): boolean {
    return this.readShut || this.endSeen || this.isOver || (this.conn?.rcv.finReceived ?? false);
  }

  /**
   * In SYN-RECEIVED of a Fast Open that took the SYN's data both ways are open (RFC 7413 section
   * 4.2.2).
   */
  get mayWrite(): boolean {
    return (
      !this.isConnecting ||
      (this.conn!.state === State.synReceived && this.conn!.fastOpen?.accepted === true)
    );
  }

  /**
   * Bytes that one read could give: it does not cross the mark of urgent data, and never has the
   * byte that is out of line.
   */
  get readable(): number {
    const { conn, waiting } = this;
    if (conn === null) return 0;
    const queued = conn.receiveQueued;
    const toMark = urgentLeft(conn) - 1;
    if (toMark < 0) return waiting + queued;
    if (waiting > 0 || toMark > 0) return waiting + Math.min(queued, toMark);
    return conn.rcv.urgent.inline ? queued : Math.max(0, queued - 1);
  }

  /** Bytes in order that were not read, whatever one read would give of them. */
  get unread(): number {
    return this.waiting + (this.conn?.receiveQueued ?? 0);
  }

  /** `readable` ends at the mark: a read that wants more gets no more. */
  get endsAtMark(): boolean {
    const { conn } = this;
    if (conn === null) return false;
    const toMark = urgentLeft(conn) - 1;
    return toMark >= 0 && this.waiting + toMark > 0 && toMark <= conn.receiveQueued;
  }

  /** SIOCATMARK. */
  get isAtMark(): boolean {
    return this.conn !== null && this.waiting === 0 && isAtMark(this.conn);
  }

  /** Takes up to `most` bytes; with `peek` they stay. */
  take(most: number, peek: boolean): number {
    const conn = this.conn!;
    // The piece after the mark belongs to the next read.
    while (this.waiting < most && !(this.waiting > 0 && isAtMark(conn))) {
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
  write(bytes: number, more: boolean, urgent = false, endOfRecord = false): number {
    const conn = this.conn!;
    const data = new Uint8Array(Math.min(bytes, MOST_AT_ONCE));
    const taken = urgent ? sendUrgent(conn, data) : conn.send(data, more, endOfRecord);
    this.stack.wake(conn);
    return taken;
  }

  /** TCP_FASTOPEN and its like, before and after listen(). */
  tuneFastOpen(): void {
    const { listener } = this;
    if (listener === null) return;
    if (this.fastOpenQueue >= 0) listener.fastOpen ??= new FastOpenQueue(0);
    if (listener.fastOpen === null) return;
    if (this.fastOpenQueue >= 0) listener.fastOpen.most = this.fastOpenQueue;
    listener.fastOpen.withoutCookie = this.fastOpenWithoutCookie;
    const keys = this.fastOpenKeys;
    if (keys === null) return;
    const backup = keys.length > KEY_BYTES ? keys.subarray(KEY_BYTES) : null;
    listener.fastOpen.cookies = new FastOpenCookies([keys.subarray(0, KEY_BYTES), backup]);
  }

  /** It has a port of its own: bind() works once. */
  get isBound(): boolean {
    return this.localPort !== 0 || this.conn !== null || this.listener !== null;
  }

  /** connect() to no address: a RST, and a socket that may connect again. */
  disconnect(now: Micros): void {
    const { conn } = this;
    if (conn === null) return;
    this.error = 'ECONNRESET';
    conn.user = GONE;
    conn.abort(now, 'disconnect');
    this.stack.wake(conn);
    this.conn = null;
    this.connectAnswered = false;
    this.endSeen = this.endWasRead = false;
    this.readShut = this.writeShut = false;
    this.waiting = 0;
  }

  stopListening(now: Micros): void {
    this.listener?.close(now);
    if (this.listener !== null) this.localPort = this.listener.port;
    this.listener = null;
  }

  close(now: Micros): void {
    this.closed = true;
    this.listener?.close(now);
    if (this.conn === null) return;
    // What was peeked at or half read is unread data to close(2).
    if (this.waiting > 0 && !this.isOver) this.conn.abort(now, 'close-unread');
    else this.conn.release(now);
    this.stack.wake(this.conn);
  }
}
