import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  modulesAreCurrent,
  nodeProblem,
  npmCache,
  tunProblem,
} from '../../native-setup/checks.mjs';

const ROOT = resolve(import.meta.dirname, '../..');

let scratch = '';
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'tcplab-setup-'));
});
afterEach(() => {
  rmSync(scratch, { recursive: true, force: true });
});

describe('the version of Node', () => {
  it.each(['20.19.0', '20.20.2', '21.0.0', '22.4.1', '100.0.0'])('%s is new enough', (version) => {
    expect(nodeProblem(version, '>=20.19')).toBeNull();
  });

  it.each(['18.20.4', '20.18.9', '9.99.0'])(
    '%s is too old, and one sentence says so',
    (version) => {
      const sentence = nodeProblem(version, '>=20.19');
      expect(sentence).toContain(`needs Node 20.19 or newer, but this is ${version}`);
      expect(sentence).toContain('`nvm install 22`');
      expect(sentence).not.toContain('\n');
    },
  );

  it('stops npm start and npm test before they do anything', () => {
    cpSync(join(ROOT, 'native-setup'), join(scratch, 'native-setup'), { recursive: true });
    writeFileSync(
      join(scratch, 'package.json'),
      JSON.stringify({ type: 'module', engines: { node: '>=999.0' } }),
    );
    const done = spawnSync(process.execPath, ['native-setup/setup.mjs'], {
      cwd: scratch,
      encoding: 'utf8',
    });
    expect(done.stderr).toMatch(
      /^tcplab: tcplab needs Node 999\.0 or newer, but this is [\d.]+: .*\n$/,
    );
    expect(done.status).toBe(1);
  });
});

describe('the C compiler', () => {
  it('is required before anything is installed; one sentence says how to install it', () => {
    for (const file of ['native-setup', 'package.json', 'package-lock.json']) {
      cpSync(join(ROOT, file), join(scratch, file), { recursive: true });
    }
    const env = { ...process.env, PATH: join(scratch, 'empty'), CC: '' };
    const done = spawnSync(process.execPath, ['native-setup/setup.mjs'], {
      cwd: scratch,
      encoding: 'utf8',
      env,
    });
    expect(done.stderr).toMatch(/^tcplab: .*compiler.*`sudo apt-get install build-essential`.*\n$/);
    expect(done.status).toBe(1);
    expect(existsSync(join(scratch, 'node_modules'))).toBe(false);
  });
});

describe('/dev/net/tun', () => {
  const failing = (code: string) => (): number => {
    throw Object.assign(new Error(code), { code });
  };
  it.each([
    ['ENOENT', 'sudo modprobe tun'],
    ['ENODEV', 'sudo modprobe tun'],
    ['ENXIO', 'sudo modprobe tun'],
    ['EACCES', 'sudo chmod 0666 /dev/net/tun'],
    ['EPERM', '--device /dev/net/tun --cap-add NET_ADMIN'],
    ['EIO', 'ls -l /dev/net/tun'],
  ])('%s: one sentence with `%s`', (code, fix) => {
    const sentence = tunProblem('/dev/net/tun', failing(code));
    expect(sentence).toContain(fix);
    expect(sentence).not.toContain('\n');
  });

  it('is checked on the disk', () => {
    expect(tunProblem(join(scratch, 'tun'))).toContain(`${join(scratch, 'tun')} does not exist`);
    writeFileSync(join(scratch, 'tun'), '');
    expect(tunProblem(join(scratch, 'tun'))).toBeNull();
  });
});

describe('node_modules', () => {
  const lock = {
    '': {},
    'node_modules/a': { version: '1.0.0' },
    'node_modules/b': { version: '2.0.0', optional: true },
  };
  const install = (packages: object): void => {
    mkdirSync(join(scratch, 'node_modules'), { recursive: true });
    writeFileSync(join(scratch, 'package-lock.json'), JSON.stringify({ packages: lock }));
    writeFileSync(join(scratch, 'node_modules/.package-lock.json'), JSON.stringify({ packages }));
    for (const folder of Object.keys(packages))
      mkdirSync(join(scratch, folder), { recursive: true });
  };
  const a = { 'node_modules/a': { version: '1.0.0' } };

  it('is up to date if all packages have their versions; optional ones may be missing', () => {
    install(a);
    expect(modulesAreCurrent(scratch)).toBe(true);
    install({ ...a, 'node_modules/b': { version: '2.0.0' } });
    expect(modulesAreCurrent(scratch)).toBe(true);
  });

  it.each([
    ['a package is missing', {}],
    ['one has another version', { 'node_modules/a': { version: '1.0.1' } }],
    ['an optional one has another version', { ...a, 'node_modules/b': { version: '1.0.0' } }],
    ['there is an additional package', { ...a, 'node_modules/c': { version: '1.0.0' } }],
  ])('is out of date if %s', (_, packages) => {
    install(packages);
    expect(modulesAreCurrent(scratch)).toBe(false);
  });

  it("is out of date if a package's folder is missing, although npm recorded it", () => {
    install(a);
    rmSync(join(scratch, 'node_modules/a'), { recursive: true });
    expect(modulesAreCurrent(scratch)).toBe(false);
  });

  it('is out of date if it is missing', () => {
    writeFileSync(
      join(scratch, 'package-lock.json'),
      readFileSync(join(ROOT, 'package-lock.json')),
    );
    expect(modulesAreCurrent(scratch)).toBe(false);
  });
});

describe("npm's cache", () => {
  it('stays in its default place if that is writable or can be created', () => {
    expect(npmCache('/fallback', { HOME: scratch })).toBeNull();
    expect(
      npmCache('/fallback', { HOME: '/nowhere', npm_config_cache: join(scratch, 'x', 'y') }),
    ).toBeNull();
  });

  it('moves into the build folder without a HOME, or with one that is not writable', () => {
    const file = join(scratch, 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o444);
    expect(npmCache('/fallback', { HOME: '' })).toBe('/fallback');
    expect(npmCache('/fallback', { HOME: file })).toBe('/fallback');
    expect(npmCache('/fallback', { HOME: '/proc/1' })).toBe('/fallback');
  });
});
