/** fcntl, ioctl and poll: what a socket's state is. */
import { isUrgentHere } from '../../tcp/urgent.js';
import { CONSTANTS } from './constants.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { Unsupported } from './values.js';

export function fcntl(s: ScriptSocket, command: number, flags: number): Result {
  if (command === CONSTANTS['F_GETFL'])
    return ok(CONSTANTS['O_RDWR']! | (s.nonBlocking ? CONSTANTS['O_NONBLOCK']! : 0));
  if (command !== CONSTANTS['F_SETFL'])
    throw new Unsupported('fcntl other than F_GETFL and F_SETFL is not known');
  s.nonBlocking = (flags & CONSTANTS['O_NONBLOCK']!) !== 0;
  return ok();
}

/** What is queued: a listener has no queue, and before the handshake's end nothing counts. */
const QUEUE_SIZES = new Set(['SIOCINQ', 'SIOCOUTQ', 'SIOCOUTQNSD'].map((name) => CONSTANTS[name]));

export function ioctl(s: ScriptSocket, request: number): Result {
  if (QUEUE_SIZES.has(request)) {
    if (s.listener !== null) return fail('EINVAL');
    if (s.isConnecting) return { ...ok(), data: 0 };
  }
  const snd = s.conn?.snd;
  switch (request) {
    case CONSTANTS['SIOCINQ']:
      return { ...ok(), data: s.readable };
    case CONSTANTS['SIOCATMARK']:
      return { ...ok(), data: Number(s.isAtMark) };
    case CONSTANTS['SIOCOUTQ']:
      return { ...ok(), data: snd === undefined ? 0 : snd.buffer.length };
    case CONSTANTS['SIOCOUTQNSD']:
      return { ...ok(), data: snd === undefined ? 0 : snd.unsent };
    default:
      throw new Unsupported(
        `ioctl 0x${request.toString(16)} is not known: SIOCINQ, SIOCOUTQ, SIOCOUTQNSD and ` +
          'SIOCATMARK are',
      );
  }
}

/** What poll(2) would say of it. */
export function readiness(s: ScriptSocket): number {
  const { POLLIN, POLLPRI, POLLOUT, POLLERR, POLLHUP, POLLRDHUP, POLLRDNORM, POLLWRNORM } =
    CONSTANTS as Record<string, number>;
  if (s.listener !== null) return s.listener.queue.establishedCount > 0 ? POLLIN! | POLLRDNORM! : 0;
  if (s.conn === null) return s.deferredPort === 0 ? POLLOUT! | POLLHUP! : POLLOUT!;
  let bits = 0;
  if (s.hasError) bits |= POLLERR!;
  if ((s.readable > 0 && s.readable >= s.receiveLowat) || s.atEnd) bits |= POLLIN!;
  if (isUrgentHere(s.conn)) bits |= POLLPRI!;
  if (s.atEnd) bits |= POLLRDHUP!;
  if ((s.atEnd && s.writeShut) || s.isOver) bits |= POLLHUP!;
  if (bits & POLLIN!) bits |= POLLRDNORM!;
  if (s.mayWrite && (s.isOver || s.writeShut || s.conn.snd.wakesWriter))
    bits |= POLLOUT! | POLLWRNORM!;
  return bits;
}
