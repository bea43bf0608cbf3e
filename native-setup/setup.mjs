// @ts-check
/**
 * Sets up a fresh clone; `npm start` and `npm test` run this first. It needs only Node, skips every
 * step that is up to date, and prints one line for each step that it runs.
 *
 *     node native-setup/setup.mjs          Node's version, the addon, node_modules, dist/
 *     node native-setup/setup.mjs --tun    the same, and checks that /dev/net/tun opens
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modulesAreCurrent, nodeProblem, npmCache, SetupError, tunProblem } from './checks.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  check(nodeProblem(process.versions.node, engines.node));
  if (process.argv.includes('--tun')) check(tunProblem());
  const { ensureAddon } = await import('./build.mjs');
  await ensureAddon();
  installModules();
  compile();
} catch (error) {
  if (!(error instanceof Error)) throw error;
  console.error(`tcplab: ${error.message}`);
  process.exitCode = 1;
}

/** @param {string | null} problem */
function check(problem) {
  if (problem !== null) throw new SetupError(problem);
}

function installModules() {
  if (modulesAreCurrent(root)) return;
  console.log('Installing the packages of package-lock.json (npm ci) ...');
  const cache = npmCache(join(root, 'build', 'npm-cache'), process.env);
  const env = cache === null ? process.env : { ...process.env, npm_config_cache: cache };
  const args = ['ci', '--no-audit', '--no-fund', '--update-notifier=false', '--loglevel=error'];
  const cli = process.env['npm_execpath'] ?? '';
  const [command, before] = cli.endsWith('npm-cli.js') ? [process.execPath, [cli]] : ['npm', []];
  const done = spawnSync(command, [...before, ...args], {
    cwd: root,
    env,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (done.status !== 0) {
    throw new SetupError(
      '`npm ci` failed for the reason above: fix it (is the network up?), then run this again',
    );
  }
}

/** Compiles src/ to dist/ when a source changed since the last time. */
function compile() {
  const dist = join(root, 'dist');
  const stamp = join(dist, '.sources');
  const hash = sourceHash();
  if (
    existsSync(join(dist, 'index.js')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === hash
  )
    return;
  console.log('Compiling src/ to dist/ (tsc) ...');
  // tsc compiles only what changed since its build info, so it would not restore deleted output.
  if (!existsSync(join(dist, 'index.js'))) rmSync(join(dist, '.tsbuildinfo'), { force: true });
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const done = spawnSync(process.execPath, [tsc, '-p', root], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (done.status !== 0) {
    throw new SetupError('src/ does not compile: fix the errors of tsc above, then run this again');
  }
  for (const file of filesIn(dist)) {
    const source = join(root, 'src', file.replace(/\.(js|d\.ts)(\.map)?$/, '.ts'));
    if (!file.startsWith('.') && !existsSync(source)) rmSync(join(dist, file)); // no source
  }
  writeFileSync(stamp, hash);
}

function sourceHash() {
  const hash = createHash('sha256');
  for (const file of [
    'tsconfig.json',
    'package-lock.json',
    ...filesIn(join(root, 'src')).map((f) => join('src', f)),
  ]) {
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(root, file)))
      .update('\0');
  }
  return hash.digest('hex');
}

/**
 * @param {string} folder
 * @returns {string[]} the files in it and in its subfolders, by their path relative to it
 */
function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort();
}
