import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { describeWithTun, ROOT, run, scratch } from './lab.js';

describeWithTun('npm run bench', () => {
  const folder = scratch();

  it('measures every row of three contestants in a short run', async () => {
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
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(ROOT, 'bench', 'run.mjs'), ...args],
      60,
    );
    expect(stderr).toBe('');
    expect(code).toBe(0);
    const { rows, values, failed } = JSON.parse(readFileSync(json, 'utf8')) as {
      rows: Record<string, unknown>;
      failed: { contestant: string }[];
      values: Record<string, Record<string, number[]>>;
    };
    expect(Object.keys(values)).toEqual(['tcplab', 'c', 'plainmock']);
    for (const [name, measured] of Object.entries(values)) {
      // A measurement that still fails after repetitions is noted.
      if (failed.some(({ contestant }) => contestant === name)) continue;
      expect(Object.keys(measured), name).toEqual(expect.arrayContaining(Object.keys(rows)));
      expect(Object.values(measured).flat().every(Number.isFinite), name).toBe(true);
    }
    expect(stdout).toContain('| upload ');
    expect(stdout).toContain('tcplab / c');
  });

  it('measures us and the kernel over the same lossy link: a short npm run throughput:kernel', async () => {
    const args = ['--cells', '1% 2ms', '--seeds', '1', '--seconds', '0.3', '--print'];
    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(ROOT, 'bench', 'lossy.mjs'), ...args],
      60,
    );
    expect(code, stderr).toBe(0);
    const [, , ours, theirs] = /^\| 1% +\| 2ms +\| +([\d.]+) \| +([\d.]+) \|/m.exec(stdout) ?? [];
    expect(Number(ours), stdout).toBeGreaterThan(0);
    expect(theirs === undefined || Number(theirs) > 0, stdout).toBe(true);
  });

  it('continues when a contestant fails: it repeats the measurement, or marks the cell', async () => {
    const json = join(folder, 'hiccup.json');
    // A build of tcplab whose server dies at its first start, and from then on when it has many
    // connections at a time.
    const other = join(folder, 'hiccup');
    mkdirSync(other);
    const index = JSON.stringify(pathToFileURL(join(ROOT, 'dist', 'index.js')).href);
    writeFileSync(
      join(other, 'index.js'),
      `import { existsSync, writeFileSync } from 'node:fs';
       import { Host as Whole } from ${index};
       export * from ${index};
       const first = ${JSON.stringify(join(other, 'first'))};
       if (!existsSync(first)) { writeFileSync(first, ''); process.exit(1); }
       export class Host extends Whole {
         constructor(options) {
           super(options);
           setInterval(() => {
             if (this.stack.tcp.connectionCount <= 4) return;
             this.close();
             setTimeout(() => process.exit(3), 50);
           }, 1);
         }
       }`,
    );
    const args = [
      '--rounds',
      '1',
      '--seconds',
      '0.05',
      '--rows',
      'connections1,upload16',
      '--contestants',
      'c',
    ];
    const bench = [join(ROOT, 'bench', 'run.mjs'), ...args, '--other', other, '--json', json];
    const { code, stdout, stderr } = await run(process.execPath, bench, 60);
    expect([code, stderr], stdout).toEqual([0, '']);
    const { failed, values } = JSON.parse(readFileSync(json, 'utf8')) as {
      failed: { contestant: string; what: string }[];
      values: Record<string, Record<string, (number | null)[]>>;
    };
    expect(stdout).toMatch(/^repeated because it failed once: other, its start: .* ended with 1$/m);
    expect(stdout).toMatch(/^failed 3 times: other, upload16, round 1: /m);
    expect(stdout).toMatch(/^\| upload, 16 connections .* failed \|$/m);
    expect(
      failed.every(({ contestant, what }) => contestant === 'other' && what.startsWith('upload16')),
    ).toBe(true);
    expect(values['other']!['connections1']).toEqual([expect.any(Number)]);
    expect(values['c']!['upload16']).toEqual([expect.any(Number)]);
  });

  it.each([
    ['row', 'tea', /^bench: there is no row tea: the rows are upload, .*\n$/],
    [
      'contestant',
      'lwip',
      /^bench: there is no contestant lwip: the contestants are tcplab, .*\n$/,
    ],
  ])('names the unknown %s', async (what, name, sentence) => {
    const args = [join(ROOT, 'bench', 'run.mjs'), `--${what}s`, name];
    const { code, stderr } = await run(process.execPath, args, 60);
    expect(code).toBe(1);
    expect(stderr).toMatch(sentence);
  });
});
