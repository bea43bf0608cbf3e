// @ts-check
/**
 * Builds the addon: six C files, one call of the C compiler, against the headers that stand beside
 * the running Node. Nothing is downloaded, and nothing is done when sources, headers and flags are
 * what they were last time.
 *
 *     node native-setup/build.mjs                        build/Release/tun.node
 *     TCPLAB_TEST_ADDON=1 node native-setup/build.mjs    build/Release/tun-test.node, which tests load
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
 * What only tests call: read into addon.c where TCPLAB_TEST_ADDON is defined, and not part of the
 * package.
 */
const TEST_FUNCTIONS = join(dirname(here), 'test', 'native', 'test-functions.c');

/**
 * Compiles the addon unless it is there already.
 *
 * @param {{ quiet?: boolean, env?: NodeJS.ProcessEnv, execPath?: string, extraFlags?: string[],
 *   name?: string }} [options] `extraFlags` and `name` make a variant beside the real one, with
 *   sanitizers say
 * @returns {Promise<string>} its path
 * @throws {SetupError} one sentence: what is missing, and what to type
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
  // Written beside and moved: a process that has the old one loaded keeps it whole.
  const fresh = `${target}.${process.pid}`;
  const args = [...flags, `-I${include}`, '-o', fresh, ...SOURCES.map((file) => join(here, file))];
  const done = spawnSync(compiler, args, { encoding: 'utf8', env });
  if (done.error !== undefined) throw new SetupError(noCompiler(compiler, done.error));
  if (done.status !== 0) {
    throw new SetupError(
      `${compiler} could not compile the TUN driver: it says\n${done.stderr}is its C library ` +
        `there? \`sudo apt-get install build-essential\``,
    );
  }
  renameSync(fresh, target);
  writeFileSync(stamp, wanted);
  return target;
}

/**
 * The addon with the functions that only tests call, beside the real one. Name it in TCPLAB_ADDON
 * to have a process load it.
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
    ? `there is no C compiler \`${compiler}\`, and the TUN driver is C: install one with ` +
      `\`sudo apt-get install build-essential\` (Debian, Ubuntu) or \`sudo dnf install gcc\` ` +
      '(Fedora)'
    : `the C compiler \`${compiler}\` cannot be started (${error.message}): name another with ` +
      'CC=gcc';

/**
 * `<prefix>/include/node` of the running Node: those headers fit it, others may not.
 *
 * @param {string} execPath
 */
function headersBeside(execPath) {
  const include = join(dirname(dirname(realpathSync(execPath))), 'include', 'node');
  for (const file of ['node_api.h', 'uv.h']) {
    if (existsSync(join(include, file))) continue;
    throw new SetupError(
      `Node's header ${join(include, file)} is not there, and the TUN driver is compiled ` +
        'against the headers of the Node that runs it: ' +
        'install them with `sudo apt-get install libnode-dev` for a Node of Debian, or use a Node from https://nodejs.org/en/download, which brings them',
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
