/**
 * A machine without the tools that some tests need: those tests are skipped, and the last line says
 * what is not tested and how to install the tools. In CI these tests fail at once.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inCI, packagesOf, TOOLS, withSbin } from '../tools/list.mjs';

const ROOT = resolve(import.meta.dirname, '../..');

/** Runs a file whose tests all need tshark, with an empty PATH. */
function withoutTools(env: NodeJS.ProcessEnv): { status: number | null; lines: string[] } {
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [
    vitest,
    'run',
    '--config',
    '.ci/vitest.config.ts',
    'test/e2e/capture-tshark.test.ts',
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: 'utf8',
    env: { ...process.env, ...env, NO_COLOR: '1', PATH: join(tmpdir(), 'there-is-no-such-folder') },
  });
  return { status, lines: (stdout + stderr).trim().split('\n') };
}

describe('a tool that is missing', () => {
  it('skips its tests; the last line says what is not tested, and the command that installs it', () => {
    const { status, lines } = withoutTools({ CI: '' });
    expect(status, lines.join('\n')).toBe(0);
    expect(lines).toContain(
      'skipped: test/e2e/capture-tshark.test.ts > pcap, read by tshark > has the packets and ' +
        'their times: needs tshark',
    );
    expect(lines.at(-1)).toMatch(
      new RegExp(
        '^7 tests were skipped: tshark is missing \\(.*\\); ' +
          'install .*: sudo apt-get install -y .* tshark$',
      ),
    );
  });

  it('fails its tests in CI, each with the same command', () => {
    const { status, lines } = withoutTools({ CI: 'true' });
    expect(status).toBe(1);
    expect(lines.join('\n')).toMatch(/^Error: needs tshark: sudo apt-get install .* tshark$/m);
    expect(lines.join('\n')).toMatch(/Tests +7 failed \(7\)/);
  });
});

describe('what tests run', () => {
  const folders = ['test/e2e', 'test/native'];
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder)).map((name) => join(folder, name)),
  );
  const use = (tool: string): RegExp =>
    new RegExp(`(?:[\`'"&|;({]|\\bdo|timeout \\d+|=>) *${tool} -?[-\\w$'{]`);

  it.each(files.filter((file) => file.endsWith('.test.ts')))(
    '%s declares the tools that it needs',
    (file) => {
      const text = readFileSync(join(ROOT, file), 'utf8').replace(
        /\bit(?:\.each\([^]*?\))?\(\s*['"`].*/g,
        '',
      );
      const used = Object.keys(TOOLS).filter((tool) => use(tool).test(text));
      const needed = [...text.matchAll(/needs\(([^)]*)\)/g)].map(([, names]) => names).join();
      expect(used.filter((tool) => !needed.includes(`'${tool}'`))).toEqual([]);
    },
  );

  it('a use of a tool is recognised', () => {
    expect(use('nc').test('cat x | nc -N 198.18.0.2 7')).toBe(true);
    expect(use('ping').test('$TCPLAB ping -c 1 198.18.0.77')).toBe(false);
  });
});

it('packages are in the order of the list, once each', () => {
  expect(packagesOf(['nmap', 'nc'])).toEqual(['netcat-openbsd', 'nmap']);
});

it('the sbin of each bin is added to the PATH, because hping3 is in sbin', () => {
  expect(withSbin('/usr/local/bin:/usr/bin:/bin:/usr/games')).toBe(
    '/usr/local/bin:/usr/bin:/bin:/usr/games:/usr/local/sbin:/usr/sbin:/sbin',
  );
  expect(withSbin('/usr/bin:/usr/sbin')).toBe('/usr/bin:/usr/sbin');
});

it.each([
  [undefined, false],
  ['', false],
  ['false', false],
  ['true', true],
  ['1', true],
])('CI=%s: %s', (CI, is) => {
  expect(inCI(CI === undefined ? {} : { CI })).toBe(is);
});
