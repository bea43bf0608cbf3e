// @ts-check
/**
 * Plays one script against the kernel, started by kernel-world in a network namespace of its own.
 * Prints the verdict as JSON.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { playScript } from '../../dist/lab/script/play.js';
import { KernelTarget } from './kernel-target.mjs';

const [file = '', tolerance = '', ...flags] = process.argv.slice(2);
const text = readFileSync(file, 'utf8');
const options = {
  strict: !flags.includes('--lenient'),
  toleranceUsecs: Number(tolerance) * 1000,
  readBeside: (/** @type {string} */ name) => {
    try {
      return readFileSync(resolve(dirname(file), name), 'utf8');
    } catch {
      return null;
    }
  },
  ...(flags.includes('--ipv6') ? { ipVersion: /** @type {const} */ (6) } : {}),
};
// Compiled code is faster, and in real time that matters.
playScript(file, text, options);
const verdict = playScript(
  file,
  text,
  options,
  new Map(),
  (_, o, ends) => new KernelTarget(ends, o),
);
const { log: _log, ...told } = verdict;
process.stdout.write(JSON.stringify(told));
// Calls that never return would keep the process alive.
process.exit(0);
