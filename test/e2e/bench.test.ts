import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWithTun, ROOT, run, scratch } from './lab.js';

describeWithTun('npm run bench', () => {
  const folder = scratch();

  it('measures every row of three contestants, in short', async () => {
    const json = join(folder, 'bench.json');
    const args = [
      '--rounds',
      '1',
      '--seconds',
      '0.05',
      '--idle',
      '300',
      '--contestants',
      'tcplab,c,plainmock',
      '--json',
      json,
    ];
    const { code, stdout, stderr } = await run(process.execPath, [join(ROOT, 'bench', 'run.mjs'), ...args], 60);
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { rows, values } = JSON.parse(readFileSync(json, 'utf8')) as {
      rows: Record<string, unknown>;
      values: Record<string, Record<string, number[]>>;
    };
    expect(Object.keys(values)).toEqual(['tcplab', 'c', 'plainmock']);
    for (const [name, measured] of Object.entries(values)) {
      expect(Object.keys(measured), name).toEqual(expect.arrayContaining(Object.keys(rows)));
      expect(Object.values(measured).flat().every(Number.isFinite), name).toBe(true);
    }
    expect(stdout).toContain('| upload ');
    expect(stdout).toContain('tcplab / c');
  });

  it('measures us and the kernel over the same lossy link: npm run throughput:kernel, in short', async () => {
    const args = ['--cells', '1% 2ms', '--seeds', '1', '--seconds', '0.3', '--print'];
    const { code, stdout, stderr } = await run(process.execPath, [join(ROOT, 'bench', 'lossy.mjs'), ...args], 60);
    expect(code, stderr).toBe(0);
    const [, , ours, theirs] = /^\| 1% +\| 2ms +\| +([\d.]+) \| +([\d.]+) \|/m.exec(stdout) ?? [];
    expect(Number(ours), stdout).toBeGreaterThan(0);
    expect(theirs === undefined || Number(theirs) > 0, stdout).toBe(true);
  });

  it.each([
    ['row', 'tea', /^bench: there is no row tea: the rows are upload, .*\n$/],
    ['contestant', 'lwip', /^bench: there is no contestant lwip: the contestants are tcplab, .*\n$/],
  ])('says which %s it does not know', async (what, name, sentence) => {
    const args = [join(ROOT, 'bench', 'run.mjs'), `--${what}s`, name];
    const { code, stderr } = await run(process.execPath, args, 60);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
  });
});
