// @ts-check
/**
 * Figures of the congestion controls in simulation, in virtual time: the same seeds give the same
 * figures on any machine. No options.
 *
 *     npm run throughput     docs/throughput.md: goodput over round trips and losses (some minutes)
 *     npm run traces         docs/labs/cwnd/*.csv: cwnd, ssthresh and SRTT over time
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { commandLine, wrongUsage } from '../tools/usage.mjs';

const { positionals } = commandLine(import.meta.url, { allowPositionals: true, options: {} });
const [which = '', ...more] = positionals;
if (!/^(throughput-table|cwnd-traces)$/.test(which) || more.length > 0)
  wrongUsage(import.meta.url, 'no options');
const args = [
  'node_modules/vitest/vitest.mjs',
  'run',
  '--config',
  '.ci/vitest.throughput.config.ts',
  which,
];
const root = fileURLToPath(new URL('../..', import.meta.url));
process.exitCode = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
