/** Completion in the three shells, as each shell itself completes, and the manual page. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { needs } from '../../tools/needs.js';

const ROOT = join(import.meta.dirname, '../../..');
const MAIN = join(ROOT, 'dist/lab/cli/main.js');
let folder = '';
const tcplab = (...args: string[]): string =>
  execFileSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-completion-'));
  for (const shell of ['bash', 'zsh', 'fish'])
    writeFileSync(join(folder, shell), tcplab('completion', shell));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bash', () => {
  const complete = (...words: string[]): string[] => {
    const script =
      `source ${folder}/bash; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _tcplab; ` +
      'printf "%s\\n" "${COMPREPLY[@]}"';
    return execFileSync('bash', ['-c', script, 'bash', 'tcplab', ...words], { encoding: 'utf8' })
      .trim()
      .split('\n');
  };

  it('commands, options and choices', () => {
    expect(complete('re')).toEqual(['replay']);
    expect(complete('ss', '--lis')).toEqual(['--listening']);
    expect(complete('serve', '--congestion', 'b')).toEqual(['bbr']);
    expect(complete('trace', '--only', '')).toEqual(expect.arrayContaining(['drops', 'states']));
  });

  it('files otherwise', () => {
    expect(complete('explain', `${ROOT}/packag`)).toContain(`${ROOT}/package.json`);
  });
});

describe('fish', () => {
  it('commands and choices', () => {
    needs('fish');
    const complete = (line: string): string =>
      execFileSync('fish', ['-c', `source ${folder}/fish; complete -C '${line}'`], {
        encoding: 'utf8',
      });
    expect(complete('tcplab repl')).toMatch(/^replay\t/);
    expect(complete('tcplab serve --congestion cu')).toMatch(/^cubic\t/m);
  });
});

describe('zsh', () => {
  it('is a function that zsh accepts, with each command', () => {
    needs('zsh');
    execFileSync('zsh', ['-n', join(folder, 'zsh')]);
    const script = `_describe() { print -l $commands }; CURRENT=2; source ${folder}/zsh`;
    expect(execFileSync('zsh', ['-c', script], { encoding: 'utf8' })).toMatch(/^replay:/m);
  });
});

it('man/tcplab.1 is up to date with `npm run docs`', async () => {
  await expect(tcplab('manual')).toMatchFileSnapshot(join(ROOT, 'man/tcplab.1'));
});
