/** Values of a packet script's code, with Python's operators and functions. */
import { Unsupported } from './values.js';

export type Value = number | string | boolean | null | Value[];

/** An exception that Python would raise; the script fails with it. */
export class PythonError extends Error {
  override readonly name = 'PythonError';
}

export const truth = (v: Value): boolean =>
  v !== null && v !== 0 && v !== '' && v !== false && !isEmpty(v);
const isEmpty = (v: Value): boolean => Array.isArray(v) && v.length === 0;

/** A number, or a boolean as one. */
export function numeric(v: Value, operator: string): number {
  if (typeof v === 'number') return v;
  if (typeof v === 'boolean') return Number(v);
  throw new PythonError(`TypeError: ${operator} of ${kindOf(v)}`);
}

function whole(v: Value, operator: string): bigint {
  const n = numeric(v, operator);
  if (!Number.isInteger(n)) throw new PythonError(`TypeError: ${operator} needs a whole number`);
  return BigInt(n);
}

const kindOf = (v: Value): string =>
  v === null
    ? 'None'
    : Array.isArray(v)
      ? 'a tuple'
      : typeof v === 'string'
        ? 'a text'
        : 'a number';

/** The value as Python's str() writes it. */
export function textOf(v: Value): string {
  if (v === null) return 'None';
  if (Array.isArray(v)) return `(${v.map(quotedText).join(', ')}${v.length === 1 ? ',' : ''})`;
  return typeof v === 'boolean' ? (v ? 'True' : 'False') : String(v);
}

const quotedText = (v: Value): string => (typeof v === 'string' ? `'${v}'` : textOf(v));

const divisor = (v: Value, operator: string): number => {
  const n = numeric(v, operator);
  if (n === 0) throw new PythonError('ZeroDivisionError: division by zero');
  return n;
};
const arithmetic =
  (operator: string, of: (a: number, b: number) => number) =>
  (a: Value, b: Value): Value =>
    of(numeric(a, operator), numeric(b, operator));
/** Bit operations on numbers of any size, as in Python; JavaScript's have 32 bits. */
const bits =
  (operator: string, of: (a: bigint, b: bigint) => bigint) =>
  (a: Value, b: Value): Value =>
    Number(of(whole(a, operator), whole(b, operator)));
const distance = (n: bigint): bigint => {
  if (n < 0n) throw new PythonError('ValueError: negative shift count');
  if (n > 1023n) throw new Unsupported('a shift by more than 1023 in code');
  return n;
};

export const BINARY: Readonly<Record<string, (a: Value, b: Value) => Value>> = {
  '+': (a, b) =>
    typeof a === 'string' && typeof b === 'string' ? a + b : numeric(a, '+') + numeric(b, '+'),
  '-': arithmetic('-', (a, b) => a - b),
  '*': arithmetic('*', (a, b) => a * b),
  '/': (a, b) => numeric(a, '/') / divisor(b, '/'),
  '//': (a, b) => Math.floor(numeric(a, '//') / divisor(b, '//')),
  '%': (a, b) =>
    typeof a === 'string' ? formatted(a, b) : remainder(numeric(a, '%'), divisor(b, '%')),
  '**': arithmetic('**', (a, b) => {
    if (a === 0 && b < 0) throw new PythonError('ZeroDivisionError: 0 to a negative power');
    return a ** b;
  }),
  '|': bits('|', (a, b) => a | b),
  '^': bits('^', (a, b) => a ^ b),
  '&': bits('&', (a, b) => a & b),
  '<<': bits('<<', (a, b) => a << distance(b)),
  '>>': bits('>>', (a, b) => a >> distance(b)),
};

/** Python's remainder, which has the divisor's sign. */
const remainder = (a: number, b: number): number => a - b * Math.floor(a / b);

const ORDER: Readonly<Record<string, (a: number | string, b: number | string) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

export const isComparison = (operator: string): boolean =>
  operator === '==' || operator === '!=' || Object.hasOwn(ORDER, operator);

/** A string never equals a number, and they have no order. */
export function compareValues(operator: string, a: Value, b: Value): boolean {
  if (operator === '==') return equal(a, b);
  if (operator === '!=') return !equal(a, b);
  if (operator === 'in') return contains(b, a);
  if (operator === 'not in') return !contains(b, a);
  const order = ORDER[operator]!;
  if (typeof a === 'string' && typeof b === 'string') return order(a, b);
  if (Array.isArray(a) && Array.isArray(b)) throw new Unsupported('the order of tuples in code');
  if (typeof a === 'string' || typeof b === 'string')
    throw new PythonError(`TypeError: ${operator} between ${kindOf(a)} and ${kindOf(b)}`);
  return order(numeric(a, operator), numeric(b, operator));
}

function contains(whole: Value, part: Value): boolean {
  if (Array.isArray(whole)) return whole.some((item) => equal(item, part));
  if (typeof whole === 'string' && typeof part === 'string') return whole.includes(part);
  throw new PythonError(`TypeError: in of ${kindOf(whole)}`);
}

function equal(a: Value, b: Value): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((x, i) => equal(x, b[i]!));
  const plain = (v: Value): Value => (typeof v === 'boolean' ? Number(v) : v);
  return plain(a) === plain(b);
}

/** `"%d of %s" % (1, "x")`. */
function formatted(format: string, value: Value): string {
  const values = Array.isArray(value) ? [...value] : [value];
  const text = format.replace(
    /%(%|([-0+ ]*)(\d*)(?:\.(\d+))?([a-zA-Z]))/g,
    (all, rest: string, ...parts: string[]) => {
      if (rest === '%') return '%';
      if (values.length === 0)
        throw new PythonError('TypeError: not enough arguments for format string');
      const [flags, width, digits, kind] = parts as [string, string, string | undefined, string];
      if (/[+ ]/.test(flags)) throw new Unsupported(`'${all}' in code`);
      const piece = converted(kind, values.shift()!, digits, all);
      if (flags.includes('-')) return piece.padEnd(Number(width));
      return piece.padStart(Number(width), flags.includes('0') ? '0' : ' ');
    },
  );
  if (values.length > 0)
    throw new PythonError('TypeError: not all arguments converted during string formatting');
  return text;
}

function converted(kind: string, v: Value, digits: string | undefined, all: string): string {
  switch (kind) {
    case 's':
      return digits === undefined ? textOf(v) : textOf(v).slice(0, Number(digits));
    case 'r':
      return quotedText(v);
    case 'd':
    case 'i':
      return String(Math.trunc(numeric(v, all)));
    case 'x':
      return whole(v, all).toString(16);
    case 'f':
      return numeric(v, all).toFixed(digits === undefined ? 6 : Number(digits));
    default:
      throw new Unsupported(`'${all}' in code`);
  }
}

const withNumbers =
  (name: string, least: number, most: number, of: (...numbers: number[]) => number) =>
  (args: readonly Value[]): Value => {
    if (args.length < least || args.length > most)
      throw new Unsupported(`${name}() with ${args.length} arguments in code`);
    return of(...args.map((arg) => numeric(arg, `${name}()`)));
  };

export const FUNCTIONS: Readonly<Record<string, (args: readonly Value[]) => Value>> = {
  min: withNumbers('min', 2, Infinity, Math.min),
  max: withNumbers('max', 2, Infinity, Math.max),
  abs: withNumbers('abs', 1, 1, Math.abs),
  int: withNumbers('int', 1, 1, Math.trunc),
  float: withNumbers('float', 1, 1, (n) => n),
  round: withNumbers('round', 1, 1, roundHalfToEven),
  str: (args) => {
    if (args.length !== 1) throw new Unsupported(`str() with ${args.length} arguments in code`);
    return textOf(args[0]!);
  },
};

function roundHalfToEven(n: number): number {
  const down = Math.floor(n);
  if (n - down !== 0.5) return Math.round(n);
  return down % 2 === 0 ? down : down + 1;
}
