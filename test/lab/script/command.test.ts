/** `tcplab script` as a process: its output to a pipe, and the files that it writes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { script } from '../../../src/lab/cli/script.js';

const PASS = '0 socket(..., SOCK_STREAM, 0) = 3\n';
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-command-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

it("a report larger than the pipe's buffer is complete, however slowly it is read", () => {
  const file = join(folder, 'a.pkt');
  writeFileSync(file, PASS);
  const names = Array.from({ length: 1000 }, () => file).join(' ');
  const { stdout } = spawnSync(
    'sh',
    [
      '-c',
      `"${process.execPath}" dist/lab/cli/main.js script --format json ${names} | (sleep 0.5; cat)`,
    ],
    { encoding: 'utf8', maxBuffer: 1 << 24 },
  );
  expect(stdout.length).toBeGreaterThan(2 * 65_536);
  expect(stdout).toMatch(/"passed":1000,"failed":0,"skipped":0,"ms":[\d.]+\}\n$/);
});

it('a reader that closes the pipe early causes no error', () => {
  const file = join(folder, 'a.pkt');
  writeFileSync(file, PASS);
  const names = Array.from({ length: 1000 }, () => file).join(' ');
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', `"${process.execPath}" dist/lab/cli/main.js script --format json ${names} | head -c 20`],
    { encoding: 'utf8' },
  );
  expect([stdout, stderr]).toEqual(['{"type":"script","fi', '']);
});

it('--pcap: scripts of the same name in different folders get a file each', () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  for (const name of ['a', 'b', 'b/a']) mkdirSync(join(folder, 'in', name), { recursive: true });
  for (const name of ['a/open', 'b/open', 'b/a/open', 'b/a-open'])
    writeFileSync(join(folder, 'in', `${name}.pkt`), PASS);
  script([join(folder, 'in')], { format: 'text', pcap: join(folder, 'out') });
  expect(readdirSync(join(folder, 'out')).sort()).toEqual([
    'a-open.pcap',
    'b-a-open-2.pcap',
    'b-a-open.pcap',
    'b-open.pcap',
  ]);
});
