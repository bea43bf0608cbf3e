/**
 * The projects of `npm test`. First the tests in virtual time, on all cores. Then those that use
 * the real kernel (network namespaces, TUN devices, the addon), four files at a time because they
 * mostly wait. At the end, one after the other, those that need the machine to themselves.
 */
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { inCI, withSbin } from '../test/tools/list.mjs';
import { mutation } from './mutation.js';

process.env['PATH'] = withSbin(process.env['PATH'] ?? '');
const reporter = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Time limit for a test that hangs. Its single steps have their own limits (test/e2e/lab.ts), which
 * are long enough for a busy machine.
 */
const PATIENCE_MS = 400_000;

/** Tests that keep a core busy or measure load run one after the other. */
const LOAD = ['flood', 'bench', 'bad-link', 'script-kernel'].map(
  (name) => `test/e2e/${name}.test.ts`,
);
const KERNEL = ['test/e2e/**/*.test.ts', 'test/native/**/*.test.ts'];

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  plugins: [mutation(process.env['TCPLAB_MUTANT'])],
  test: {
    // `npm run coverage` measures the protocol, with the tests in virtual time.
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
          // All files of a worker share loaded modules, because loading took a third of the time.
          // They share nothing else.
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
