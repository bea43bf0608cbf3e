// @ts-check
/**
 * Installs the tools of the tests that are missing, with apt-get: as root, or if sudo needs no
 * password.
 *
 *     node test/tools/install.mjs
 *
 * Exit code 0 if all tools are present, 1 with one sentence otherwise.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { aptCommand, BASE, packagesOf, TOOLS } from './list.mjs';

const LOG = fileURLToPath(new URL('../../build/apt.log', import.meta.url));

/**
 * The prefix of a command that needs root; null if this user cannot run one. @returns {string[] |
 * null}
 */
export function asRoot() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0
    ? ['sudo', '-n']
    : null;
}

/** @param {string} name */
function isInstalled(name) {
  const asked = spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' });
  return asked.status === 0 && asked.stdout.includes('ok installed');
}

/** @param {string[]} root @param {string[]} args */
function apt(root, args) {
  const quiet = ['-qq', '-o', 'DPkg::Lock::Timeout=120'];
  const [command = '', ...rest] = [
    ...root,
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    ...quiet,
    ...args,
  ];
  const done = spawnSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  writeFileSync(LOG, `${args.join(' ')}\n${done.stdout}${done.stderr}`, { flag: 'a' });
  return done.status === 0;
}

/** @returns {string | null} why a tool is still missing, and what to do */
export function install() {
  const missing = [...BASE, ...packagesOf(Object.keys(TOOLS))].filter((name) => !isInstalled(name));
  if (missing.length === 0) return null;
  const byHand = `install them by hand: ${aptCommand(missing)}`;
  const root = asRoot();
  if (root === null)
    return (
      'this user may not install packages (neither root, nor sudo without a password): ' +
      `${byHand}`
    );
  if (spawnSync('apt-get', ['--version']).error) {
    return (
      "this machine has no apt-get: install with the system's package manager what Debian calls " +
      `${missing.join(' ')}`
    );
  }
  console.log(`Installing ${missing.join(' ')} (apt-get) ...`);
  mkdirSync(fileURLToPath(new URL('../../build', import.meta.url)), { recursive: true });
  writeFileSync(LOG, '');
  apt(root, ['update']); // without a network an old list may be sufficient
  if (apt(root, ['install', '-y', '--no-install-recommends', ...missing])) return null;
  return (
    `apt-get could not install ${missing.join(' ')} (build/apt.log says why):\n` +
    `${readFileSync(LOG, 'utf8').trim()}`
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const why = install();
  if (why !== null) console.error(`tcplab: ${why}`);
  process.exitCode = why === null ? 0 : 1;
}
