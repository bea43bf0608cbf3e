// @ts-check
/**
 * The only list of the programs that tests need besides curl and iproute2, and of the packages
 * that `npm test -- --install`, CI=true and .ci/run install. A test that uses one calls
 * `needs('tshark')` (needs.ts).
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * @typedef {object} Tool
 * @property {string} pkg its Debian package
 * @property {string} proves what is not tested without it
 * @property {{ args: string[], says: RegExp }} [is] how to recognise the right program
 */

/** @type {Record<string, Tool>} */
export const TOOLS = {
  nc: {
    pkg: 'netcat-openbsd',
    proves: "the kernel's nc as client and server",
    is: { args: ['-h'], says: /OpenBSD/ },
  },
  ping: {
    pkg: 'iputils-ping',
    proves: 'echo requests of the kernel',
    is: { args: ['-V'], says: /iputils/ },
  },
  tshark: { pkg: 'tshark', proves: 'captures and packets, as Wireshark reads them' },
  tcpdump: { pkg: 'tcpdump', proves: 'captures and packets, as libpcap reads them' },
  wget: { pkg: 'wget', proves: 'wget' },
  ab: { pkg: 'apache2-utils', proves: 'ApacheBench' },
  wrk: { pkg: 'wrk', proves: 'wrk' },
  hping3: { pkg: 'hping3', proves: 'SYN floods and garbage' },
  openssl: { pkg: 'openssl', proves: 'https and http2 over TLS on our sockets' },
  zsh: { pkg: 'zsh', proves: 'completion in zsh' },
  fish: { pkg: 'fish', proves: 'completion in fish' },
  nmap: { pkg: 'nmap', proves: 'scans, and what they report about our sequence numbers' },
};

/** Every test with the kernel needs these. `npm test` itself also needs a compiler and curl. */
export const BASE = ['build-essential', 'curl', 'iproute2', 'util-linux'];

/** @type {Map<string, boolean>} */
const known = new Map();

/** Whether the program is in the PATH and is the right one. @param {string} name */
export function hasTool(name) {
  let found = known.get(name);
  if (found === undefined) known.set(name, (found = isThere(name)));
  return found;
}

/** @param {string} name */
function isThere(name) {
  const path = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name));
  if (!path.some(mayRun)) return false;
  const is = TOOLS[name]?.is;
  if (is === undefined) return true;
  const { stdout, stderr } = spawnSync(name, is.args, { encoding: 'utf8', timeout: 5000 });
  return is.says.test(stdout + stderr);
}

/** @param {string} file */
function mayRun(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {Iterable<string>} names of tools, in any order */
export function packagesOf(names) {
  const wanted = new Set(names);
  return Object.entries(TOOLS)
    .filter(([name]) => wanted.has(name))
    .map(([, { pkg }]) => pkg);
}

/** The command that installs the packages. @param {readonly string[]} packages */
export const aptCommand = (packages) =>
  `sudo apt-get install -y --no-install-recommends ${packages.join(' ')}`;

/** Whether CI is set, to `true` or another value. @param {NodeJS.ProcessEnv} env */
export const inCI = (env = process.env) => !['', '0', 'false'].includes(env['CI'] ?? '');

/**
 * Adds the `sbin` of each `bin` to a PATH. Debian has hping3 there, which is not in the PATH of
 * ordinary users.
 *
 * @param {string} path
 */
export function withSbin(path) {
  const folders = path.split(delimiter);
  const sbin = folders.filter((f) => /(^|\/)bin$/.test(f)).map((f) => f.replace(/bin$/, 'sbin'));
  return [...folders, ...sbin.filter((f) => !folders.includes(f))].join(delimiter);
}
