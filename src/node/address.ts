/** Turns a host as in `net` into an address. The stack has no resolver: a number or `localhost`. */
import { Address } from '../ip/address.js';
import type { NetError } from './errors.js';

/** libuv's number for what getaddrinfo(3) calls EAI_NONAME. */
const UV_EAI_NONAME = -3008;

const LOCALHOST = Address.parse('127.0.0.1');

/**
 * The address of `host`. An IPv6 address may stand in brackets, as in a URL. Throws ENOTFOUND for a
 * name, as a failed look-up does.
 */
export function addressOf(host: string): Address {
  if (host === 'localhost') return LOCALHOST;
  const number = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  try {
    return Address.parse(number);
  } catch {
    const error = new Error(`getaddrinfo ENOTFOUND ${host}`) as NetError & { hostname: string };
    error.code = 'ENOTFOUND';
    error.errno = UV_EAI_NONAME;
    error.syscall = 'getaddrinfo';
    error.hostname = host;
    throw error;
  }
}
