/**
 * How `npm test` runs: first everything in virtual time, all cores at once; then what uses the real
 * kernel (network namespaces, TUN devices, the addon), four files at a time since they mostly wait;
 * then, one after the other, what needs the machine to itself.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { inCI, withSbin } from '../test/tools/list.mjs';
import { mutation } from './mutation.js';

process.env['PATH'] = withSbin(process.env['PATH'] ?? '');
const reporter = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * A test that hangs ends with this. What it may wait for has limits of its own (test/e2e/lab.ts),
 * in which a busy machine gets what it needs, too.
 */
const PATIENCE_MS = 400_000;

/** What fills a core or is about load: one after the other. */
const LOAD = ['flood', 'bench', 'bad-link', 'script-kernel'].map(
  (name) => `test/e2e/${name}.test.ts`,
);
const KERNEL = ['test/e2e/**/*.test.ts', 'test/native/**/*.test.ts'];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [mutation(process.env['TCPLAB_MUTANT'])],
  test: {
    // `npm run coverage`: the protocol, by the tests in virtual time.
    coverage: {
      provider: 'v8',
      include: ['src/tcp/**', 'src/wire/**', 'src/ip/**'],
      reporter: ['text', 'text-summary'],
      reportsDirectory: 'build/coverage',
      thresholds: { lines: 95, branches: 90 },
    },
    reporters: ['default', ...(inCI() ? [reporter('count.ts')] : []), reporter('not-tested.ts')],
    projects: [
      {
        extends: true,
        test: {
          name: 'core',
          include: ['test/**/*.test.ts'],
          exclude: KERNEL,
          // One load of the modules for all files of a worker: it took a third of the time. Tests
          // here share nothing else.
          isolate: false,
          maxWorkers: availableParallelism(),
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'kernel',
          include: KERNEL,
          exclude: LOAD,
          maxWorkers: 4,
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'load',
          include: LOAD,
          fileParallelism: false,
          testTimeout: PATIENCE_MS,
          hookTimeout: PATIENCE_MS,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
