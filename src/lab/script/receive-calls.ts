/** read, recv, recvfrom, readv and recvmsg. */
import type { Call } from './ast.js';
import { CONSTANTS } from './constants.js';
import { receiveOutOfLine } from './fast-open-urgent.js';
import { queueMessage, wantsControl } from './control-messages.js';
import {
  checkedIov,
  checkMessage,
  mayNotWait,
  negativeLength,
  receivedFlags,
  receiveFlags,
} from './messages.js';
import { givingUpAfter } from './open-calls.js';
import { fail, ok, type Attempt, type ScriptSocket } from './socket.js';
import { isNull } from './socket-address.js';
import type { Sockets } from './sockets.js';
import { messageBytes, numberOf, Unsupported } from './values.js';

export function startReceive(w: Sockets, s: ScriptSocket, call: Call): Attempt {
  return givingUpAfter(w, s.receiveTimeout, () => fail('EAGAIN'), startOne(s, call));
}

function startOne(s: ScriptSocket, { name, args }: Call): Attempt {
  switch (name) {
    case 'read': {
      const bytes = numberOf(args[2]) ?? 0;
      if (bytes < 0) return negativeLength(name);
      // Only read() with a length of 0 always returns 0.
      return bytes === 0 ? () => ok(0) : receive(s, bytes, 0, isNull(args[1]));
    }
    case 'recv':
    case 'recvfrom': {
      const bytes = numberOf(args[2]) ?? 0;
      if (args[4] !== undefined && args[4].kind !== 'any' && !isNull(args[4]))
        throw new Unsupported('an address cannot be compared, because TCP gives recvfrom() none');
      if (bytes < 0) return negativeLength(name);
      return receive(s, bytes, receiveFlags(args[3]), isNull(args[1]));
    }
    case 'readv': {
      const bytes = checkedIov(args);
      return bytes === 0 ? () => ok(0) : receive(s, bytes, 0);
    }
    default: {
      const [, message] = args;
      checkMessage(message, true);
      const flags = receiveFlags(args[2]);
      const hasControl = wantsControl(message);
      const attempt = receive(s, messageBytes(message), flags);
      return () => {
        const result = attempt();
        if (result === null || result.value < 0) return result;
        const control = s.tellsQueue ? [queueMessage(queueBytes(s))] : [];
        const truncated = control.length > 0 && !hasControl ? CONSTANTS['MSG_CTRUNC']! : 0;
        return {
          ...result,
          messageFlags: receivedFlags(flags) | truncated,
          ...(hasControl ? { control } : {}),
        };
      };
    }
  }
}

/**
 * TCP_INQ: the number of bytes that can be read. Between the FIN and the read that returns 0 it is
 * never 0, so that the program reads up to the end.
 */
function queueBytes(s: ScriptSocket): number {
  const endWaits = s.conn?.rcv.finReceived === true && (s.unread === 0 || !s.endWasRead);
  return s.unread + Number(endWaits);
}

/** `noBuffer`: the buffer is NULL. */
function receive(s: ScriptSocket, bytes: number, flags: number, noBuffer = false): Attempt {
  if (bytes < 0) return () => fail('EINVAL');
  if ((flags & CONSTANTS['MSG_OOB']!) !== 0) return () => receiveOutOfLine(s, bytes, flags);
  const noWait = mayNotWait(s, flags);
  const peek = (flags & CONSTANTS['MSG_PEEK']!) !== 0;
  const least = Math.min(bytes, s.receiveLowat);
  const whole = (flags & CONSTANTS['MSG_WAITALL']!) !== 0;
  return () => {
    if (s.conn === null && s.readShut) return ok(0);
    if (s.conn === null && s.hasError) return fail(s.takeError());
    if (s.conn === null)
      return s.deferredPort === 0 ? fail('ENOTCONN') : noWait ? fail('EAGAIN') : null;
    const enough = whole && !s.endsAtMark ? bytes : Math.max(1, least);
    if (s.readable === 0 && s.isAtMark && !peek && bytes > 0) s.take(1, false);
    if (s.readable >= enough || (s.readable > 0 && (s.atEnd || noWait)))
      return noBuffer && bytes > 0 ? fail('EFAULT') : ok(s.take(bytes, peek));
    if (s.hasError) return fail(s.takeError());
    if (s.atEnd) {
      s.endWasRead = true;
      return ok(0);
    }
    return noWait ? fail('EAGAIN') : null;
  };
}
