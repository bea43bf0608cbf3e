/**
 * Finds names in /etc/hosts, which dns.lookup reads first too. The stack asks no name server, so a
 * name that is not in the file does not exist.
 */
import { readFile } from 'node:fs';
import { isIP } from 'node:net';
import type { Host } from './host.js';
import type { NetError } from './errors.js';

export interface LookupAddress {
  address: string;
  family: number;
}

export interface LookupOptions {
  family?: number | undefined;
  hints?: number | undefined;
  all?: boolean | undefined;
}

export type LookupCallback = (
  error: Error | null,
  address: string | LookupAddress[] | undefined,
  family?: number,
) => void;

/** The option `lookup` of `net.connect`: a function with dns.lookup's signature. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

/** libuv's number for what getaddrinfo(3) calls EAI_NONAME. */
const UV_EAI_NONAME = -3008;
const HOSTS_FILE = '/etc/hosts';
/** `localhost` has these addresses even if no file says so (RFC 6761 section 6.3). */
const LOCALHOST = ['::1', '127.0.0.1'];

/** `dns.lookup` for programs on `host`. */
export const lookupIn =
  (host: Host): Lookup =>
  (name, options, callback) => {
    if (isIP(name) !== 0) {
      process.nextTick(answer, name, [name], options, callback);
      return;
    }
    readFile(HOSTS_FILE, 'latin1', (_unreadable, text = '') => {
      answer(name, reachable(host, addressesIn(text, name)), options, callback);
    });
  };

/** The addresses of `name` in the text of a hosts file. */
export function addressesIn(text: string, name: string): string[] {
  const wanted = name.toLowerCase();
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (isIP(address) !== 0 && names.some((n) => n.toLowerCase() === wanted)) found.push(address);
  }
  return found.length === 0 && wanted === 'localhost' ? LOCALHOST : found;
}

/** IPv6 first if the stack has an IPv6 address, else last (RFC 6724 section 2.1, AI_ADDRCONFIG). */
function reachable(host: Host, addresses: string[]): string[] {
  const speaksV6 = host.stack.addresses.list.some((a) => a.version === 6);
  const [v6, v4] = [addresses.filter((a) => isIP(a) === 6), addresses.filter((a) => isIP(a) === 4)];
  if (speaksV6) return [...v6, ...v4];
  return v4.length > 0 ? v4 : v6;
}

function answer(
  name: string,
  addresses: string[],
  options: LookupOptions,
  callback: LookupCallback,
): void {
  const { family = 0, all = false } = options;
  const found = addresses
    .map((address) => ({ address, family: isIP(address) }))
    .filter((a) => family === 0 || a.family === family);
  const [first] = found;
  if (first === undefined) callback(notFound(name), undefined);
  else if (all) callback(null, found);
  else callback(null, first.address, first.family);
}

function notFound(hostname: string): Error {
  const error = new Error(`getaddrinfo ENOTFOUND ${hostname}`) as NetError & { hostname: string };
  error.errno = UV_EAI_NONAME;
  error.code = 'ENOTFOUND';
  error.syscall = 'getaddrinfo';
  error.hostname = hostname;
  return error;
}
