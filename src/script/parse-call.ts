/** System calls and their expressions: `+0 sendmsg(4, {msg_name(...)=..., msg_iov(1)=[{..., 100}], msg_flags=0}, MSG_MORE) = 100`. */
import { SECOND } from '../base/time.js';
import type { Call, Expression, Place, StructField } from './ast.js';
import { NAME, NUMBER, type Scanner } from './scanner.js';

export const SECONDS = /\d+\.\d*|\.\d+|\d+/y;
/** `...` or a number that begins with a dot would be taken for one. */
const ELLIPSIS = /\.\.\./y;
const ERRNO = /E[A-Z0-9]+\b/y;

export function parseCall(s: Scanner, place: Place, defines: ReadonlyMap<string, string>): Call {
  let end: number | null = null;
  if (s.take(ELLIPSIS) !== null) end = Math.round(Number(s.need(SECONDS, 'when the call must return')[0]) * SECOND);
  const name = s.need(NAME, 'a packet (< or >), a system call, a command in back-quotes or %{ code }%')[0];
  s.expect('(', `after '${name}'`);
  const args = parseList(s, ')', defines);
  s.expect('=', `and the result of ${name}()`);
  const result = parseExpression(s, defines);
  const errno = s.take(ERRNO)?.[0] ?? '';
  if (s.next('(')) {
    const note = s.take(/\([^)\n]*\)/y);
    if (note === null) s.fail("expected ')' after the note");
  }
  return { type: 'call', place, name, args, end, result, errno };
}

function parseList(s: Scanner, close: string, defines: ReadonlyMap<string, string>): Expression[] {
  const items: Expression[] = [];
  if (s.takeText(close)) return items;
  do items.push(parseExpression(s, defines));
  while (s.takeText(','));
  s.expect(close, 'or a comma');
  return items;
}

export function parseExpression(s: Scanner, defines: ReadonlyMap<string, string>): Expression {
  const first = parseTerm(s, defines);
  if (!s.next('|')) return first;
  const parts = [first];
  while (s.takeText('|')) parts.push(parseTerm(s, defines));
  return { kind: 'or', parts };
}

function parseTerm(s: Scanner, defines: ReadonlyMap<string, string>): Expression {
  if (s.take(ELLIPSIS) !== null) return { kind: 'any' };
  const digits = s.take(NUMBER);
  if (digits !== null) {
    const text = digits[0];
    return { kind: 'number', value: text.startsWith('-') ? -Number(text.slice(1)) : Number(text) };
  }
  if (s.next('"')) {
    const parts: string[] = [];
    for (let m = s.take(/"((?:[^"\\\n]|\\.)*)"/y); m !== null; m = s.take(/"((?:[^"\\\n]|\\.)*)"/y))
      parts.push(unescape(m[1]!));
    if (parts.length === 0) s.fail('expected the end of this string');
    return { kind: 'string', value: parts.join('') };
  }
  if (s.takeText('[')) return { kind: 'list', items: parseList(s, ']', defines) };
  if (s.takeText('{')) return { kind: 'struct', fields: parseFields(s, defines) };
  const place = s.place();
  const name = s.need(NAME, 'a value: a number, a name, a string, [ ], { } or ...')[0];
  if (s.takeText('(')) return { kind: 'apply', name, args: parseList(s, ')', defines) };
  const defined = defines.get(name);
  if (defined !== undefined) {
    return /^-?(?:0x[0-9a-f]+|\d+)$/i.test(defined)
      ? { kind: 'number', value: Number(defined) }
      : { kind: 'string', value: defined };
  }
  return { kind: 'symbol', name, place };
}

const unescape = (text: string): string =>
  text.replace(/\\(.)/g, (_, c: string) => ({ n: '\n', r: '\r', t: '\t', '0': '\0' })[c] ?? c);

/** `a=1, b(2)=[...], .c=3, {..}, 5`. */
function parseFields(s: Scanner, defines: ReadonlyMap<string, string>): StructField[] {
  const fields: StructField[] = [];
  if (s.takeText('}')) return fields;
  do {
    // `name=` or `name(...)=`; anything else is a bare value.
    const named = s.take(/\.?([A-Za-z_][A-Za-z0-9_]*)\s*(?:\([^()]*\)\s*)?=(?!=)/y);
    fields.push({ name: named?.[1] ?? '', value: parseExpression(s, defines) });
  } while (s.takeText(','));
  s.expect('}', 'or a comma');
  return fields;
}
