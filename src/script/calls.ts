/**
 * The system calls of a script, with Linux's results and errnos. Each is a function that either gives its result or null, when it would block; the
 * runner asks again whenever something happened.
 */
import type { Micros } from '../base/time.js';
import { StackError } from '../base/errors.js';
import type { Address } from '../ip/address.js';
import type { Stack } from '../stack/stack.js';
import type { TcpConfig } from '../tcp/config.js';
import { State } from '../tcp/state.js';
import type { Call, Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { clientConfig, fastOpenIsReady } from './fast-open-urgent.js';
import { checkedIov, checkMessage, mayNotWait, negativeLength, sendFlags } from './messages.js';
import { getOption, setOption } from './option-calls.js';
import { startReceive } from './receive-calls.js';
import { differs, familyOf, isNull, socketAddressOf } from './socket-address.js';
import { fcntl, ioctl, readiness } from './socket-state.js';
import { fail, ok, ScriptSocket, type Attempt, type Result } from './socket.js';
import { fieldOf, messageBytes, numberOf, Unsupported } from './values.js';
import { Failure } from './verdict.js';

/** Where the script's sockets live: descriptors are the script's own numbers. */
export class Sockets {
  readonly stack: Stack;
  readonly local: Address;
  /** Who `connect(fd, ..., ...)` means. */
  readonly remote: Address;
  now: Micros = 0;
  private readonly byFd = new Map<number, ScriptSocket>();
  /** The connection that the script used last: TCP_INFO is its. */
  last: ScriptSocket | null = null;
  readonly config: () => TcpConfig;

  constructor(stack: Stack, local: Address, remote: Address, config: Sockets['config']) {
    this.stack = stack;
    this.local = local;
    this.remote = remote;
    this.config = config;
  }

  private get version(): 4 | 6 {
    return this.local.version;
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
        return () => this.bind(s, args[1]);
      case 'listen':
        return () => this.listen(s, numberOf(args[1]) ?? 0);
      case 'connect':
        return this.connect(s, this.remotePort(args[1]) ?? DEFAULT_PORT);
      case 'write':
      case 'send':
      case 'sendto':
      case 'writev':
      case 'sendmsg':
        return this.startSend(s, call);
      case 'read':
      case 'recv':
      case 'recvfrom':
      case 'readv':
      case 'recvmsg':
        return startReceive(s, call);
      case 'close':
        return this.close(s, fd);
      case 'shutdown':
        return () => this.shutdown(s, numberOf(args[1]) ?? 0);
      case 'fcntl':
        return () => fcntl(s, numberOf(args[1]) ?? 0, numberOf(args[2]) ?? 0);
      case 'ioctl':
        return () => ioctl(s, symbolOf(args[1]));
      case 'setsockopt':
        return () => setOption(s, args, this.now);
      case 'getsockopt':
        return () => getOption(s, args, this.config().congestionControl);
      default:
        throw new Unsupported(`the system call '${call.name}' is not known`);
    }
  }

  private socket(call: Call): Attempt {
    const domain = numberOf(call.args[0]);
    const type = numberOf(call.args[1]) ?? CONSTANTS['SOCK_STREAM']!;
    if ((type & 15) !== CONSTANTS['SOCK_STREAM']) throw new Unsupported('sockets other than SOCK_STREAM are not known');
    if (domain !== null && domain !== familyOf(this.version))
      throw new Unsupported(`a socket of another family than the script's IPv${this.version}`);
    const protocol = numberOf(call.args[2]) ?? 0;
    if (protocol !== 0 && protocol !== CONSTANTS['IPPROTO_TCP'])
      throw new Unsupported(`the protocol ${protocol} is not known: IPPROTO_TCP is`);
    const isNonBlocking = (type & CONSTANTS['SOCK_NONBLOCK']!) !== 0;
    return () => ok(this.add(call, new ScriptSocket(this.stack, this.version === 6, isNonBlocking)));
  }

  /** Under the script's own number, or, where it says none or that there is no socket, the next free one. */
  private add(call: Call, s: ScriptSocket): number {
    let fd = numberOf(call.result) ?? -1;
    if (fd < 0) for (fd = 3; this.byFd.has(fd);) fd++;
    else if (this.byFd.has(fd))
      throw new Failure(call.place, `descriptor ${fd} is open: another socket needs another number`);
    this.byFd.set(fd, s);
    return fd;
  }

  private bind(s: ScriptSocket, e: Expression | undefined): Result {
    const { family, port, address } = socketAddressOf(e);
    if (family !== null && family !== familyOf(this.version))
      throw new Unsupported('bind() to an address of another family');
    if (port === 0) throw new Unsupported("bind() to a port of the stack's choice");
    if (s.isBound) return fail('EINVAL');
    if (address !== null && !address.isUnspecified && !address.equals(this.local)) return fail('EADDRNOTAVAIL');
    const wanted = port ?? DEFAULT_PORT;
    for (const other of this.all()) if (other.listener?.port === wanted) return fail('EADDRINUSE');
    s.localPort = wanted;
    return ok();
  }

  /** The port of the script's peer: there is nobody else to speak to. */
  private remotePort(e: Expression | undefined): number | null {
    const { family, port, address } = socketAddressOf(e);
    if (family !== null && family !== familyOf(this.version))
      throw new Unsupported("an address of another family than the script's");
    if (differs(address, this.remote))
      throw new Unsupported(`${address!.toString()} is not the script's peer: that is ${this.remote.toString()}`);
    return port;
  }

  private listen(s: ScriptSocket, backlog: number): Result {
    if (s.conn !== null) return fail('EINVAL');
    try {
      s.listener ??= this.stack.listen({
        port: s.localPort === 0 ? DEFAULT_PORT : s.localPort,
        backlog: Math.max(backlog, 1),
        typeOfService: s.tos,
        config: s.config,
        user: { tcpAccept: () => false },
      });
    } catch (error) {
      return errnoOf(error);
    }
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
      const accepted = new ScriptSocket(this.stack, s.isIpv6, (flags & CONSTANTS['SOCK_NONBLOCK']!) !== 0);
      accepted.later.push(...s.later);
      const fd = this.add(call, accepted.attach(conn));
      accepted.connectAnswered = true;
      this.last = accepted;
      const address = { family: familyOf(this.version), address: this.remote, port: conn.flow.remotePort };
      return { ...ok(fd), address };
    };
  }

  private connect(s: ScriptSocket, port: number): Attempt {
    const begin = (): Result | null => {
      if (s.listener !== null || s.deferredPort !== 0) return fail('EISCONN');
      if (s.conn !== null) {
        if (s.connectAnswered) return fail('EISCONN');
        if (s.hasError) return fail(s.takeError());
        if (s.isConnecting) return fail('EALREADY');
        if (s.isOver) return fail('ECONNABORTED');
        // Whoever asked without waiting hears once that it worked.
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
      return errnoOf(error).errno;
    }
  }

  private startSend(s: ScriptSocket, { name, args }: Call): Attempt {
    switch (name) {
      case 'write':
      case 'send':
      case 'sendto': {
        const bytes = numberOf(args[2]) ?? 0;
        if (bytes < 0) return negativeLength(name);
        return this.send(s, bytes, sendFlags(args[3]), this.remotePort(args[4]), isNull(args[1]));
      }
      case 'writev':
        return this.send(s, checkedIov(args), 0);
      default: {
        const [, message, flags] = args;
        checkMessage(message, false);
        const bytes = messageBytes(message);
        if (bytes < 0) return () => fail('EINVAL');
        return this.send(s, bytes, sendFlags(flags), this.remotePort(fieldOf(message, 'msg_name')));
      }
    }
  }

  /** `port`: who the address of a sendto() names, if it does. `noBuffer`: the data is at NULL. */
  private send(s: ScriptSocket, bytes: number, flags: number, port: number | null = null, noBuffer = false): Attempt {
    if (bytes < 0) return () => fail('EINVAL');
    const opens = (flags & CONSTANTS['MSG_FASTOPEN']!) !== 0;
    if (!opens && s.deferredPort === 0) return this.sendMore(s, bytes, flags, noBuffer);
    if (noBuffer) throw new Unsupported('Fast Open with data at NULL is not known');
    const noWait = mayNotWait(s, flags);
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

  private sendMore(s: ScriptSocket, bytes: number, flags: number, noBuffer = false): Attempt {
    let wasConnecting = s.isConnecting;
    let done = 0;
    const urgent = (flags & CONSTANTS['MSG_OOB']!) !== 0;
    const noWait = mayNotWait(s, flags);
    const more = (flags & CONSTANTS['MSG_MORE']!) !== 0;
    return () => {
      if (s.hasError) return done > 0 && !wasConnecting ? ok(done) : fail(s.takeError());
      if (s.writeShut || s.conn === null || s.isOver) return done > 0 ? ok(done) : fail('EPIPE');
      if (!s.mayWrite) {
        if (noWait) return fail('EAGAIN');
        if (noBuffer) return null;
        // The program waits in its call: what it sends goes with the handshake's ACK, if not with the SYN.
        done += s.write(bytes - done, more, urgent);
        return null;
      }
      wasConnecting = false;
      if (noBuffer && bytes > 0) return s.conn.snd.isWritable ? fail('EFAULT') : noWait ? fail('EAGAIN') : null;
      if (done < bytes) done += s.write(bytes - done, more, urgent);
      if (done === bytes) return ok(done);
      if (!noWait) return null;
      return done > 0 ? ok(done) : fail('EAGAIN');
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
    if (how < CONSTANTS['SHUT_RD']! || how > CONSTANTS['SHUT_RDWR']!) return fail('EINVAL');
    if (s.listener !== null) {
      // It stops listening, and may begin again.
      if (how !== CONSTANTS['SHUT_WR']) s.stopListening();
      return ok();
    }
    // Linux notes it even then: a read gives nothing from now on, and no error.
    if (s.conn === null && how !== CONSTANTS['SHUT_WR']) s.readShut = true;
    if (s.conn === null || s.isOver) return fail('ENOTCONN');
    if (s.conn.state === State.synSent)
      throw new Unsupported('shutdown() in SYN-SENT is not known: Linux makes the socket a new one');
    if (how !== CONSTANTS['SHUT_WR']) s.readShut = true;
    if (how !== CONSTANTS['SHUT_RD'] && !s.writeShut) {
      s.writeShut = true;
      s.conn.shutdown(this.now);
      this.stack.wake(s.conn);
    }
    return ok();
  }

  private poll(call: Call): Attempt {
    const [fds, count] = call.args;
    if (fds?.kind !== 'list') throw new Unsupported('poll() of what is no list');
    const wanted = fds.items;
    if ((numberOf(count) ?? wanted.length) !== wanted.length)
      throw new Unsupported(`poll() of ${numberOf(count)} descriptors with a list of ${wanted.length}`);
    const timeout = numberOf(call.args[2]) ?? 0;
    const until = timeout < 0 ? Infinity : this.now + timeout * 1000;
    return () => {
      const ready: number[] = wanted.map((e) => {
        const s = this.byFd.get(numberOf(fieldOf(e, 'fd')) ?? -1);
        const asked = (numberOf(fieldOf(e, 'events')) ?? 0) | CONSTANTS['POLLERR']! | CONSTANTS['POLLHUP']!;
        return s === undefined ? CONSTANTS['POLLNVAL']! : asked & readiness(s);
      });
      const answer = ready.filter((bits) => bits !== 0).length;
      if (answer === 0 && this.now < until) return null;
      const mismatch = wanted.findIndex((e, i) => {
        const expected = numberOf(fieldOf(e, 'revents'));
        return expected !== null && expected !== ready[i];
      });
      return mismatch < 0
        ? ok(answer)
        : { value: answer, errno: '', data: `revents of entry ${mismatch} is ${ready[mismatch]}` };
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

/** What the stack refuses, as a system call tells it. */
function errnoOf(error: unknown): Result {
  if (error instanceof StackError) return fail(error.code);
  throw error;
}
