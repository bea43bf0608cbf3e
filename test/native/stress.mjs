// @ts-check
/**
 * `npm run stress:native [-- ROUNDS]`: a thousand rounds of inside/stress.mjs in a private network namespace, then fewer with the addon built for AddressSanitizer and
 * UndefinedBehaviorSanitizer. Prints what it found as JSON; exit code 1 when something was left over or a sanitizer spoke.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureAddon } from '../../native-setup/build.mjs';

const SCRIPT = fileURLToPath(new URL('inside/stress.mjs', import.meta.url));
const SANITIZE = ['-fsanitize=address,undefined', '-fno-omit-frame-pointer', '-O1'];
const SANITIZED_SHARE = 10;

const rounds = Number(process.argv[2] ?? 1000);
const sanitizedRounds = Number(process.argv[3] ?? Math.max(30, Math.ceil(rounds / SANITIZED_SHARE)));
const addon = await ensureAddon({ quiet: true, extraFlags: SANITIZE, name: 'tun-asan' });
const runtime = execFileSync(process.env['CC'] ?? 'cc', ['-print-file-name=libasan.so'], { encoding: 'utf8' }).trim();

const plain = run('plain', rounds, {});
// Node's own memory lives to the end of the process: leaks are counted by descriptors and handles here.
const sanitized = run('sanitized', sanitizedRounds, {
  TCPLAB_ADDON: join(addon),
  LD_PRELOAD: runtime,
  ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:exitcode=99',
  UBSAN_OPTIONS: 'halt_on_error=1:exitcode=98:print_stacktrace=1',
});
console.log(JSON.stringify({ plain, sanitized }));
process.exitCode = plain.clean && sanitized.clean ? 0 : 1;

/** @param {string} name @param {number} count @param {NodeJS.ProcessEnv} env */
function run(name, count, env) {
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const args = [
    ...user,
    '--net',
    'env',
    ...Object.entries(env).map(([k, v]) => `${k}=${v}`),
    process.execPath,
    SCRIPT,
    'run',
    String(count),
  ];
  const done = spawnSync('unshare', args, { encoding: 'utf8', timeout: 600_000 });
  if (done.status !== 0) {
    console.error(`${name}: exit code ${done.status}\n${done.stdout}\n${done.stderr}`);
    return { name, clean: false };
  }
  const found = JSON.parse(done.stdout);
  const same = found.before.descriptors === found.after.descriptors && found.before.handles === found.after.handles;
  return { name, clean: same && !/runtime error|AddressSanitizer/.test(done.stderr), ...found };
}
