// @ts-check
/**
 * Checks that each mutant's test fails when the mutant is applied.
 *
 *     npm run mutants                      all of them (some minutes)
 *     npm run mutants -- MUST-13 MUST-58   those of some rules, by the ids of docs/rfc-coverage.md
 *                                          and test/attacks/mutants.ts
 *
 * No file changes: a Vite plugin (.ci/mutation.ts) changes the code that the tests load. Each
 * mutant runs in its own process, because a broken rule can cause an infinite loop. There is one
 * process for each core. First all tests run unchanged, because a test that fails without a mutant
 * proves nothing.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { commandLine, wrongUsage } from '../tools/usage.mjs';
import { locate } from './locate.mjs';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const wanted = new Set(
  commandLine(import.meta.url, { allowPositionals: true, options: {} }).positionals,
);
const scratch = mkdtempSync(join(tmpdir(), 'tcplab-mutants-'));
/**
 * A mutant that still runs after this time is in an infinite loop, provided that its test ends in
 * this time without the mutant.
 */
const LIMIT_MS = 60_000;

/** @typedef {import('./mutants.js').Mutant} Mutant */
/** @typedef {import('../../.ci/mutation.js').Mutation} Mutation */
/**
 * @typedef {{ status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo', fullName: string,
 *   failureMessages: string[] }} TestResult
 */
/** @typedef {{ tests: TestResult[], broken: string, timedOut: boolean }} Run */

/** @returns {Promise<readonly Mutant[]>} */
async function mutants() {
  const { default: ts } = await import('typescript');
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
  writeFileSync(join(scratch, 'package.json'), '{ "type": "module" }');
  /** @param {string} folder */
  const load = async (folder) => {
    const source = readFileSync(join(root, 'test', folder, 'mutants.ts'), 'utf8');
    mkdirSync(join(scratch, folder));
    const compiled = join(scratch, folder, 'mutants.js');
    writeFileSync(compiled, ts.transpileModule(source, { compilerOptions }).outputText);
    return () => import(pathToFileURL(compiled).href);
  };
  const [ours, attacks] = [await load('requirements'), await load('attacks')];
  return [...(await ours()).MUTANTS, ...(await attacks()).ATTACK_MUTANTS];
}

let runs = 0;

/**
 * @param {string[]} files
 * @param {string | null} name
 * @param {Mutation | null} change
 * @returns {Promise<Run>}
 */
function run(files, name, change) {
  const output = join(scratch, `${runs++}.json`);
  const args = [
    'run',
    '--config',
    '.ci/vitest.config.ts',
    '--project',
    'core',
    '--reporter=json',
    `--outputFile=${output}`,
  ];
  if (name !== null) args.push('-t', name);
  const env = {
    ...process.env,
    CI: '',
    NO_COLOR: '1',
    TCPLAB_MUTANT: change === null ? '' : JSON.stringify(change),
  };
  const child = spawn(process.execPath, [vitest, ...args, ...files], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (/** @type {Buffer} */ text) => (said += text));
  child.stderr.on('data', (/** @type {Buffer} */ text) => (said += text));
  return new Promise((done) => {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, LIMIT_MS);
    child.on('close', () => {
      clearTimeout(timer);
      if (timedOut) return done({ tests: [], broken: '', timedOut });
      try {
        const { testResults } = JSON.parse(readFileSync(output, 'utf8'));
        const broken = testResults
          .map((/** @type {{ message: string }} */ file) => file.message)
          .join('\n');
        done({
          tests: testResults.flatMap(
            (/** @type {{ assertionResults: TestResult[] }} */ file) => file.assertionResults,
          ),
          broken,
          timedOut,
        });
      } catch {
        done({ tests: [], broken: said, timedOut });
      }
    });
  });
}

/**
 * @param {Mutant} mutant @param {Mutation} change @param {readonly TestResult[]} baseline @returns
 *   {Promise<{ killed: boolean, why: string }>}
 */
async function judge(mutant, change, baseline) {
  const name = new RegExp(mutant.name);
  const before = baseline.filter((test) => name.test(test.fullName));
  if (before.length === 0) return { killed: false, why: `no test matches /${mutant.name}/` };
  const sick = before.find((test) => test.status !== 'passed');
  if (sick !== undefined)
    return { killed: false, why: `fails without the mutant: ${sick.fullName}` };
  const { tests, broken, timedOut } = await run([mutant.test], mutant.name, change);
  if (timedOut) {
    const { timedOut: isBusy } = await run([mutant.test], mutant.name, null);
    const why = isBusy
      ? `the test takes ${LIMIT_MS / 1000} s without the mutant, too: the machine is busy`
      : 'did not end';
    return { killed: !isBusy, why };
  }
  const failed = tests.find((test) => test.status === 'failed');
  if (failed !== undefined)
    return { killed: true, why: failed.failureMessages[0]?.split('\n')[0] ?? '' };
  if (tests.some((test) => test.status === 'passed'))
    return { killed: false, why: 'every test passed' };
  return { killed: false, why: `the tests could not run: ${broken.trim().split('\n')[0]}` };
}

const list = (await mutants()).filter(
  (mutant) => wanted.size === 0 || mutant.id.split(', ').some((id) => wanted.has(id)),
);
if (list.length === 0) {
  rmSync(scratch, { recursive: true, force: true });
  wrongUsage(
    import.meta.url,
    `no mutant has the id ${[...wanted].join(' or ')}: test/requirements/mutants.ts has them`,
  );
}
let survivors = 0;
try {
  const queue = list.map((mutant) => ({ mutant, change: locate(mutant) }));
  const files = [...new Set(list.map((mutant) => mutant.test))];
  const baselines = new Map();
  for (const file of files) baselines.set(file, (await run([file], null, null)).tests);
  const next = async () => {
    for (let task = queue.shift(); task !== undefined; task = queue.shift()) {
      const { mutant, change: at } = task;
      const { killed, why } = await judge(mutant, at, baselines.get(mutant.test));
      if (!killed) survivors++;
      const becomes = mutant.becomes || '(nothing)';
      const change = `${at.place} (${at.file}): ${mutant.code}  →  ${becomes}`;
      console.log(
        `${killed ? 'killed  ' : 'SURVIVED'}  ${mutant.id.padEnd(8)}  ${change}\n` +
          `${' '.repeat(20)}${why.slice(0, 150)}`,
      );
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`\n${list.length - survivors} mutants killed, ${survivors} survived`);
process.exitCode = survivors === 0 ? 0 : 1;
