/**
 * What calls that send and receive have in common: lengths, flags, the msghdr of sendmsg and
 * recvmsg, and what of them is known here.
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
/** MSG_NOSIGNAL says nothing to a reader. */
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
    `${names.join('|') || `flags 0x${others.toString(16)}`} is not known in this call`,
  );
}

/** The call returns at once, with EAGAIN where it would block. */
export const mayNotWait = (s: ScriptSocket, flags: number): boolean =>
  s.nonBlocking || (flags & CONSTANTS['MSG_DONTWAIT']!) !== 0;

/** A msghdr's parts that are neither data nor, of sendmsg, an address. */
export function checkMessage(message: Expression | undefined, isReceived: boolean): void {
  const control = controlOf(message);
  if (control.length > 0 && !isReceived)
    throw new Unsupported(
      'control messages (msg_control) of sendmsg() are not known: SO_TIMESTAMPING is not built',
    );
  for (const one of control) controlText(one);
  const name = fieldOf(message, 'msg_name');
  if (isReceived && name !== undefined && name.kind !== 'any')
    throw new Unsupported('TCP gives recvmsg() no address, so that msg_name cannot be compared');
}

/** What recvmsg writes into msg_flags. */
export const receivedFlags = (flags: number): number => flags & CONSTANTS['MSG_OOB']!;

/**
 * What the kernel of today says, which looks at where such a buffer would end. Of send() and recv()
 * it takes as much as there is room for in 2 GiB.
 */
export function negativeLength(name: string): Attempt {
  if (name !== 'write' && name !== 'read') throw new Unsupported(`${name}() of a negative length`);
  return () => fail('EFAULT');
}

/** Of readv() and writev(). */
export function checkedIov([, iov, count]: readonly Expression[]): number {
  const entries = iov?.kind === 'list' ? iov.items.length : 0;
  if ((numberOf(count) ?? entries) !== entries)
    throw new Unsupported(`an iovec of ${numberOf(count)} entries with a list of ${entries}`);
  return iovBytes(iov);
}
