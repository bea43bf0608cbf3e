import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, ROOT, run, scratch } from './lab.js';

describeWithTun('npm run bench', () => {
  const folder = scratch();

  it('measures every row against both servers, in short', async () => {
    const json = join(folder, 'bench.json');
    const args = [join(ROOT, 'bench', 'run.mjs'), '--rounds', '1', '--seconds', '0.1', '--json', json];
    const { code, stdout, stderr } = await run(process.execPath, args, 60);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as {
      results: { row: string; values: Record<string, number[]> }[];
    };
    expect(results.map((r) => r.row)).toEqual(
      expect.arrayContaining(['upload', 'download', 'roundtrip', 'connections']),
    );
    for (const { row, values } of results) {
      expect(Object.keys(values), row).toEqual(['tcplab', "Node's net"]);
      expect(Object.values(values).flat().every(Number.isFinite), row).toBe(true);
      expect(stdout).toContain('| ');
    }
  });

  it('says which row it does not know', async () => {
    const { code, stderr } = await run(process.execPath, [join(ROOT, 'bench', 'run.mjs'), '--rows', 'upload,tea'], 60);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^bench: there is no row tea: the rows are upload, .*\n$/);
  });
});
