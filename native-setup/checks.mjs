// @ts-check
/**
 * What a machine must have before anything can be set up, each with one sentence when it lacks it:
 * what happened, why, and what to type. No dependencies, and nothing that an old Node could not
 * parse: this runs before `npm ci`.
 */
import { accessSync, closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/**
 * A problem that the person at the keyboard can solve; its message is the sentence to print,
 * without a stack trace.
 */
export class SetupError extends Error {}

/**
 * @param {string} version as in `process.versions.node`
 * @param {string} range `engines.node` of package.json, of the form `>=MAJOR.MINOR`
 * @returns {string | null} the sentence, or null when this Node will do
 */
export function nodeProblem(version, range) {
  const [major = 0, minor = 0] = numbers(version);
  const [needMajor = 0, needMinor = 0] = numbers(range);
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return null;
  return `tcplab needs Node ${needMajor}.${needMinor} or newer and this is ${version}: install a newer one, for example with \`nvm install 22\` or from https://nodejs.org/en/download`;
}

/** @param {string} text */
const numbers = (text) => (text.match(/\d+/g) || []).map(Number);

/**
 * May this process open the TUN device node? (Making a network device with it needs a capability
 * too, or a private user namespace; `tcplab doctor` looks at those.)
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
          `there is no ${path}, the kernel's door for packets: load its driver with \`sudo ` +
          `modprobe tun\`, or ${inContainer}`
        );
      case 'ENODEV':
      case 'ENXIO':
        return (
          `${path} is there but the kernel has no TUN driver behind it (${code}): load it with ` +
          `\`sudo modprobe tun\``
        );
      case 'EACCES':
        return (
          `this user may not open ${path} (EACCES): let every user open it with \`sudo chmod ` +
          `0666 ${path}\`, or run this command as root`
        );
      case 'EPERM':
        return `the container forbids opening ${path} (EPERM): ${inContainer}`;
      default:
        return `${path} cannot be opened (${String(code)}): look at it with \`ls -l ${path}\``;
    }
  }
}

/**
 * Is what stands in node_modules what package-lock.json asks for? npm notes there what it
 * installed.
 *
 * @param {string} root
 */
export function modulesAreCurrent(root) {
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === null || installed === null) return false;
  const names = Object.keys(wanted).filter((name) => name !== '');
  return (
    // What is optional may be missing: it is for another machine.
    names.every(
      (name) =>
        installed[name]?.version === wanted[name]?.version ||
        (wanted[name]?.optional && !installed[name]),
    ) &&
    // A folder may be gone although npm's note still names it: an install was cut off, or somebody
    // tidied up.
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
 * Where npm shall keep its cache: null for where it does by itself, or `fallback` when it could not
 * write there (no HOME, or one that belongs to somebody else).
 *
 * @param {string} fallback
 * @param {Record<string, string | undefined>} env
 */
export function npmCache(fallback, env) {
  const home = env['HOME'] === undefined ? homedir() : env['HOME'];
  const own = env['npm_config_cache'] || (home === '' ? '' : join(home, '.npm'));
  return own !== '' && canWrite(own) ? null : fallback;
}

/** @param {string} path a directory that is there, or can be made */
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
