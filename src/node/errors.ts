/**
 * Errors as `node:net` makes them, with the same code, errno, syscall and message, because programs
 * match on all of these.
 */
import { constants } from 'node:os';
import { getSystemErrorMap, inspect } from 'node:util';

export interface NetError extends Error {
  code: string;
  /** Negative, as libuv's. */
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

/**
 * Where an error happened. Port 0 means none. `local` is set if the program chose the local end.
 */
export interface Place {
  readonly address?: string | undefined;
  readonly port?: number | undefined;
  readonly local?: string | undefined;
}

/**
 * `connect ECONNREFUSED 198.18.0.2:81`, `read ECONNRESET`. Only errors of `listen` contain libuv's
 * description.
 */
export function systemError(
  syscall: string,
  code: string,
  { address, port, local }: Place = {},
): NetError {
  const errno = -((constants.errno as Record<string, number>)[code] ?? 0);
  const words = syscall === 'listen' ? `: ${getSystemErrorMap().get(errno)?.[1] ?? code}` : '';
  const place = address === undefined ? '' : ` ${address}${port ? `:${port}` : ''}`;
  const error = new Error(
    `${syscall} ${code}${words}${place}${local ? ` - Local (${local})` : ''}`,
  ) as NetError;
  error.errno = errno;
  error.code = code;
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port) error.port = port;
  return error;
}

/** One of Node's own errors, with its code: `ERR_SOCKET_CLOSED`, ... */
export function nodeError<T extends Error>(error: T, code: string): T {
  return Object.assign(error, { code });
}

/**
 * Throws a user handler's error as if the event loop had called the handler, because it must not
 * stop the stack in the middle of a turn.
 */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}

// ---- Arguments ----------------------------------------------------------------------------------

/** `type number (5)`, `undefined`, `an instance of Map`. */
function received(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') {
    const { constructor } = value as { constructor?: { name?: string } };
    return constructor?.name ? `an instance of ${constructor.name}` : inspect(value, { depth: -1 });
  }
  const text = inspect(value, { colors: false });
  return `type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

const kindOf = (name: string): string => (name.includes('.') ? 'property' : 'argument');

/** ERR_INVALID_ARG_TYPE; `expected`: `of type number`, `an instance of AbortSignal`. */
export function wrongType(name: string, expected: string, value: unknown): TypeError {
  const text = `The "${name}" ${kindOf(name)} must be ${expected}. Received ${received(value)}`;
  return nodeError(new TypeError(text), 'ERR_INVALID_ARG_TYPE');
}

/** ERR_INVALID_ARG_VALUE. */
export function wrongValue(name: string, value: unknown, why = 'is invalid'): TypeError {
  const text = inspect(value);
  const shown = text.length > 128 ? `${text.slice(0, 128)}...` : text;
  return nodeError(
    new TypeError(`The ${kindOf(name)} '${name}' ${why}. Received ${shown}`),
    'ERR_INVALID_ARG_VALUE',
  );
}

/** ERR_OUT_OF_RANGE. */
export function outOfRange(name: string, range: string, value: unknown): RangeError {
  const text = `The value of "${name}" is out of range. It must be ${range}.`;
  return nodeError(new RangeError(`${text} Received ${inspect(value)}`), 'ERR_OUT_OF_RANGE');
}

/**
 * Throws ERR_SOCKET_BAD_PORT unless `port` is 0..65,535, as a number or as text. `name` is its name
 * in the error.
 */
export function checkPort(port: unknown, name: string): number {
  const isText = typeof port === 'string' && port.trim() !== '';
  const n = isText || typeof port === 'number' ? Number(port) : NaN;
  if (Number.isInteger(n) && n >= 0 && n <= 65_535) return n;
  const text = `${name} should be >= 0 and < 65536. Received ${received(port)}.`;
  throw nodeError(new RangeError(text), 'ERR_SOCKET_BAD_PORT');
}

export function checkNumber(value: unknown, name: string): number {
  if (typeof value !== 'number') throw wrongType(name, 'of type number', value);
  return value;
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw wrongType(name, 'of type function', value);
}

/** The longest delay of setTimeout in milliseconds, about 24 days. */
export const LONGEST_MS = 0x7fff_ffff;

/** A duration in milliseconds, as for Node's timers: a longer one is cut, with a warning. */
export function checkDuration(value: unknown, name: string): number {
  const ms = checkNumber(value, name);
  if (ms < 0 || !Number.isFinite(ms)) throw outOfRange(name, 'a non-negative finite number', ms);
  if (ms <= LONGEST_MS) return ms;
  const cut =
    `${ms} does not fit into a 32-bit signed integer.\nTimer duration was truncated to ` +
    `${LONGEST_MS}.`;
  process.emitWarning(cut, 'TimeoutOverflowWarning');
  return LONGEST_MS;
}

/**
 * Splits the arguments of `listen` and `connect`: `(options)`, `(port, host)` or `(path)`, each
 * with an optional callback at the end. As in Node, a first argument that is neither an object nor
 * a path is a port, even undefined.
 */
export function splitArguments<Options extends object>(
  args: readonly unknown[],
): { options: Options; callback: ((...x: unknown[]) => void) | null } {
  const [first, second] = args;
  const last = args.at(-1);
  const callback = typeof last === 'function' ? (last as () => void) : null;
  let options: object = {};
  if (typeof first === 'object' && first !== null) options = first;
  else if (typeof first === 'string' && !isNumeric(first)) options = { path: first };
  else if (args.length > 0)
    options = { port: first, ...(typeof second === 'string' ? { host: second } : {}) };
  return { options: options as Options, callback };
}

const isNumeric = (text: string): boolean => Number(text) >= 0;
