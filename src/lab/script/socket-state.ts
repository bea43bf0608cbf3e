/** fcntl(), ioctl() and poll(): the state of a socket. */
import { isUrgentHere } from '../../tcp/urgent.js';
import { CONSTANTS } from './constants.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { Unsupported } from './values.js';

export function fcntl(s: ScriptSocket, command: number, flags: number): Result {
  if (command === CONSTANTS['F_GETFL'])
    return ok(CONSTANTS['O_RDWR']! | (s.nonBlocking ? CONSTANTS['O_NONBLOCK']! : 0));
  if (command !== CONSTANTS['F_SETFL'])
    throw new Unsupported('fcntl() is supported for F_GETFL and F_SETFL only');
  s.nonBlocking = (flags & CONSTANTS['O_NONBLOCK']!) !== 0;
  return ok();
}

/** Requests for queue sizes. A listener has no queue; before the handshake ends the sizes are 0. */
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
        `ioctl() 0x${request.toString(16)} is not supported, only SIOCINQ, SIOCOUTQ, ` +
          'SIOCOUTQNSD and SIOCATMARK',
      );
  }
}

/** The events that poll(2) would return for the socket. */
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
