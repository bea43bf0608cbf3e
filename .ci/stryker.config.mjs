// @ts-check
/**
 * Mutation testing (`npm run mutation`, about half an hour on two cores): Stryker makes one change
 * after the other in the files where a mistake is worst, and runs the tests that reach it.
 * `npm run mutation -- --mutate src/tcp/input.ts` runs one file. docs/testing.md has the results,
 * and says which mutants survive and why.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  testRunner: 'vitest',
  vitest: { configFile: '.ci/vitest.mutation.config.ts' },
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: [
    'src/base/seq.ts',
    'src/tcp/input.ts',
    'src/tcp/timer-table.ts',
    'src/tcp/timeouts.ts',
    'src/tcp/recovery/retransmit-timers.ts',
    'src/tcp/recovery/rto.ts',
    'src/tcp/receive/receive-window.ts',
    'src/tcp/receive/out-of-order.ts',
    'src/ip/reassembly.ts',
  ],
  // Texts for users are not mutated.
  mutator: { excludedMutations: ['StringLiteral'] },
  coverageAnalysis: 'perTest',
  ignoreStatic: true,
  concurrency: 2,
  timeoutMS: 4000,
  timeoutFactor: 1.2,
  thresholds: { high: 90, low: 85, break: 85 },
  reporters: ['clear-text', 'progress', 'json'],
  jsonReporter: { fileName: 'build/mutation.json' },
  tempDirName: 'build/stryker',
  cleanTempDir: 'always',
  allowConsoleColors: false,
};
