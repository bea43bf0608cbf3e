// @ts-check
/**
 * `npm run script:kernel`: checks that the kernel behaves as our scripts expect. Each script is
 * played in real time against a socket of this machine's kernel, behind a TUN in a network
 * namespace of its own, with the runner and the comparisons of `tcplab script`.
 *
 *     npm run script:kernel                            all of test/scripts
 *     npm run script:kernel -- test/scripts/rto        a folder, or files
 *     npm run script:kernel -- --packets FILE          also prints the packets of a difference
 *     npm run script:kernel -- --lenient FILE          as packetdrill compares: packets left over
 *                                                      and timestamps are no difference
 *     npm run script:kernel -- --tolerance 500         how many ms times may differ, for a busy
 *                                                      machine; 20 by default
 *
 * Prints SAME, DIFFERENT or SKIP for each script. If we differ from Linux deliberately, the head of
 * the script says why (`// differs: ...`); docs/differences-from-linux.md lists these scripts. Exit
 * code 0 if exactly these scripts differ, 77 if no script could be played.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, wrongUsage } from '../tools/usage.mjs';
import { headOf } from './head.mjs';
import { wholeMachinesRmemMax, whyNotComparable } from './machine.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(dirname(here));
const WORLD = join(root, 'build', 'kernel-world');
/** The scripts' largest receive buffer: the third number of DEFAULTS.tcp_rmem. */
const SCRIPTS_RMEM = 15_728_640;
/** Most of a script's time is waiting. */
const AT_A_TIME = 8;
/** On a busy machine a packet may be late, so only a script that differs each time is different. */
const ATTEMPTS = 5;
const LONGEST_MS = 15 * 60_000;

/**
 * @typedef {{ outcome: 'PASS' | 'FAIL' | 'SKIP', reason: string, place: { line: number } | null,
 *   packets: string[], differences: { field: string, expected: string, actual: string }[] }}
 *   Verdict
 */

function compileWorld() {
  const source = join(here, 'kernel-world.c');
  if (existsSync(WORLD) && statSync(WORLD).mtimeMs > statSync(source).mtimeMs) return;
  mkdirSync(dirname(WORLD), { recursive: true });
  const done = spawnSync('cc', ['-O2', '-Wall', '-Wextra', '-pthread', '-o', WORLD, source], {
    stdio: 'inherit',
  });
  if (done.error)
    throw new Error(
      'there is no C compiler for kernel-world.c: sudo apt-get install build-essential',
    );
  if (done.status !== 0)
    throw new Error('kernel-world.c does not compile: the errors of cc are above');
}

/** @param {string[]} names */
function filesOf(names) {
  const all = names.length > 0 ? names : [join(root, 'test', 'scripts')];
  return all.flatMap((name) => {
    if (!existsSync(name)) wrongUsage(import.meta.url, `there is no file or folder ${name}`);
    if (!statSync(name).isDirectory()) return [name];
    const found = /** @type {string[]} */ (readdirSync(name, { recursive: true }));
    return found
      .filter((f) => f.endsWith('.pkt'))
      .sort()
      .map((f) => join(name, f));
  });
}

/** @param {string} file @returns {Promise<Verdict>} */
function playOnce(file) {
  // A high priority, if we may set one, so that packets are seen on time on a busy machine, too.
  const isRoot = process.getuid?.() === 0;
  const how = isRoot ? ['--net', 'nice', '-n', '-15'] : ['--map-root-user', '--net'];
  const play = [
    join(here, 'play.mjs'),
    file,
    options.tolerance,
    ...(options.lenient ? ['--lenient'] : []),
  ];
  const child = spawn('unshare', [...how, WORLD, process.execPath, ...play], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST_MS,
    env: { ...process.env, TCPLAB_RMEM_MAX: String(wholeMachinesRmemMax()) },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (/** @type {Buffer} */ chunk) => (out += chunk.toString()));
  child.stderr.on('data', (/** @type {Buffer} */ chunk) => (err += chunk.toString()));
  return new Promise((done, fail) => {
    child.on('error', (e) =>
      fail(new Error(`unshare cannot be run (${e.message}): sudo apt-get install util-linux`)),
    );
    child.on('close', (code) => {
      if (code === 0 && out !== '') done(JSON.parse(out));
      else fail(new Error(`${file} could not be played (exit code ${code}):\n${err}`));
    });
  });
}

/** @param {string} file @returns {Promise<Verdict>} */
async function play(file) {
  let verdict = await playOnce(file);
  for (let i = 1; i < ATTEMPTS && verdict.outcome === 'FAIL'; i++) verdict = await playOnce(file);
  if (verdict.outcome !== 'FAIL') return verdict;
  const reason = whyNotComparable(verdict.differences, wholeMachinesRmemMax(), SCRIPTS_RMEM);
  return reason === null ? verdict : { ...verdict, outcome: 'SKIP', reason };
}

/** The reason for a deliberate difference, or ''. @param {string} file */
const meantToDiffer = (file) => headOf(readFileSync(file, 'utf8')).differs;

/** @param {string} file @param {Verdict} v @param {boolean} withPackets */
function tell(file, v, withPackets) {
  const meant = meantToDiffer(file);
  const where = v.place === null ? file : `${file}:${v.place.line}`;
  if (v.outcome === 'PASS') {
    console.log(
      meant === '' ? `SAME ${file}` : `SAME ${file}: but its head says that it differs: ${meant}`,
    );
  } else if (v.outcome === 'SKIP') {
    console.log(`SKIP ${where}: ${v.reason}`);
  } else {
    console.log(`DIFFERENT ${where}: ${meant === '' ? v.reason : `as meant: ${meant}`}`);
    if (meant !== '') return;
    for (const d of v.differences)
      console.log(`    ${d.field}: the script says ${d.expected}, the kernel ${d.actual}`);
    if (withPackets) for (const line of v.packets) console.log(`    ${line}`);
  }
}

const { values: options, positionals } = commandLine(import.meta.url, {
  allowPositionals: true,
  // For jiffies of up to 10 ms and the delays of a busy machine.
  options: {
    packets: { type: 'boolean', default: false },
    lenient: { type: 'boolean', default: false },
    tolerance: { type: 'string', default: '20' },
  },
});
if (!/^[1-9]\d{0,4}$/.test(options.tolerance))
  wrongUsage(import.meta.url, '--tolerance is a number of milliseconds');
compileWorld();
const files = filesOf(positionals);
/** @type {Map<string, Verdict>} */
const verdicts = new Map();
const waiting = [...files];
let told = 0;
await Promise.all(
  Array.from({ length: AT_A_TIME }, async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      verdicts.set(file, await play(file));
      // In the order of the files, each as soon as possible.
      for (let next = files[told]; next !== undefined; next = files[++told]) {
        const verdict = verdicts.get(next);
        if (verdict === undefined) break;
        tell(next, verdict, options.packets);
      }
    }
  }),
);
const count = (/** @type {(file: string, v: Verdict) => boolean} */ test) =>
  [...verdicts].filter(([file, v]) => test(file, v)).length;
const same = count((_, v) => v.outcome === 'PASS');
const meant = count((file, v) => v.outcome === 'FAIL' && meantToDiffer(file) !== '');
const different = count((file, v) => v.outcome === 'FAIL' && meantToDiffer(file) === '');
const outdated = count((file, v) => v.outcome === 'PASS' && meantToDiffer(file) !== '');
const skipped = count((_, v) => v.outcome === 'SKIP');
console.log(
  `Linux ${release()}: ${same} the same, ${different} different, ${meant} different as ` +
    `meant, ${skipped} skipped`,
);
process.exitCode = different + outdated > 0 ? 1 : same + meant > 0 ? 0 : 77;
