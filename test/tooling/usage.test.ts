/**
 * The command lines of our own scripts: --help describes the script and names each option, and an
 * error is one sentence.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
/**
 * Each npm script that runs one of our files, with its arguments, without the setup before it.
 */
const OURS = Object.entries(scripts).flatMap(([name, command]) => {
  const [, script, args = ''] =
    /node ((?:test|bench)\/[\w/-]+\.mjs)((?: [\w-]+)*)$/.exec(command) ?? [];
  return script === undefined
    ? []
    : [[name, script, args.trim().split(' ').filter(Boolean)] as const];
});

const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', timeout: 100_000 });

describe.each(OURS)('npm run %s', (name, script, args) => {
  it('-- --help names the command and its options', () => {
    const { status, stdout, stderr } = run(script, ...args, '--help');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(name.startsWith('test') ? /npm test/ : new RegExp(`npm run ${name}\\b`));
    const source = readFileSync(join(ROOT, script), 'utf8');
    const options = [...source.matchAll(/^ +'?([\w-]+)'?: \{ type: '(?:string|boolean)'/gm)].map(
      ([, option]) => option!,
    );
    for (const option of options) expect(stdout).toContain(`--${option}`);
  });

  // `npm test` passes unknown arguments on to vitest.
  const refuses = name.startsWith('test') ? () => undefined : it;
  refuses('explains an invalid option in one sentence', () => {
    const { status, stdout, stderr } = run(script, ...args, '--nonsense');
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^[\w/-]+\.mjs: [^\n]*--nonsense[^\n]*; --help lists the options\n$/);
  });
});

it('are all found', () => {
  expect(OURS.map(([name]) => name)).toEqual(
    expect.arrayContaining([
      'test',
      'bench',
      'soak',
      'mutants',
      'script:kernel',
      'stress:native',
      'fuzz',
      'throughput',
    ]),
  );
});
