import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { cannotStart } from '../../../src/lab/cli/lab.js';

const folder = mkdtempSync(join(tmpdir(), 'tcplab-path-'));
writeFileSync(join(folder, 'a-text'), '', { mode: 0o644 });
afterAll(() => {
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The message and exit code of `lab -- PROGRAM` if the kernel returns `code`. */
function outcome(program: string, code: string): [string, number] {
  vi.stubEnv('PATH', folder);
  let said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  const status = cannotStart(
    program,
    Object.assign(new Error(`spawn ${program} ${code}`), { code }),
  );
  return [said, status];
}

describe('if its program cannot be started, lab exits with the code that a shell would give', () => {
  const missing = "tcplab: there is no program 'no-such' in PATH\n";
  const barred = (program: string): string =>
    `tcplab: ${program} cannot be run: it is not executable (EACCES)\n  fix: chmod +x ${program}\n`;
  const path = join(folder, 'a-text');
  it.each([
    ['it is not in PATH', 'no-such', 'ENOENT', missing, 127],
    ['it is not in a folder of PATH that this user may search', 'no-such', 'EACCES', missing, 127],
    ['it is in PATH, but not executable', 'a-text', 'EACCES', barred('a-text'), 126],
    ['its path is a file that is not executable', path, 'EACCES', barred(path), 126],
  ])('%s', (_, program, code, said, status) => {
    expect(outcome(program, code)).toEqual([said, status]);
  });
});
