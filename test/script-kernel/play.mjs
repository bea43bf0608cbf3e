// @ts-check
/** One script against the kernel, started by kernel-world in a network namespace of its own. Prints the verdict as JSON. */
import { readFileSync } from 'node:fs';
import { parseScript } from '../../dist/script/parse.js';
import { runScript } from '../../dist/script/run.js';
import { KernelTarget } from './kernel-target.mjs';

const [file = '', tolerance = '', ...flags] = process.argv.slice(2);
const script = parseScript(file, readFileSync(file, 'utf8'));
const options = {
  strict: true,
  toleranceUsecs: Number(tolerance) * 1000,
  ...(flags.includes('--ipv6') ? { ipVersion: /** @type {const} */ (6) } : {}),
};
// Compiled code is faster, and in real time that matters.
runScript(script, options);
const verdict = runScript(script, options, (_s, _o, ends) => {
  return new KernelTarget(ends);
});
const { log: _log, ...told } = verdict;
process.stdout.write(JSON.stringify(told));
// Calls that never return would keep us.
process.exit(0);
