/**
 * `tcplab/core` runs without Node: a browser bundle of it, in a context that has only ECMAScript.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { Linter } from 'eslint';
import { beforeAll, expect, it } from 'vitest';
import { type Bundle, bundleForBrowser } from './bundle.js';

const program = readFileSync(join(import.meta.dirname, 'two-stacks.js'), 'utf8');
const NODE_GLOBALS = [
  'Buffer',
  'process',
  'setTimeout',
  'setImmediate',
  'require',
  'performance',
  'crypto',
  'URL',
];

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleForBrowser();
}, 120_000);

/** Names that a script uses, but that neither the script nor ECMAScript defines. */
function unknownNames(code: string): string[] {
  const found = new Linter().verify(code, {
    languageOptions: { ecmaVersion: 2022, sourceType: 'script' },
    rules: { 'no-undef': 'error' },
  });
  return found.map(({ message }) => message);
}

it('imports only files of src', () => {
  expect(bundle.outside).toEqual([]);
  expect(bundle.code).not.toMatch(/node:|\brequire\(|\bimport\(/);
  expect(bundle.modules).toContain('src/tcp/connection.ts');
  expect(
    bundle.modules.filter(
      (path) =>
        !/^src\/(base|wire|device|ip|tcp|stack|record|observe|capture)\/|^src\/core\.ts$/.test(
          path,
        ),
    ),
  ).toEqual([]);
  expect(bundle.modules.filter((path) => path.startsWith('src/device/tun/'))).toEqual([]);
});

it('uses only globals of ECMAScript', () => {
  expect(unknownNames(bundle.code)).toEqual([]);
});

it('the checks above detect a module and a global of Node', async () => {
  const other = await bundleForBrowser(
    "import fs from 'node:fs';\nexport const size = Buffer.byteLength(fs.readFileSync('x'));",
  );
  expect(other.outside).toEqual(['node:fs']);
  expect(unknownNames(other.code).join()).toContain("'Buffer' is not defined");
});

it('a handshake, 1 MB each way and a teardown of two stacks, without the globals of Node', () => {
  const context = createContext({});
  for (const name of NODE_GLOBALS)
    expect(runInContext(`typeof ${name}`, context), name).toBe('undefined');
  runInContext(bundle.code, context, { filename: 'core-bundle.js' });
  const result = JSON.parse(
    runInContext(program, context, { filename: 'two-stacks.js' }) as string,
  ) as unknown;
  const whole = {
    sent: 1 << 20,
    received: 1 << 20,
    wrong: 0,
    ended: true,
    closed: true,
    error: null,
  };
  expect(result).toMatchObject({
    client: whole,
    server: whole,
    broken: [null, null],
    left: 0,
    drops: [{}, {}],
  });
  const { states } = result as { states: string[] };
  expect(states.slice(0, 4)).toEqual([
    'client SYN-SENT',
    'server SYN-RECEIVED',
    'client ESTABLISHED',
    'server ESTABLISHED',
  ]);
  expect(states.filter((state) => /TIME-WAIT/.test(state)).length).toBeGreaterThan(0);
});
