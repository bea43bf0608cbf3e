/**
 * Common parts of the calls that send and receive: lengths, flags, the msghdr of sendmsg() and
 * recvmsg(), with checks for what is not supported.
 */
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { controlOf, controlText } from './control-messages.js';
import { fail, type Attempt, type ScriptSocket } from './socket.js';
import { fieldOf, iovBytes, numberOf, Unsupported } from './values.js';

const bitsOf = (...names: string[]): number =>
  names.reduce((bits, name) => bits | CONSTANTS[name]!, 0);
const SEND = bitsOf(
  'MSG_OOB',
  'MSG_DONTWAIT',
  'MSG_NOSIGNAL',
  'MSG_MORE',
  'MSG_FASTOPEN',
  'MSG_EOR',
);
/** MSG_NOSIGNAL has no effect on a reader. */
const RECEIVE = bitsOf(
  'MSG_OOB',
  'MSG_PEEK',
  'MSG_TRUNC',
  'MSG_DONTWAIT',
  'MSG_WAITALL',
  'MSG_NOSIGNAL',
);

export const sendFlags = (e: Expression | undefined): number => known(e, SEND);
export const receiveFlags = (e: Expression | undefined): number => known(e, RECEIVE);

function known(e: Expression | undefined, mask: number): number {
  const flags = numberOf(e) ?? 0;
  const others = flags & ~mask;
  if (others === 0) return flags;
  const names = Object.keys(CONSTANTS).filter(
    (name) => name.startsWith('MSG_') && (CONSTANTS[name]! & others) !== 0,
  );
  throw new Unsupported(
    `${names.join('|') || `flags 0x${others.toString(16)}`} is not supported in this call`,
  );
}

/** True if the call must not block but return EAGAIN. */
export const mayNotWait = (s: ScriptSocket, flags: number): boolean =>
  s.nonBlocking || (flags & CONSTANTS['MSG_DONTWAIT']!) !== 0;

/**
 * Checks a msghdr's parts other than the data and the address for sendmsg(). Throws Unsupported.
 */
export function checkMessage(message: Expression | undefined, isReceived: boolean): void {
  const control = controlOf(message);
  if (control.length > 0 && !isReceived)
    throw new Unsupported(
      'msg_control of sendmsg() is not supported, because there is no SO_TIMESTAMPING',
    );
  for (const one of control) controlText(one);
  const name = fieldOf(message, 'msg_name');
  if (isReceived && name !== undefined && name.kind !== 'any')
    throw new Unsupported('msg_name cannot be compared, because TCP gives recvmsg() no address');
}

/** The msg_flags that recvmsg() writes. */
export const receivedFlags = (flags: number): number => flags & CONSTANTS['MSG_OOB']!;

/**
 * The result of a call with a negative length: EFAULT for write() and read(), because the kernel
 * checks the end of the buffer. send() and recv() would cut the length to 2 GiB, which is not
 * supported.
 */
export function negativeLength(name: string): Attempt {
  if (name !== 'write' && name !== 'read')
    throw new Unsupported(`${name}() with a negative length`);
  return () => fail('EFAULT');
}

/** The bytes of the iovec of readv() or writev(). */
export function checkedIov([, iov, count]: readonly Expression[]): number {
  const entries = iov?.kind === 'list' ? iov.items.length : 0;
  if ((numberOf(count) ?? entries) !== entries)
    throw new Unsupported(`an iovec count of ${numberOf(count)} for a list of ${entries}`);
  return iovBytes(iov);
}
