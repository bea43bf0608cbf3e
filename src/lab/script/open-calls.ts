/** System calls that open, bind and close connections, with Linux's results and errnos. */
import { StackError } from '../../base/errors.js';
import type { Micros } from '../../base/time.js';
import { State } from '../../tcp/state.js';
import type { Call, Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { clientConfig, fastOpenIsReady } from './fast-open-urgent.js';
import { differs, familyOf, isUnspecified, socketAddressOf } from './socket-address.js';
import { fail, ok, ScriptSocket, type Attempt, type Result } from './socket.js';
import type { Sockets } from './sockets.js';
import { numberOf, Unsupported } from './values.js';

export function socket(w: Sockets, call: Call): Attempt {
  const domain = numberOf(call.args[0]) ?? w.family;
  const type = numberOf(call.args[1]) ?? CONSTANTS['SOCK_STREAM']!;
  if ((type & 15) !== CONSTANTS['SOCK_STREAM'])
    throw new Unsupported(
      'only SOCK_STREAM sockets are supported: scripts have no UDP and raw sockets',
    );
  const protocol = numberOf(call.args[2]) ?? 0;
  if (protocol !== 0 && protocol !== CONSTANTS['IPPROTO_TCP'])
    throw new Unsupported(`the protocol ${protocol} is not supported, only IPPROTO_TCP`);
  if (!isFamilyOf(w, domain))
    throw new Unsupported(
      `a socket of another family than the script's IPv${w.world.local.version}`,
    );
  const isNonBlocking = (type & CONSTANTS['SOCK_NONBLOCK']!) !== 0;
  const isIpv6 = domain === CONSTANTS['AF_INET6'];
  return () => ok(w.add(call, new ScriptSocket(w.world.stack, isIpv6, isNonBlocking)));
}

/** True for the packets' own family, or, with v4-mapped addresses, for IPv6. */
const isFamilyOf = (w: Sockets, family: number | null): boolean =>
  family === null || family === w.family || family === familyOf(w.world.local.version);

export function bind(w: Sockets, s: ScriptSocket, e: Expression | undefined): Result {
  const { family, port, address } = socketAddressOf(e);
  if (!isFamilyOf(w, family)) throw new Unsupported('bind() to an address of another family');
  if (port === 0) throw new Unsupported('bind() to port 0, where the stack chooses a port');
  if (s.isBound) return fail('EINVAL');
  if (address !== null && !address.isUnspecified && !address.equals(w.world.local))
    return fail('EADDRNOTAVAIL');
  const wanted = port ?? w.world.bindPort;
  for (const other of w.all()) if (other.listener?.port === wanted) return fail('EADDRINUSE');
  s.localPort = wanted;
  return ok();
}

/** The remote port of an address. Throws Unsupported unless the address is the script's peer. */
export function remotePort(w: Sockets, e: Expression | undefined): number | null {
  const { family, port, address } = socketAddressOf(e);
  if (!isFamilyOf(w, family))
    throw new Unsupported("an address of another family than the script's");
  if (differs(address, w.world.remote))
    throw new Unsupported(
      `${address!.toString()} is not the script's peer, which is ${w.world.remote.toString()}`,
    );
  return port;
}

export function listen(w: Sockets, s: ScriptSocket, backlog: number): Result {
  if (s.conn !== null) return fail('EINVAL');
  try {
    s.listener ??= w.world.stack.listen({
      port: s.localPort === 0 ? w.world.bindPort : s.localPort,
      backlog: Math.max(backlog, 1),
      typeOfService: s.tos,
      config: s.config,
      user: {
        tcpAccept: () => {
          s.wake(CONSTANTS['EPOLLIN']!);
          return false;
        },
      },
    });
  } catch (error) {
    return errnoOf(error);
  }
  s.tuneFastOpen();
  return ok();
}

export function accept(w: Sockets, call: Call): Attempt {
  const s = w.socket(numberOf(call.args[0]));
  if (s === undefined) return () => fail('EBADF');
  if (s.listener === null) return () => fail('EINVAL');
  const flags = call.name === 'accept4' ? (numberOf(call.args[3]) ?? 0) : 0;
  return givingUpAfter(
    w,
    s.receiveTimeout,
    () => fail('EAGAIN'),
    () => {
      const conn = s.listener!.accept();
      if (conn === undefined) return s.nonBlocking ? fail('EAGAIN') : null;
      const accepted = new ScriptSocket(
        w.world.stack,
        s.isIpv6,
        (flags & CONSTANTS['SOCK_NONBLOCK']!) !== 0,
      );
      accepted.inherit(s);
      const fd = w.add(call, accepted.attach(conn));
      accepted.connectAnswered = true;
      w.last = accepted;
      const address = { family: w.family, address: w.world.remote, port: conn.flow.remotePort };
      return { ...ok(fd), address };
    },
  );
}

export function connect(w: Sockets, s: ScriptSocket, e: Expression | undefined): Attempt {
  if (isUnspecified(e)) return () => disconnect(w, s);
  const port = remotePort(w, e) ?? w.world.connectPort;
  const begin = (): Result | null => {
    if (s.listener !== null || s.deferredPort !== 0) return fail('EISCONN');
    if (s.conn !== null) {
      if (s.connectAnswered) return fail('EISCONN');
      if (s.hasError) return fail(s.takeError());
      if (s.isConnecting) return fail('EALREADY');
      if (s.isOver) return fail('ECONNABORTED');
      // A non-blocking connect() reports success once.
      s.connectAnswered = true;
      return ok();
    }
    if (s.fastOpenConnect && fastOpenIsReady(s, w.world.remote, w.now)) {
      s.deferredPort = port;
      return ok();
    }
    const error = openTo(w, s, port, s.fastOpenConnect);
    if (error !== '') return fail(error);
    return s.nonBlocking ? fail('EINPROGRESS') : null;
  };
  let begun = false;
  return givingUpAfter(
    w,
    s.sendTimeout,
    () => fail('EINPROGRESS'),
    () => {
      if (!begun) {
        begun = true;
        return begin();
      }
      if (s.hasError) return fail(s.takeError());
      if (s.isConnecting) return null;
      s.connectAnswered = true;
      return s.isOver ? fail('ECONNABORTED') : ok();
    },
  );
}

/** Ends the connection with a RST; the socket is then as if it was never connected. */
function disconnect(w: Sockets, s: ScriptSocket): Result {
  s.stopListening(w.now);
  if (s.conn !== null) s.disconnect(w.now);
  return ok();
}

/** SO_RCVTIMEO and SO_SNDTIMEO: ends a call that waits longer; 0 means no limit. */
export function givingUpAfter(
  w: Sockets,
  timeout: Micros,
  late: () => Result,
  attempt: Attempt,
): Attempt {
  if (timeout === 0) return attempt;
  const until = w.now + timeout;
  return () => attempt() ?? (w.now < until ? null : late());
}

/** Sends the SYN. Returns an errno if that fails, else ''. */
export function openTo(w: Sockets, s: ScriptSocket, port: number, fastOpen: boolean): string {
  try {
    const conn = w.world.stack.connect(
      {
        remote: w.world.remote,
        remotePort: port,
        ...(s.localPort !== 0 ? { localPort: s.localPort } : {}),
        typeOfService: s.tos,
        config: clientConfig(s),
        fastOpen,
        user: s,
      },
      w.now,
    );
    s.attach(conn);
    w.last = s;
    return '';
  } catch (error) {
    return errnoOf(error).errno;
  }
}

export function close(w: Sockets, fd: number): Attempt {
  const s = w.socket(fd);
  const isOpen = w.get(fd) !== undefined;
  w.remove(fd);
  if (s === undefined) return () => (isOpen ? ok() : fail('EBADF'));
  s.close(w.now);
  const { conn } = s;
  if (conn === null || conn.linger <= 0 || s.nonBlocking) return () => ok();
  const until = w.now + conn.linger;
  return () => (conn.isLingering && w.now < until ? null : ok());
}

export function shutdown(w: Sockets, s: ScriptSocket, how: number): Result {
  if (how < CONSTANTS['SHUT_RD']! || how > CONSTANTS['SHUT_RDWR']!) return fail('EINVAL');
  if (s.listener !== null) {
    // The socket stops listening and may listen again later.
    if (how !== CONSTANTS['SHUT_WR']) s.stopListening(w.now);
    return ok();
  }
  // Linux notes this even without a connection: later reads return 0, not an error.
  if (s.conn === null && how !== CONSTANTS['SHUT_WR']) s.readShut = true;
  if (s.conn === null || s.isOver) return fail('ENOTCONN');
  if (s.conn.state === State.synSent)
    throw new Unsupported(
      'shutdown() in SYN-SENT, where Linux resets the socket, is not supported',
    );
  if (how !== CONSTANTS['SHUT_WR']) s.readShut = true;
  if (how !== CONSTANTS['SHUT_RD'] && !s.writeShut) {
    s.writeShut = true;
    s.conn.shutdown(w.now);
    w.world.stack.wake(s.conn);
  }
  return ok();
}

/** The result of a system call for an error of the stack. */
function errnoOf(error: unknown): Result {
  if (error instanceof StackError) return fail(error.code);
  throw error;
}
