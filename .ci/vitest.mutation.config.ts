/** The tests that Stryker runs for each mutant: the fast ones with exact expectations. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: [
      ...['base', 'ip', 'attacks', 'stack', 'tcp'].map((folder) => `test/${folder}/*.test.ts`),
      'test/requirements/*.test.ts',
      'test/lab/script/scripts.test.ts',
    ],
    testTimeout: 20_000,
  },
});
