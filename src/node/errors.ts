/** Errors as `node:net` makes them: code, errno, syscall, and its own sentences. Programs match on all of these. */
import { constants } from 'node:os';

export interface NetError extends Error {
  code: string;
  /** Negative, as libuv's. */
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
}

/** `connect ECONNREFUSED 198.18.0.2:81`, `read ECONNRESET`. Port 0 is none. */
export function systemError(syscall: string, code: string, address?: string, port?: number): NetError {
  const place = address === undefined ? '' : ` ${address}${port ? `:${port}` : ''}`;
  const detail =
    code === 'EADDRINUSE' ? ': address already in use' : code === 'EADDRNOTAVAIL' ? ': address not available' : '';
  const error = new Error(`${syscall} ${code}${detail}${place}`) as NetError;
  error.code = code;
  error.errno = -((constants.errno as Record<string, number>)[code] ?? 0);
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (port) error.port = port;
  return error;
}

/** One of Node's own, with its code: `ERR_SOCKET_CLOSED`, ... */
export function nodeError<T extends Error>(error: T, code: string): T {
  return Object.assign(error, { code });
}

/** Throws ERR_SOCKET_BAD_PORT unless `port` is 0..65,535. `name`: what it is called in the error. */
export function checkPort(port: unknown, name: string): number {
  const n = typeof port === 'string' && /^\d+$/.test(port) ? Number(port) : port;
  if (typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= 65_535) return n;
  const text = `${name} should be >= 0 and < 65536. Received type ${typeof port} (${String(port)}).`;
  throw nodeError(new RangeError(text), 'ERR_SOCKET_BAD_PORT');
}

/** What a user's handler threw, as if the event loop had called it: one bad handler must not stop the stack in the middle of a turn. */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
