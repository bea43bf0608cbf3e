/**
 * setsockopt() and getsockopt(): checks level, name and length as Linux does, then calls the option
 * (socket-option-table.ts).
 */
import type { Micros } from '../../base/time.js';
import { KEY_BYTES } from '../../stack/tcp/fast-open-cookie.js';
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import {
  findOption,
  IP_LEVEL,
  isLevel,
  type Option,
  setCongestion,
  whyMissing,
} from './socket-option-table.js';
import { fail, ok, type Result, type ScriptSocket } from './socket.js';
import { fieldAt, numberOf, textOf, Unsupported } from './values.js';

const INT_BYTES = 4;
const LINGER_BYTES = 8;

const is = (level: number, number: number, levelName: string, name: string): boolean =>
  level === CONSTANTS[levelName] && number === CONSTANTS[name];

export function setOption(s: ScriptSocket, args: readonly Expression[], now: Micros): Result {
  const { level, number } = optionOf(args);
  if (!isLevel(level, s.isIpv6)) return fail('ENOPROTOOPT');
  const [, , , value] = args;
  const bytes = numberOf(args[4]) ?? INT_BYTES;
  if (bytes < 0) return fail('EINVAL');
  if (is(level, number, 'SOL_TCP', 'TCP_CONGESTION')) {
    const name = textOf(value);
    if (name === null) throw new Unsupported('TCP_CONGESTION must be a quoted string');
    return bytes === 0 ? fail('EINVAL') : setCongestion(s, name.slice(0, bytes), now);
  }
  if (is(level, number, 'SOL_SOCKET', 'SO_LINGER'))
    return bytes < LINGER_BYTES ? fail('EINVAL') : setLinger(s, value);
  if (
    is(level, number, 'SOL_SOCKET', 'SO_RCVTIMEO') ||
    is(level, number, 'SOL_SOCKET', 'SO_SNDTIMEO')
  )
    return setTimeouts(s, number === CONSTANTS['SO_RCVTIMEO'], value);
  if (is(level, number, 'SOL_TCP', 'TCP_FASTOPEN_KEY')) return setFastOpenKeys(s, value, bytes);
  const { set } = known(level, number, args);
  if (set === null) return fail('ENOPROTOOPT');
  const wanted = numberOf(value) ?? 0;
  if (bytes >= INT_BYTES) return set(s, wanted, now);
  // An option of IP may have one byte.
  return level === IP_LEVEL ? set(s, bytes === 0 ? 0 : wanted & 0xff, now) : fail('EINVAL');
}

function setLinger(s: ScriptSocket, value: Expression | undefined): Result {
  const part = (name: string, at: number): number =>
    numberOf(fieldAt(value, at, name, `l_${name}`) ?? missing(name)) ?? 0;
  const [on, wait] = [part('onoff', 0), part('linger', 1)];
  const set = (conn: NonNullable<ScriptSocket['conn']>): void =>
    conn.setLinger(on !== 0, wait * 1_000_000);
  if (s.conn === null) s.later.push(set);
  else set(s.conn);
  return ok();
}

/** `{tv_sec=1, tv_usec=500000}`, or `{1, 500000}`. */
function setTimeouts(s: ScriptSocket, isReceive: boolean, value: Expression | undefined): Result {
  const [whole, micros] = [fieldAt(value, 0, 'tv_sec'), fieldAt(value, 1, 'tv_usec')].map(
    (e) => numberOf(e) ?? 0,
  );
  const time = whole! * 1_000_000 + micros!;
  if (isReceive) s.receiveTimeout = time;
  else s.sendTimeout = time;
  return ok();
}

function missing(name: string): never {
  throw new Unsupported(`SO_LINGER without '${name}': write {onoff=1, linger=0}, or {1, 0}`);
}

export function getOption(
  s: ScriptSocket,
  args: readonly Expression[],
  defaultCongestion: string,
): Result {
  const { level, number } = optionOf(args);
  if (!isLevel(level, s.isIpv6)) return fail('EOPNOTSUPP');
  const [, , , value] = args;
  const bytes = numberOf(args[4]) ?? INT_BYTES;
  if (bytes < 0) return fail('EINVAL');
  if (is(level, number, 'SOL_TCP', 'TCP_INFO')) {
    const anything =
      value?.kind === 'any' ||
      (value?.kind === 'list' && value.items.every((item) => item.kind === 'any'));
    if (!anything)
      throw new Unsupported(
        'TCP_INFO can be compared by code only: write ... in getsockopt(), and then %{ assert ' +
          'tcpi_... }%',
      );
    return ok();
  }
  if (bytes < INT_BYTES)
    throw new Unsupported(`getsockopt() of ${bytes} bytes: a part of a value is not supported`);
  if (is(level, number, 'SOL_SOCKET', 'SO_ERROR'))
    return { ...ok(), data: CONSTANTS[s.takeError()] ?? 0 };
  if (is(level, number, 'SOL_TCP', 'TCP_CONGESTION'))
    return {
      ...ok(),
      data: s.conn?.snd.congestion.name ?? s.config.congestionControl ?? defaultCongestion,
    };
  if (is(level, number, 'SOL_TCP', 'TCP_FASTOPEN_KEY'))
    return { ...ok(), data: fastOpenKeys(s).slice(0, bytes) };
  const { get } = known(level, number, args);
  if (get === null) throw new Unsupported(`getsockopt() of ${nameOf(args)} is not supported`);
  const got = get(s);
  return typeof got === 'number' ? { ...ok(), data: got } : got;
}

/** A key of 16 bytes, or two; cookies that were made with the second key stay valid. */
function setFastOpenKeys(s: ScriptSocket, value: Expression | undefined, bytes: number): Result {
  const text = textOf(value);
  if (text === null) throw new Unsupported('TCP_FASTOPEN_KEY must be a quoted string');
  if (bytes !== KEY_BYTES && bytes !== 2 * KEY_BYTES) return fail('EINVAL');
  s.fastOpenKeys = Uint8Array.from({ length: bytes }, (_, i) => text.charCodeAt(i));
  s.tuneFastOpen();
  return ok();
}

/** The socket's keys as a string of bytes; '' if it uses the stack's key. */
const fastOpenKeys = ({ fastOpenKeys: keys }: ScriptSocket): string =>
  String.fromCharCode(...(keys ?? []));

/**
 * Level and option as numbers, as in the kernel, because a name at another level is another option
 * or none. Throws Unsupported for an unknown name.
 */
function optionOf(args: readonly Expression[]): { level: number; number: number } {
  const [, at, name] = args;
  if (name?.kind === 'symbol' && !Object.hasOwn(CONSTANTS, name.name))
    throw new Unsupported(`the socket option ${name.name} is not supported`);
  const [level, number] = [numberOf(at), numberOf(name)];
  if (level === null || number === null)
    throw new Unsupported('a socket option without a level or a name');
  return { level, number };
}

function known(level: number, number: number, args: readonly Expression[]): Option {
  const option = findOption(level, number);
  if (option === undefined)
    throw new Unsupported(
      `the socket option ${nameOf(args)} is not supported${whyMissing(level, number)}`,
    );
  return option;
}

const nameOf = ([, level, name]: readonly Expression[]): string =>
  [name, level].map((e) => (e?.kind === 'symbol' ? e.name : String(numberOf(e)))).join(' of ');
