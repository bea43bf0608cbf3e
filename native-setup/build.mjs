// @ts-check
/**
 * Builds the addon: six C files in one call of the C compiler, with the headers of the running
 * Node. Downloads nothing, and does nothing if sources, headers and flags have not changed.
 *
 *     node native-setup/build.mjs                        build/Release/tun.node
 *     TCPLAB_TEST_ADDON=1 node native-setup/build.mjs    build/Release/tun-test.node, for tests
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupError } from './checks.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = join(dirname(here), 'build', 'Release');
const SOURCES = [
  'addon.c',
  'tun-open.c',
  'netlink.c',
  'batch.c',
  'receive-offload.c',
  'slab-pool.c',
];
const TEST_FLAG = '-DTCPLAB_TEST_ADDON';
const FLAGS = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-O2',
  '-g',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-fPIC',
  '-shared',
];

/**
 * Functions that only tests call. addon.c includes them where TCPLAB_TEST_ADDON is defined; they
 * are not part of the package.
 */
const TEST_FUNCTIONS = join(dirname(here), 'test', 'native', 'test-functions.c');

/**
 * Compiles the addon unless it is up to date.
 *
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv, execPath?: string, extraFlags?: string[],
 *   name?: string }} [options] `extraFlags` and `name` make a variant beside the real one, for
 *   example with sanitizers
 * @returns {Promise<string>} its path
 * @throws {SetupError} one sentence: what is missing, and the command that fixes it
 */
export async function ensureAddon(options = {}) {
  const {
    quiet = false,
    env = process.env,
    execPath = process.execPath,
    extraFlags = [],
    name = 'tun',
  } = options;
  const include = headersBeside(execPath);
  const compiler = env['CC'] || 'cc';
  const flags = [...FLAGS, ...extraFlags];
  const hash = createHash('sha256');
  for (const file of [...SOURCES, 'native.h']) hash.update(readFileSync(join(here, file)));
  if (flags.includes(TEST_FLAG)) hash.update(readFileSync(TEST_FUNCTIONS));
  hash
    .update(readFileSync(join(include, 'node_version.h')))
    .update(JSON.stringify([compiler, flags, include]));
  const wanted = hash.digest('hex');
  const target = join(out, `${name}.node`);
  const stamp = join(out, `${name}.hash`);
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted)
    return target;
  if (!quiet) console.log('Compiling the TUN driver (native-setup/*.c) ...');
  mkdirSync(out, { recursive: true });
  // Written to another name and renamed, because a process may have the old file loaded.
  const fresh = `${target}.${process.pid}`;
  const args = [...flags, `-I${include}`, '-o', fresh, ...SOURCES.map((file) => join(here, file))];
  const done = spawnSync(compiler, args, { encoding: 'utf8', env });
  if (done.error !== undefined) throw new SetupError(noCompiler(compiler, done.error));
  if (done.status !== 0) {
    throw new SetupError(
      `${compiler} could not compile the TUN driver:\n${done.stderr}If headers or the C library ` +
        `are missing, install them with \`sudo apt-get install build-essential\``,
    );
  }
  renameSync(fresh, target);
  writeFileSync(stamp, wanted);
  return target;
}

/**
 * Compiles the addon with the functions that only tests call, beside the real one. A process loads
 * it if TCPLAB_ADDON is its path.
 *
 * @param {Parameters<typeof ensureAddon>[0]} [options]
 */
export const ensureTestAddon = (options = {}) =>
  ensureAddon({
    ...options,
    extraFlags: [...(options.extraFlags ?? []), TEST_FLAG],
    name: options.name ?? 'tun-test',
  });

/**
 * @param {string} compiler
 * @param {Error} error
 */
const noCompiler = (compiler, error) =>
  /** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT'
    ? `the C compiler \`${compiler}\`, which compiles the TUN driver, is not installed: install ` +
      'it with `sudo apt-get install build-essential` (Debian, Ubuntu) or ' +
      '`sudo dnf install gcc` (Fedora)'
    : `the C compiler \`${compiler}\` cannot be started (${error.message}): choose ` +
      'another one with `CC=gcc npm start`';

/**
 * Returns `<prefix>/include/node` of the running Node. Headers of another version may not match it.
 *
 * @param {string} execPath
 */
function headersBeside(execPath) {
  const include = join(dirname(dirname(realpathSync(execPath))), 'include', 'node');
  for (const file of ['node_api.h', 'uv.h']) {
    if (existsSync(join(include, file))) continue;
    throw new SetupError(
      `Node's header ${join(include, file)} is missing, but the TUN driver is compiled with the ` +
        "headers of the running Node: for Debian's Node install them with " +
        '`sudo apt-get install libnode-dev`, or use Node from ' +
        'https://nodejs.org/en/download, which includes them',
    );
  }
  return include;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const ensure = process.env['TCPLAB_TEST_ADDON'] === '1' ? ensureTestAddon : ensureAddon;
  ensure().catch((/** @type {unknown} */ error) => {
    if (!(error instanceof SetupError)) throw error;
    console.error(`tcplab: ${error.message}`);
    process.exitCode = 1;
  });
}
