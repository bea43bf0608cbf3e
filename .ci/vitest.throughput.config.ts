/** `npm run throughput`: no test, but the table of docs/throughput.md, made with the same tools. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: { include: ['test/sim/throughput-table.ts', 'test/sim/cwnd-traces.ts'] },
});
