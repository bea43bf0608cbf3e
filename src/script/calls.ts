/**
 * The system calls of a script, with Linux's results and errnos. Each is a function that either gives its result or null, when it would block; the
 * runner asks again whenever something happened.
 */
import type { Micros } from '../base/time.js';
import { StackError } from '../base/errors.js';
import type { Address } from '../ip/address.js';
import type { Stack } from '../stack/stack.js';
import type { TcpConfig } from '../tcp/config.js';
import type { Call, Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { clientConfig, fastOpenIsReady, receiveOutOfLine } from './fast-open-urgent.js';
import { fcntl, ioctl, readiness } from './socket-state.js';
import { findOption, setCongestion } from './socket-option-table.js';
import { fail, ok, ScriptSocket, type Result } from './socket.js';
import { fieldOf, iovBytes, numberOf, textOf, Unsupported } from './values.js';

/** A started call: asked until it gives its result. */
export type Attempt = () => Result | null;

/** Where the script's sockets live: descriptors are the script's own numbers. */
export class Sockets {
  readonly stack: Stack;
  readonly version: 4 | 6;
  /** Who `connect(fd, ..., ...)` means. */
  readonly remote: Address;
  now: Micros = 0;
  private readonly byFd = new Map<number, ScriptSocket>();
  /** The connection that the script used last: TCP_INFO is its. */
  last: ScriptSocket | null = null;
  readonly config: () => TcpConfig;

  constructor(stack: Stack, version: 4 | 6, remote: Address, config: Sockets['config']) {
    this.stack = stack;
    this.version = version;
    this.remote = remote;
    this.config = config;
  }

  all(): Iterable<ScriptSocket> {
    return this.byFd.values();
  }

  /** Starts `call`. Throws Unsupported for what we do not know. */
  start(call: Call): Attempt {
    const { args } = call;
    switch (call.name) {
      case 'socket':
        return this.socket(call);
      case 'accept':
      case 'accept4':
        return this.accept(call);
      case 'poll':
        return this.poll(call);
      default:
    }
    const fd = numberOf(args[0]) ?? -1;
    const s = this.byFd.get(fd);
    if (s === undefined) {
      if (!KNOWN.has(call.name)) throw new Unsupported(`the system call '${call.name}' is not known`);
      return () => fail('EBADF');
    }
    if (s.conn !== null) this.last = s;
    switch (call.name) {
      case 'bind':
        s.localPort = portOf(args[1]) ?? DEFAULT_PORT;
        return () => ok();
      case 'listen':
        return () => this.listen(s, numberOf(args[1]) ?? 0);
      case 'connect':
        return this.connect(s, portOf(args[1]) ?? DEFAULT_PORT);
      case 'write':
        return this.send(s, numberOf(args[2]) ?? 0, 0);
      case 'send':
      case 'sendto':
        return this.send(s, numberOf(args[2]) ?? 0, numberOf(args[3]) ?? 0, portOf(args[4]));
      case 'writev':
        return this.send(s, iovBytes(args[1]), 0);
      case 'sendmsg':
        return this.send(
          s,
          iovBytes(fieldOf(args[1], 'msg_iov')),
          numberOf(args[2]) ?? 0,
          portOf(fieldOf(args[1], 'msg_name')),
        );
      case 'read':
        return this.receive(s, numberOf(args[2]) ?? 0, 0);
      case 'recv':
      case 'recvfrom':
        return this.receive(s, numberOf(args[2]) ?? 0, numberOf(args[3]) ?? 0);
      case 'readv':
        return this.receive(s, iovBytes(args[1]), 0);
      case 'recvmsg':
        return this.receive(s, iovBytes(fieldOf(args[1], 'msg_iov')), numberOf(args[2]) ?? 0);
      case 'close':
        return this.close(s, fd);
      case 'shutdown':
        return () => this.shutdown(s, numberOf(args[1]) ?? 0);
      case 'fcntl':
        return () => fcntl(s, numberOf(args[1]) ?? 0, numberOf(args[2]) ?? 0);
      case 'ioctl':
        return () => ioctl(s, symbolOf(args[1]));
      case 'setsockopt':
        return () => this.setOption(s, args);
      case 'getsockopt':
        return () => this.getOption(s, args);
      default:
        throw new Unsupported(`the system call '${call.name}' is not known`);
    }
  }

  private socket(call: Call): Attempt {
    const domain = numberOf(call.args[0]);
    const type = numberOf(call.args[1]) ?? CONSTANTS['SOCK_STREAM']!;
    if ((type & 15) !== CONSTANTS['SOCK_STREAM']) throw new Unsupported('sockets other than SOCK_STREAM are not known');
    const isIpv6 = domain === null ? this.version === 6 : domain === CONSTANTS['AF_INET6'];
    const fd = numberOf(call.result) ?? 3;
    this.byFd.set(fd, new ScriptSocket(this.stack, isIpv6, (type & CONSTANTS['SOCK_NONBLOCK']!) !== 0));
    return () => ok(fd);
  }

  private listen(s: ScriptSocket, backlog: number): Result {
    if (s.conn !== null) return fail('EINVAL');
    s.listener ??= this.stack.listen({
      port: s.localPort === 0 ? DEFAULT_PORT : s.localPort,
      backlog: Math.max(backlog, 1),
      typeOfService: s.tos,
      config: s.config,
      user: { tcpAccept: () => false },
    });
    s.tuneFastOpen();
    return ok();
  }

  private accept(call: Call): Attempt {
    const s = this.byFd.get(numberOf(call.args[0]) ?? -1);
    if (s === undefined) return () => fail('EBADF');
    if (s.listener === null) return () => fail('EINVAL');
    const flags = call.name === 'accept4' ? (numberOf(call.args[3]) ?? 0) : 0;
    return () => {
      const conn = s.listener!.accept();
      if (conn === undefined) return s.nonBlocking ? fail('EAGAIN') : null;
      const fd = numberOf(call.result) ?? 4;
      const accepted = new ScriptSocket(this.stack, s.isIpv6, (flags & CONSTANTS['SOCK_NONBLOCK']!) !== 0);
      accepted.later.push(...s.later);
      this.byFd.set(fd, accepted.attach(conn));
      this.last = accepted;
      return ok(fd);
    };
  }

  private connect(s: ScriptSocket, port: number): Attempt {
    const begin = (): Result | null => {
      if (s.listener !== null || s.deferredPort !== 0) return fail('EISCONN');
      if (s.conn !== null) {
        if (s.hasError) return fail(s.takeError());
        if (s.isConnecting) return fail('EALREADY');
        if (s.isOver) return fail('ECONNABORTED');
        // Whoever asked without waiting hears once that it worked.
        if (s.connectAnswered) return fail('EISCONN');
        s.connectAnswered = true;
        return ok();
      }
      if (s.fastOpenConnect && fastOpenIsReady(s, this.remote, this.now)) {
        s.deferredPort = port;
        return ok();
      }
      const error = this.open(s, port, s.fastOpenConnect);
      if (error !== '') return fail(error);
      return s.nonBlocking ? fail('EINPROGRESS') : null;
    };
    let begun = false;
    return () => {
      if (!begun) {
        begun = true;
        return begin();
      }
      if (s.hasError) return fail(s.takeError());
      if (s.isConnecting) return null;
      s.connectAnswered = true;
      return s.isOver ? fail('ECONNABORTED') : ok();
    };
  }

  /** The SYN is to go out; an errno when it cannot. */
  private open(s: ScriptSocket, port: number, fastOpen: boolean): string {
    try {
      const conn = this.stack.connect({
        remote: this.remote,
        remotePort: port,
        ...(s.localPort !== 0 ? { localPort: s.localPort } : {}),
        typeOfService: s.tos,
        config: clientConfig(s),
        fastOpen,
        user: s,
      });
      s.attach(conn);
      this.last = s;
      return '';
    } catch (error) {
      if (error instanceof StackError) return error.code;
      throw error;
    }
  }

  /** `port`: who the address of a sendto() names, if it does. */
  private send(s: ScriptSocket, bytes: number, flags: number, port: number | null = null): Attempt {
    if ((flags & CONSTANTS['MSG_ZEROCOPY']!) !== 0) throw new Unsupported('MSG_ZEROCOPY is not known');
    const opens = (flags & CONSTANTS['MSG_FASTOPEN']!) !== 0;
    if (!opens && s.deferredPort === 0) return this.sendMore(s, bytes, flags);
    const noWait = s.nonBlocking || (flags & CONSTANTS['MSG_DONTWAIT']!) !== 0;
    let rest: Attempt | null = null;
    return () => {
      if (rest !== null) return rest();
      if (s.listener !== null) return fail('EISCONN');
      if (s.conn === null) {
        const error = this.open(s, s.deferredPort !== 0 ? s.deferredPort : (port ?? DEFAULT_PORT), true);
        if (error !== '') return fail(error);
        s.deferredPort = 0;
        if (noWait) {
          const inSyn = s.write(Math.min(bytes, s.conn!.fastOpen!.mostSynData), false);
          return inSyn > 0 ? ok(inSyn) : fail('EINPROGRESS');
        }
      } else {
        if (s.connectAnswered) return fail('EISCONN');
        if (s.isConnecting && noWait) return fail('EALREADY');
      }
      s.connectAnswered = true;
      rest = this.sendMore(s, bytes, flags);
      return rest();
    };
  }

  private sendMore(s: ScriptSocket, bytes: number, flags: number): Attempt {
    let wasConnecting = s.isConnecting;
    let done = 0;
    const urgent = (flags & CONSTANTS['MSG_OOB']!) !== 0;
    const noWait = s.nonBlocking || (flags & CONSTANTS['MSG_DONTWAIT']!) !== 0;
    const more = (flags & CONSTANTS['MSG_MORE']!) !== 0;
    return () => {
      if (s.hasError) return done > 0 && !wasConnecting ? ok(done) : fail(s.takeError());
      if (s.writeShut || s.conn === null || s.isOver) return done > 0 ? ok(done) : fail('EPIPE');
      if (!s.mayWrite) {
        if (noWait) return fail('EAGAIN');
        // The program waits in its call: what it sends goes with the handshake's ACK, if not with the SYN.
        done += s.write(bytes - done, more, urgent);
        return null;
      }
      wasConnecting = false;
      if (done < bytes) done += s.write(bytes - done, more, urgent);
      if (done === bytes) return ok(done);
      if (!noWait) return null;
      return done > 0 ? ok(done) : fail('EAGAIN');
    };
  }

  private receive(s: ScriptSocket, bytes: number, flags: number): Attempt {
    if ((flags & CONSTANTS['MSG_ERRQUEUE']!) !== 0) throw new Unsupported('MSG_ERRQUEUE is not known');
    if ((flags & CONSTANTS['MSG_OOB']!) !== 0) return () => receiveOutOfLine(s, bytes, flags);
    const noWait = s.nonBlocking || (flags & CONSTANTS['MSG_DONTWAIT']!) !== 0;
    const peek = (flags & CONSTANTS['MSG_PEEK']!) !== 0;
    const whole = (flags & CONSTANTS['MSG_WAITALL']!) !== 0;
    return () => {
      if (s.conn === null) return s.deferredPort === 0 ? fail('ENOTCONN') : noWait ? fail('EAGAIN') : null;
      const enough = whole && !s.endsAtMark ? bytes : 1;
      if (bytes === 0) return ok(0);
      if (s.readable === 0 && s.isAtMark && !peek) s.take(1, false);
      if (s.readable >= enough || (s.readable > 0 && (s.atEnd || noWait))) return ok(s.take(bytes, peek));
      if (s.hasError) return fail(s.takeError());
      if (s.atEnd) return ok(0);
      return noWait ? fail('EAGAIN') : null;
    };
  }

  private close(s: ScriptSocket, fd: number): Attempt {
    s.close(this.now);
    this.byFd.delete(fd);
    const conn = s.conn;
    if (conn === null || conn.linger <= 0 || s.nonBlocking) return () => ok();
    const until = this.now + conn.linger;
    return () => (conn.isLingering && this.now < until ? null : ok());
  }

  private shutdown(s: ScriptSocket, how: number): Result {
    if (s.conn === null || s.isOver) return fail('ENOTCONN');
    if (how !== CONSTANTS['SHUT_WR']) s.readShut = true;
    if (how !== CONSTANTS['SHUT_RD'] && !s.writeShut) {
      s.writeShut = true;
      s.conn.shutdown(this.now);
      this.stack.wake(s.conn);
    }
    return ok();
  }

  private setOption(s: ScriptSocket, args: readonly Expression[]): Result {
    const name = symbolOf(args[2]);
    if (name === 'TCP_CONGESTION') return setCongestion(s, textOf(args[3]) ?? '', this.now);
    if (name === 'SO_LINGER') {
      const on = numberOf(fieldOf(args[3], 'onoff') ?? fieldOf(args[3], 'l_onoff')) ?? 0;
      const wait = numberOf(fieldOf(args[3], 'linger') ?? fieldOf(args[3], 'l_linger')) ?? 0;
      const set = (conn: NonNullable<ScriptSocket['conn']>): void => conn.setLinger(on !== 0, wait * 1_000_000);
      if (s.conn === null) s.later.push(set);
      else set(s.conn);
      return ok();
    }
    const option = findOption(name);
    if (option === undefined) throw new Unsupported(`the socket option ${name} is not known`);
    if (option.set === null) return fail('ENOPROTOOPT');
    return option.set(s, numberOf(args[3]) ?? 0, this.now);
  }

  private getOption(s: ScriptSocket, args: readonly Expression[]): Result {
    const name = symbolOf(args[2]);
    if (name === 'SO_ERROR') return { ...ok(), data: CONSTANTS[s.takeError()] ?? 0 };
    if (name === 'TCP_CONGESTION')
      return { ...ok(), data: s.conn?.snd.congestion.name ?? this.config().congestionControl };
    if (name === 'TCP_INFO') return ok();
    const option = findOption(name);
    if (option === undefined || option.get === null) throw new Unsupported(`getsockopt of ${name} is not known`);
    const value = option.get(s);
    return typeof value === 'number' ? { ...ok(), data: value } : value;
  }

  private poll(call: Call): Attempt {
    const wanted = call.args[0]?.kind === 'list' ? call.args[0].items : [];
    const timeout = numberOf(call.args[2]) ?? 0;
    const until = timeout < 0 ? Infinity : this.now + timeout * 1000;
    return () => {
      const ready: number[] = wanted.map((e) => {
        const s = this.byFd.get(numberOf(fieldOf(e, 'fd')) ?? -1);
        const asked = (numberOf(fieldOf(e, 'events')) ?? 0) | CONSTANTS['POLLERR']! | CONSTANTS['POLLHUP']!;
        return s === undefined ? CONSTANTS['POLLNVAL']! : asked & readiness(s);
      });
      const count = ready.filter((bits) => bits !== 0).length;
      if (count === 0 && this.now < until) return null;
      const mismatch = wanted.findIndex((e, i) => {
        const expected = numberOf(fieldOf(e, 'revents'));
        return expected !== null && expected !== ready[i];
      });
      return mismatch < 0
        ? ok(count)
        : { value: count, errno: '', data: `revents of entry ${mismatch} is ${ready[mismatch]}` };
    };
  }
}

const DEFAULT_PORT = 8080;
const KNOWN = new Set([
  ...['bind', 'listen', 'connect', 'write', 'send', 'sendto', 'writev', 'sendmsg', 'read', 'recv', 'recvfrom', 'readv'],
  ...['recvmsg', 'close', 'shutdown', 'fcntl', 'ioctl', 'setsockopt', 'getsockopt'],
]);

const symbolOf = (e: Expression | undefined): string => {
  if (e?.kind === 'symbol') return e.name;
  throw new Unsupported('an option that is not written by its name');
};

/** The port of `{sa_family = AF_INET, sin_port = htons(8080), ...}`; null for `...`. */
const portOf = (e: Expression | undefined): number | null =>
  e?.kind === 'struct' ? numberOf(fieldOf(e, 'sin_port') ?? fieldOf(e, 'sin6_port')) : null;
