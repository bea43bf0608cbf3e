/**
 * One socket of a script, as Linux's system calls see it, on a connection or listener of our stack.
 * The runner tries a call until it returns a result; null means that it would block.
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
import { isAtMark, urgentLeft } from '../../tcp/urgent.js';
import type { TcpUser } from '../../tcp/connection.js';
import { TcpEvent } from '../../tcp/events.js';

/**
 * What a call returned: a value, or -1 with an errno. `data`: the value that getsockopt(), for
 * example, wrote.
 */
export interface Result {
  readonly value: number;
  readonly errno: string;
  readonly data?: number | string;
  /** The peer's address that accept() returns. */
  readonly address?: SocketAddress;
  /** The msg_flags and msg_control of recvmsg(). */
  readonly messageFlags?: number;
  readonly control?: readonly ControlMessage[];
  /** How the result of poll() or epoll_wait() differs from the script. */
  readonly mismatch?: string;
}

/** A started call, to be tried until it returns its result. */
export type Attempt = () => Result | null;

/** The user of a connection whose socket is closed. */
const GONE: TcpUser = { tcpEvents: () => undefined };

/**
 * More bytes than any send buffer takes at once, so that a write of 4 GiB need not allocate them.
 */
const MOST_AT_ONCE = 1 << 26;

export const ok = (value = 0): Result => ({ value, errno: '' });
export const fail = (errno: string): Result => ({ value: -1, errno });

/** Changes of a socket's state, which wake every blocked call. */
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
  /** Options set before there is a connection; a listener's connections inherit them. */
  readonly config: Partial<TcpConfig> = {};
  /** Setters to call once there is a connection. */
  readonly later: ((conn: Connection) => void)[] = [];
  /** IP_TOS. */
  tos = 0;
  /** SO_RCVTIMEO, SO_SNDTIMEO; 0: no limit. */
  receiveTimeout: Micros = 0;
  sendTimeout: Micros = 0;
  /** Linux's sk_err, which is reported once. */
  private error = '';
  private endSeen = false;
  /** A read has come to the end of the stream. */
  endWasRead = false;
  /** SO_RCVLOWAT. */
  receiveLowat = 1;
  /** TCP_INQ: recvmsg() returns the number of bytes left to read. */
  tellsQueue = false;
  /** The epoll instances to notify of events. */
  readonly watchers = new Set<Watcher>();
  readShut = false;
  writeShut = false;
  closed = false;
  /** Options that have no effect, by name, as they were set. */
  readonly harmless = new Map<string, number>();
  /** TCP_FASTOPEN: -1 unless it was set. */
  fastOpenQueue = -1;
  /** TCP_FASTOPEN_NO_COOKIE. */
  fastOpenWithoutCookie = false;
  /** TCP_FASTOPEN_KEY: one key, or two; null for the stack's keys. */
  fastOpenKeys: Uint8Array | null = null;
  /**
   * TCP_FASTOPEN_CONNECT, and the port of a connect() that waits for data.
   */
  fastOpenConnect = false;
  deferredPort = 0;
  /** connect() has reported its success. */
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

  /** Copies the options that an accepted socket inherits from its listener. */
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

  /** SO_ERROR, or the error of the next call; reported once. */
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

  /** True if no more data will come. */
  get atEnd(): boolean {
    return this.readShut || this.endSeen || this.isOver || (this.conn?.rcv.finReceived ?? false);
  }

  /**
   * True if data can be sent. In SYN-RECEIVED, this needs a Fast Open that accepted the SYN's data
   * (RFC 7413 section 4.2.2).
   */
  get mayWrite(): boolean {
    return (
      !this.isConnecting ||
      (this.conn!.state === State.synReceived && this.conn!.fastOpen?.accepted === true)
    );
  }

  /**
   * Bytes that one read could return. A read stops at the urgent mark and never includes the byte
   * that is out of line.
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

  /** All bytes in order that were not read. */
  get unread(): number {
    return this.waiting + (this.conn?.receiveQueued ?? 0);
  }

  /** True if `readable` ends at the urgent mark, so that a longer read returns no more. */
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

  /** Writes zeros. Returns the number of bytes that the connection took. */
  write(bytes: number, more: boolean, urgent = false, endOfRecord = false): number {
    const conn = this.conn!;
    const data = new Uint8Array(Math.min(bytes, MOST_AT_ONCE));
    const taken = urgent ? conn.sendUrgent(data) : conn.send(data, more, endOfRecord);
    this.stack.wake(conn);
    return taken;
  }

  /** Applies the options of Fast Open, before and after listen(). */
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

  /** True if the socket has a port of its own, because bind() works only once. */
  get isBound(): boolean {
    return this.localPort !== 0 || this.conn !== null || this.listener !== null;
  }

  /** connect() with AF_UNSPEC: sends a RST; the socket can connect again. */
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
    // For close(2), data that was peeked at or partly read is unread.
    if (this.waiting > 0 && !this.isOver) this.conn.abort(now, 'close-unread');
    else this.conn.release(now);
    this.stack.wake(this.conn);
  }
}
