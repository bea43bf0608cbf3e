// @ts-check
/**
 * `npm test`: sets up what is missing (native-setup/setup.mjs) and runs the tests.
 *
 *     npm test                         all tests; the last line names missing tools
 *     npm test -- --install            installs the missing tools first; so does CI=true
 *     npm test -- test/tcp -t window   other arguments go to vitest: files, folders, a name
 *
 * Tests whose tools are missing are skipped, except in CI, where a missing tool is a failure. Tools
 * are installed with apt-get, as root or with sudo if it needs no password.
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asRoot, install } from './tools/install.mjs';
import { inCI } from './tools/list.mjs';
import { helpIfAsked } from './tools/usage.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
helpIfAsked(import.meta.url, args);

const asked = args.includes('--install');
if (asked || (inCI() && asRoot() !== null)) {
  const why = install();
  if (why !== null) console.error(`tcplab: ${why}`);
  // What CI cannot install makes its tests fail, each with a sentence.
  if (why !== null && asked) process.exit(1);
}

/** @param {string[]} command */
function node(...command) {
  const { status, error } = spawnSync(process.execPath, command, { cwd: root, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

node('native-setup/setup.mjs');
const vitest = join('node_modules', 'vitest', 'vitest.mjs');
node(
  vitest,
  'run',
  '--config',
  '.ci/vitest.config.ts',
  ...args.filter((arg) => arg !== '--install'),
);
