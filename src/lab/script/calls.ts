/**
 * The system calls of a script. Each is a function that starts the call and returns an attempt. The
 * runner calls the attempt again after each event, until it returns the result of the call. It
 * returns null while the call would block.
 */
import type { Call } from './ast.js';
import { epollControl, epollCreate, epollWait } from './epoll-calls.js';
import { open } from './open-call.js';
import { accept, bind, close, connect, listen, shutdown, socket } from './open-calls.js';
import { getOption, setOption } from './option-calls.js';
import { poll } from './poll.js';
import { startReceive } from './receive-calls.js';
import { sendFile, startSend } from './send-calls.js';
import { fail, type Attempt, type ScriptSocket } from './socket.js';
import { fcntl, ioctl } from './socket-state.js';
import type { Sockets } from './sockets.js';
import { numberOf, Unsupported } from './values.js';

type Start = (w: Sockets, call: Call) => Attempt;

/** A call whose first argument is a socket. */
const ofSocket =
  (start: (s: ScriptSocket, call: Call, w: Sockets) => Attempt): Start =>
  (w, call) => {
    const fd = numberOf(call.args[0]);
    const s = w.socket(fd);
    if (s === undefined) return () => fail(w.get(fd) === undefined ? 'EBADF' : 'ENOTSOCK');
    if (s.conn !== null) w.last = s;
    return start(s, call, w);
  };

const send = ofSocket((s, call, w) => startSend(w, s, call));
const receive = ofSocket((s, call, w) => startReceive(w, s, call));

const CALLS: Readonly<Record<string, Start>> = {
  socket,
  accept,
  accept4: accept,
  poll,
  bind: ofSocket(
    (s, { args }, w) =>
      () =>
        bind(w, s, args[1]),
  ),
  listen: ofSocket(
    (s, { args }, w) =>
      () =>
        listen(w, s, numberOf(args[1]) ?? 0),
  ),
  connect: ofSocket((s, { args }, w) => connect(w, s, args[1])),
  write: send,
  send,
  sendto: send,
  writev: send,
  sendmsg: send,
  sendfile: sendFile,
  read: receive,
  recv: receive,
  recvfrom: receive,
  readv: receive,
  recvmsg: receive,
  close: (w, { args }) => close(w, numberOf(args[0]) ?? -1),
  shutdown: ofSocket(
    (s, { args }, w) =>
      () =>
        shutdown(w, s, numberOf(args[1]) ?? 0),
  ),
  fcntl: ofSocket(
    (s, { args }) =>
      () =>
        fcntl(s, numberOf(args[1]) ?? 0, numberOf(args[2]) ?? 0),
  ),
  ioctl: ofSocket(
    (s, { args }) =>
      () =>
        ioctl(s, numberOf(args[1]) ?? 0),
  ),
  setsockopt: ofSocket(
    (s, { args }, w) =>
      () =>
        setOption(s, args, w.now),
  ),
  getsockopt: ofSocket(
    (s, { args }, w) =>
      () =>
        getOption(s, args, w.world.config().congestionControl),
  ),
  open,
  epoll_create: epollCreate,
  epoll_create1: epollCreate,
  epoll_ctl: epollControl,
  epoll_wait: epollWait,
};

const SPLICE = 'only sendfile() moves data between descriptors here';
/** Calls of the language that are not supported, with the reason. */
const MISSING: Readonly<Record<string, string>> = {
  splice: SPLICE,
  vmsplice: SPLICE,
  tee: SPLICE,
  pipe: SPLICE,
  cap_set: 'there are no capabilities in memory',
};

/** Starts a system call. Throws Unsupported if it is not supported. */
export function startCall(w: Sockets, call: Call): Attempt {
  const { name } = call;
  if (Object.hasOwn(CALLS, name)) return CALLS[name]!(w, call);
  const reason = Object.hasOwn(MISSING, name) ? `: ${MISSING[name]}` : '';
  throw new Unsupported(`the system call '${name}' is not supported${reason}`);
}
