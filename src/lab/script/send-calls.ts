/** write, send, sendto, writev, sendmsg and sendfile. */
import type { Call } from './ast.js';
import { CONSTANTS } from './constants.js';
import { checkedIov, checkMessage, mayNotWait, negativeLength, sendFlags } from './messages.js';
import { givingUpAfter, openTo, remotePort } from './open-calls.js';
import { isNull } from './socket-address.js';
import { fail, ok, type Attempt, type ScriptSocket } from './socket.js';
import type { Sockets } from './sockets.js';
import { fieldOf, messageBytes, numberOf, Unsupported } from './values.js';

export function startSend(w: Sockets, s: ScriptSocket, { name, args }: Call): Attempt {
  switch (name) {
    case 'write':
    case 'send':
    case 'sendto': {
      const bytes = numberOf(args[2]) ?? 0;
      if (bytes < 0) return negativeLength(name);
      return send(w, s, bytes, sendFlags(args[3]), remotePort(w, args[4]), isNull(args[1]));
    }
    case 'writev':
      return send(w, s, checkedIov(args), 0);
    default: {
      const [, message, flags] = args;
      checkMessage(message, false);
      const bytes = messageBytes(message);
      if (bytes < 0) return () => fail('EINVAL');
      return send(w, s, bytes, sendFlags(flags), remotePort(w, fieldOf(message, 'msg_name')));
    }
  }
}

/** `port`: the port in the address of a sendto(), if it has one. `noBuffer`: the data is NULL. */
function send(
  w: Sockets,
  s: ScriptSocket,
  bytes: number,
  flags: number,
  port: number | null = null,
  noBuffer = false,
): Attempt {
  if (bytes < 0) return () => fail('EINVAL');
  const opens = (flags & CONSTANTS['MSG_FASTOPEN']!) !== 0;
  if (!opens && s.deferredPort === 0) return sendMore(w, s, bytes, flags, noBuffer);
  if (noBuffer) throw new Unsupported('Fast Open with data at NULL is not supported');
  const noWait = mayNotWait(s, flags);
  let rest: Attempt | null = null;
  return () => {
    if (rest !== null) return rest();
    if (s.listener !== null) return fail('EISCONN');
    if (s.conn === null) {
      const error = openTo(
        w,
        s,
        s.deferredPort !== 0 ? s.deferredPort : (port ?? w.world.connectPort),
        true,
      );
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
    rest = sendMore(w, s, bytes, flags);
    return rest();
  };
}

function sendMore(
  w: Sockets,
  s: ScriptSocket,
  bytes: number,
  flags: number,
  noBuffer = false,
): Attempt {
  let wasConnecting = s.isConnecting;
  let done = 0;
  const urgent = (flags & CONSTANTS['MSG_OOB']!) !== 0;
  const noWait = mayNotWait(s, flags);
  const more = (flags & CONSTANTS['MSG_MORE']!) !== 0;
  const ends = (flags & CONSTANTS['MSG_EOR']!) !== 0;
  let waits = false;
  return givingUpAfter(
    w,
    s.sendTimeout,
    () => (done > 0 ? ok(done) : fail('EAGAIN')),
    () => {
      if (s.hasError) return done > 0 && !wasConnecting ? ok(done) : fail(s.takeError());
      if (s.writeShut || s.conn === null || s.isOver) return done > 0 ? ok(done) : fail('EPIPE');
      if (!s.mayWrite) {
        if (noWait) return fail('EAGAIN');
        if (noBuffer) return null;
        // The program blocks in its call, so its data goes with the SYN or with the handshake's
        // ACK.
        done += s.write(bytes - done, more, urgent, ends);
        return null;
      }
      wasConnecting = false;
      if (noBuffer && bytes > 0)
        return s.conn.snd.isWritable ? fail('EFAULT') : noWait ? fail('EAGAIN') : null;
      // the call sleeps until there is enough room
      if (waits && !s.conn.snd.wakesWriter) return null;
      if (done < bytes) done += s.write(bytes - done, more, urgent, ends);
      if (done === bytes) return ok(done);
      waits = true;
      if (!noWait) return null;
      return done > 0 ? ok(done) : fail('EAGAIN');
    },
  );
}

/** sendfile() from a file of the script, which contains zeros. */
export function sendFile(w: Sockets, { args }: Call): Attempt {
  const s = w.socket(numberOf(args[0]));
  const file = w.file(numberOf(args[1]));
  if (s === undefined || file === undefined)
    return () =>
      fail(w.get(numberOf(args[s === undefined ? 0 : 1])) === undefined ? 'EBADF' : 'EINVAL');
  if (s.conn !== null) w.last = s;
  const offset = isNull(args[2]) ? null : numberOf(args[2]);
  const left = Math.max(0, file.bytes - (offset ?? file.at));
  const bytes = Math.min(numberOf(args[3]) ?? 0, left);
  if (bytes === 0) return () => ok(0);
  const attempt = send(w, s, bytes, 0);
  return () => {
    const result = attempt();
    if (result !== null && result.value > 0 && offset === null) file.at += result.value;
    return result;
  };
}
