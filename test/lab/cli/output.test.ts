import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { Output } from '../../../src/lab/cli/output.js';
import { CommandError } from '../../../src/lab/cli/errors.js';

const folder = mkdtempSync(join(tmpdir(), 'tcplab-output-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** The message for a file that cannot be created. */
function refusal(path: string): [string, string] {
  try {
    Output.file(path);
  } catch (error) {
    if (error instanceof CommandError) return [error.message, error.fix];
    throw error;
  }
  throw new Error(`${path} was made`);
}

describe('the error for a file that cannot be written gives the reason and the fix', () => {
  it('no such folder', () => {
    const path = join(folder, 'none', 'x.pcapng');
    const what = `${path} cannot be written: its folder does not exist (ENOENT)`;
    expect(refusal(path)).toEqual([what, `mkdir -p ${join(folder, 'none')}`]);
  });

  it('a folder of that name', () => {
    expect(refusal(folder)).toEqual([
      `${folder} cannot be written: it is a folder (EISDIR)`,
      'choose another file',
    ]);
  });

  it('too many open files', () => {
    const dist = fileURLToPath(new URL('../../../dist/lab/cli/output.js', import.meta.url));
    const program = `
      const { openSync } = await import('node:fs');
      const { Output } = await import(${JSON.stringify(dist)});
      try { for (;;) openSync('/dev/null', 'r'); }
      catch (error) { if (error.code !== 'EMFILE') throw error; }
      try { Output.file('/tmp/x.pcapng'); }
      catch (error) { console.log(error.message + '\\n' + error.fix); }`;
    const script = 'ulimit -n 64; exec "$0" --input-type=module -e "$1"';
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, program], {
      encoding: 'utf8',
    });
    const what = '/tmp/x.pcapng cannot be written: too many open files (EMFILE)';
    expect(stdout, stderr).toBe(`${what}\nulimit -n 65536   and run the command again\n`);
  });
});
