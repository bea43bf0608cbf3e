// @ts-check
/**
 * The driver under stress, in a private network namespace: as it is, and compiled with
 * AddressSanitizer and UndefinedBehaviorSanitizer.
 *
 *     npm run stress:native                1,000 rounds
 *     npm run stress:native -- 50          as many as you say
 *
 * Prints a line of JSON for each of the two; exit code 0 when nothing was found and nothing is left
 * open. Memory that the driver allocated and lost is looked for too: the leak checker reports all
 * of Node's own, so only what the driver's functions allocated counts.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTestAddon } from '../../native-setup/build.mjs';
import { commandLine, wrongUsage } from '../tools/usage.mjs';

const [rounds = '1000', ...more] = commandLine(import.meta.url, {
  allowPositionals: true,
  options: {},
}).positionals;
if (!/^[1-9]\d{0,5}$/.test(rounds) || more.length > 0)
  wrongUsage(import.meta.url, 'ROUNDS is a number up to 999999');
const inside = fileURLToPath(new URL('inside/stress.mjs', import.meta.url));
const SANITIZE = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-fno-omit-frame-pointer',
  '-O1',
];
/** Allocated by the driver, or by what it called of Node's. */
const OURS = /^ *#[1-4] .*(?:native-setup\/|tun-asan\.node)/m;
const WRONG = /ERROR: AddressSanitizer|runtime error/;
const reports = mkdtempSync(join(tmpdir(), 'tcplab-stress-'));

/** @param {NodeJS.ProcessEnv} env */
function stress(env) {
  const outer = process.getuid?.() === 0 ? ['--net'] : ['--map-root-user', '--net'];
  // The sanitizer is preloaded into Node alone: `unshare` before it and `ip` after it do without.
  const node = ['env', ...Object.entries(env).map(([k, v]) => `${k}=${v}`), process.execPath];
  const done = spawnSync('unshare', [...outer, ...node, '--expose-gc', inside, 'run', rounds], {
    encoding: 'utf8',
    timeout: 600_000,
    maxBuffer: 1 << 26,
  });
  console.log(done.stdout.trim());
  const found = done.status === 0 ? JSON.parse(done.stdout) : null;
  if (found === null || Object.values(found.more).some((n) => n > 0)) {
    console.error(done.error ?? done.stderr.slice(-4000));
    process.exitCode = 1;
  }
  return found;
}

try {
  stress({ TCPLAB_ADDON: await ensureTestAddon({ quiet: true }) });
  const library = execFileSync(process.env['CC'] ?? 'cc', ['-print-file-name=libasan.so'], {
    encoding: 'utf8',
  }).trim();
  const found = stress({
    LD_PRELOAD: library,
    TCPLAB_ADDON: await ensureTestAddon({ quiet: true, extraFlags: SANITIZE, name: 'tun-asan' }),
    ASAN_OPTIONS: [
      `log_path=${join(reports, 'asan')}`,
      'exitcode=0:abort_on_error=0:halt_on_error=1:detect_leaks=1',
    ].join(':'),
    UBSAN_OPTIONS: `log_path=${join(reports, 'ubsan')}:print_stacktrace=1`,
  });
  if (found !== null && !found.sanitized) {
    console.error('the sanitizer was not loaded');
    process.exitCode = 1;
  }
  for (const file of readdirSync(reports)) {
    const text = readFileSync(join(reports, file), 'utf8');
    for (const report of text.split(/\n\n/)) {
      const leak = /^(?:Direct|Indirect) leak/m.test(report);
      // Node 20 frees the wrapper of an external only with the garbage, so a worker's last ones
      // stay: not the driver's.
      if (
        leak
          ? !OURS.test(report) || report.includes('in napi_create_external')
          : !WRONG.test(report)
      )
        continue;
      console.error(report);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(reports, { recursive: true, force: true });
}
