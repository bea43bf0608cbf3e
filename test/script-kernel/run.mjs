// @ts-check
/**
 * `npm run script:kernel`: checks that the kernel behaves as our scripts say. Each script is played
 * against a socket of this machine's kernel, behind a TUN in a network namespace of its own, in
 * real time, by the runner and the comparisons that `tcplab script` has.
 *
 *     npm run script:kernel                            all of test/scripts
 *     npm run script:kernel -- test/scripts/rto        a folder, or files
 *     npm run script:kernel -- --packets FILE          and the packets of what differs
 *     npm run script:kernel -- --lenient FILE          as packetdrill compares: packets left over
 *                                                      and timestamps are no difference
 *     npm run script:kernel -- --tolerance 500         ms that times may differ by on a busy
 *                                                      machine; else 20
 *
 * SAME, DIFFERENT or SKIP for each. A script in which we mean to differ says why in its head
 * (`// differs: ...`): docs/differences-from-linux.md lists them. Exit code 0 when nothing else
 * differs and each of these does; 77 when nothing could be played.
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
/** The most of a receive buffer that the scripts have: the third number of DEFAULTS.tcp_rmem. */
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
  if (done.status !== 0) throw new Error('kernel-world.c does not compile: cc says above why');
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
  // Packets shall be seen when they are sent, whatever else the machine does: as far as we may say
  // so.
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

/** Why a script's author means it to differ, or ''. @param {string} file */
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
  // Jiffies of up to 10 ms, and a machine that has other things to do.
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
      // In the order of the files, each as soon as it can be.
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
