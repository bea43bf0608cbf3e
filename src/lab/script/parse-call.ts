/**
 * System calls and their expressions:
 * `+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, MSG_MORE) = 100`.
 */
import { SECOND } from '../../base/time.js';
import type { Call, Expression, Place, StructField } from './ast.js';
import { CONSTANTS } from './constants.js';
import { NAME, NUMBER, type Scanner } from './scanner.js';

export const SECONDS = /\d+\.\d*|\.\d+|\d+/y;
/** Tried before numbers, because a number may begin with a dot. */
const ELLIPSIS = /\.\.\./y;
const ERRNO = /E[A-Z0-9]+\b/y;

/** The number of arguments of each call. */
const ARGUMENTS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  ...{
    socket: [3, 3],
    bind: [3, 3],
    listen: [2, 2],
    accept: [3, 3],
    accept4: [4, 4],
    connect: [3, 3],
    close: [1, 1],
  },
  ...{
    read: [3, 3],
    readv: [3, 3],
    recv: [4, 4],
    recvfrom: [6, 6],
    recvmsg: [3, 3],
    shutdown: [2, 2],
  },
  ...{
    write: [3, 3],
    writev: [3, 3],
    send: [4, 4],
    sendto: [6, 6],
    sendmsg: [3, 3],
    fcntl: [2, 3],
    ioctl: [3, 3],
  },
  ...{
    poll: [3, 3],
    setsockopt: [5, 5],
    getsockopt: [5, 5],
    open: [2, 3],
    sendfile: [4, 4],
    splice: [6, 6],
  },
  ...{ epoll_create: [1, 1], epoll_create1: [1, 1], epoll_ctl: [4, 4], epoll_wait: [4, 4] },
};

export function parseCall(s: Scanner, place: Place): Call {
  let end: number | null = null;
  if (s.take(ELLIPSIS) !== null)
    end = Math.round(Number(s.need(SECONDS, 'when the call must return')[0]) * SECOND);
  const callPlace = s.place();
  const name = s.need(
    NAME,
    'a packet (< or >), a system call, a command in back-quotes or %{ code }%',
  )[0];
  s.expect('(', `after '${name}'`);
  const args = parseList(s, ')');
  const [least, most] = (Object.hasOwn(ARGUMENTS, name) ? ARGUMENTS[name] : undefined) ?? [
    0,
    Infinity,
  ];
  if (args.length < least || args.length > most)
    s.failAt(
      `${name}() has ${least === most ? most : `${least} or ${most}`} arguments, not ` +
        `${args.length}`,
      callPlace,
    );
  s.expect('=', `and the result of ${name}()`);
  const result = parseExpression(s);
  const errno = s.take(ERRNO)?.[0] ?? '';
  if (s.next('(')) {
    const note = s.take(/\([^)\n]*\)/y);
    if (note === null) s.fail("expected ')' after the note");
  }
  return { type: 'call', place, name, args, end, result, errno };
}

function parseList(s: Scanner, close: string): Expression[] {
  const items: Expression[] = [];
  if (s.takeText(close)) return items;
  do items.push(parseExpression(s));
  while (s.takeText(','));
  s.expect(close, 'or a comma');
  return items;
}

export function parseExpression(s: Scanner): Expression {
  const first = parseTerm(s);
  if (!s.next('|')) return first;
  const parts = [first];
  while (s.takeText('|')) parts.push(parseTerm(s));
  return { kind: 'or', parts };
}

function parseTerm(s: Scanner): Expression {
  if (s.take(ELLIPSIS) !== null) return { kind: 'any' };
  const place = s.place();
  const start = s.at;
  const digits = s.take(NUMBER);
  if (digits !== null) {
    const text = digits[0];
    const value = text.startsWith('-') ? -Number(text.slice(1)) : Number(text);
    if (!(value >= -(2 ** 31) && value < 2 ** 32))
      s.failAt(`expected a number of 32 bits, found '${text}'`, place);
    return { kind: 'number', value };
  }
  if (s.next('"')) {
    const parts: string[] = [];
    for (let m = s.take(/"((?:[^"\\\n]|\\.)*)"/y); m !== null; m = s.take(/"((?:[^"\\\n]|\\.)*)"/y))
      parts.push(unescape(m[1]!));
    if (parts.length === 0) s.fail('expected the end of this string');
    return { kind: 'string', value: parts.join('') };
  }
  if (s.takeText('[')) return { kind: 'list', items: parseList(s, ']') };
  if (s.takeText('{')) return { kind: 'struct', fields: parseFields(s) };
  s.takeText('&'); // inet_pton(AF_INET6, "2001:db8::1", &sin6_addr)
  const name = s.need(NAME, 'a value: a number, a name, a string, [ ], { } or ...')[0];
  if (s.takeText('(')) return { kind: 'apply', name, args: parseList(s, ')') };
  // An unknown name from `-D`, such as `-D CC=reno`, is a string.
  if (s.isDefined(start) && !Object.hasOwn(CONSTANTS, name)) return { kind: 'string', value: name };
  return { kind: 'symbol', name, place };
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t' };

/** As in C: `\n`, `\x1f`, `\037`. */
const unescape = (text: string): string =>
  text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))/g,
    (_, hex?: string, octal?: string, plain?: string) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8));
      return ESCAPES[plain!] ?? plain!;
    },
  );

/** `a=1, b(2)=[...], .c=3, {..}, 5`. */
function parseFields(s: Scanner): StructField[] {
  const fields: StructField[] = [];
  if (s.takeText('}')) return fields;
  do {
    // `name=` or `name(...)=`; without either it is a bare value.
    const [, name = '', size = ''] =
      s.take(/\.?([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(([^()]*)\)\s*)?=(?!=)/y) ?? [];
    const count = /^\s*\d+\s*$/.test(size) ? { count: Number(size) } : {};
    fields.push({ name, value: parseExpression(s), ...count });
  } while (s.takeText(','));
  s.expect('}', 'or a comma');
  return fields;
}
