// @ts-check
/**
 * Checks what a machine needs before the setup. A failed check returns one sentence: what happened,
 * why, and the command that fixes it. This file has no dependencies because it runs before
 * `npm ci`, and an old Node can parse it.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** A problem that the user can solve. Its message is printed without a stack trace. */
export class SetupError extends Error {}

/**
 * @param {string} version as in `process.versions.node`
 * @param {string} range `engines.node` of package.json, of the form `>=MAJOR.MINOR`
 * @returns {string | null} the sentence, or null if this Node is new enough
 */
export function nodeProblem(version, range) {
  const [major = 0, minor = 0] = numbers(version);
  const [needMajor = 0, needMinor = 0] = numbers(range);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return null;
  return (
    `tcplab needs Node ${needMajor}.${needMinor} or newer, but this is ${version}: install a ` +
    'newer one with `nvm install 22` or from https://nodejs.org/en/download'
  );
}

/** @param {string} text */
const numbers = (text) => (text.match(/\d+/g) || []).map(Number);

/**
 * Checks whether this process can open the TUN device node. Creating a network device also needs
 * CAP_NET_ADMIN or a private user namespace; `tcplab doctor` checks those.
 *
 * @param {string} [path]
 * @param {(path: string, flags: string) => number} [open] for tests
 * @returns {string | null}
 */
export function tunProblem(path = '/dev/net/tun', open = openSync) {
  try {
    closeSync(open(path, 'r+'));
    return null;
  } catch (error) {
    const code = /** @type {NodeJS.ErrnoException} */ (error).code;
    const inContainer = 'in a container, start it with `--device /dev/net/tun --cap-add NET_ADMIN`';
    switch (code) {
      case 'ENOENT':
        return (
          `${path} does not exist, so no TUN device can be opened: load the kernel's TUN driver ` +
          `with \`sudo modprobe tun\`, or ${inContainer}`
        );
      case 'ENODEV':
      case 'ENXIO':
        return (
          `${path} exists, but the kernel's TUN driver is not loaded (${code}): load it with ` +
          `\`sudo modprobe tun\``
        );
      case 'EACCES':
        return (
          `this user has no permission to open ${path} (EACCES): allow all users with \`sudo ` +
          `chmod 0666 ${path}\`, or run this command as root`
        );
      case 'EPERM':
        return `the container does not allow opening ${path} (EPERM): ${inContainer}`;
      default:
        return `${path} cannot be opened (${String(code)}): inspect it with \`ls -l ${path}\``;
    }
  }
}

/**
 * Whether node_modules has the packages of package-lock.json, by npm's own record of what it
 * installed (node_modules/.package-lock.json).
 *
 * @param {string} root
 */
export function modulesAreCurrent(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null || installed === null) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return (
    // Optional packages may be missing, because they are for other platforms.
    names.every(
      (name) =>
        installed[name]?.version === wanted[name]?.version ||
        (wanted[name]?.optional && !installed[name]),
    ) &&
    // A recorded folder may be missing after an interrupted install or a manual deletion.
    Object.keys(installed).every((name) => name in wanted && existsSync(join(root, name)))
  );
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }> | null}
 */
function packagesOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages;
  } catch {
    return null;
  }
}

/**
 * Where npm keeps its cache: null for npm's default, or `fallback` if that is not writable (HOME is
 * unset or belongs to another user).
 *
 * @param {string} fallback
 * @param {Record<string, string | undefined>} env
 */
export function npmCache(fallback, env) {
  const home = env['HOME'] === undefined ? homedir() : env['HOME'];
  const own = env['npm_config_cache'] || (home === '' ? '' : join(home, '.npm'));
  return own !== '' && canWrite(own) ? null : fallback;
}

/** @param {string} path a directory that exists or can be created */
function canWrite(path) {
  for (let p = path; ; p = dirname(p)) {
    try {
      accessSync(p, constants.W_OK | constants.X_OK);
      return true;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT' || p === dirname(p))
        return false;
    }
  }
}
