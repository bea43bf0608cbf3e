/** `npm run throughput`: writes the table of docs/throughput.md, with the tools of the tests. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: { include: ['test/sim/throughput-table.ts', 'test/sim/cwnd-traces.ts'] },
});
