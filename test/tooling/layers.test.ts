/**
 * The rules of .ci/dependency-cruiser.cjs: a small source tree that is made here violates each of
 * them.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

const PATIENCE_MS = 120_000;

/** The importing file, the imported one, what is imported, and the rule that it violates. */
const IMPORTS: readonly (readonly [
  from: string,
  to: string,
  how: 'code' | 'type',
  rule: string | null,
])[] = [
  ['base/a', 'wire/a', 'code', 'layer-base'],
  ['base/b', 'wire/a', 'type', 'layer-base'],
  ['wire/a', 'base/c', 'code', null],
  ['wire/b', 'ip/a', 'code', 'layer-wire'],
  ['device/a', 'wire/c', 'code', null],
  ['device/b', 'ip/a', 'code', 'layer-device'],
  ['ip/a', 'base/c', 'code', null],
  ['ip/b', 'tcp/a', 'code', 'layer-ip'],
  ['tcp/a', 'wire/tcp', 'code', null],
  ['tcp/b', 'wire/drop', 'code', null],
  ['tcp/c', 'wire/ipv4', 'code', 'layer-tcp'],
  ['tcp/d', 'ip/a', 'type', 'layer-tcp'],
  ['tcp/e', 'tcp/connection', 'type', 'rules-take-the-tcb'],
  ['tcp/send/c', 'tcp/connection', 'code', 'halves-see-no-connection'],
  ['tcp/recovery/c', 'tcp/tcb', 'type', 'halves-see-no-connection'],
  ['tcp/receive/c', 'tcp/tcb', 'type', 'halves-see-no-connection'],
  ['tcp/f', 'tcp/tcb', 'type', null],
  ['stack/f', 'tcp/connection', 'code', null],
  ['tcp/send/a', 'tcp/receive/b', 'type', 'sending-half-alone'],
  ['tcp/recovery/a', 'tcp/receive/b', 'type', 'sending-half-alone'],
  ['tcp/receive/a', 'tcp/send/b', 'type', 'receiving-half-alone'],
  ['tcp/receive/b', 'base/c', 'code', null],
  ['tcp/send/b', 'tcp/recovery/b', 'code', null],
  ['tcp/recovery/b', 'base/c', 'code', null],
  ['stack/a', 'device/a', 'code', null],
  ['stack/b', 'node/a', 'code', 'layer-stack'],
  ['stack/c', 'device/tun/tun', 'code', 'real-device'],
  ['stack/d', 'observe/a', 'type', 'layer-stack'],
  ['node/a', 'stack/a', 'code', null],
  ['node/b', 'device/tun/tun', 'code', null],
  ['node/c', 'lab/cli/a', 'code', 'layer-node'],
  ['stack/e', 'lab/script/a', 'type', 'layer-stack'],
  ['observe/g', 'lab/services/a', 'type', 'layer-observe'],
  ['capture/a', 'wire/a', 'code', null],
  ['ip/address', 'wire/a', 'code', null],
  ['capture/b', 'ip/address', 'code', null],
  ['capture/c', 'ip/a', 'type', 'layer-capture'],
  ['capture/d', 'tcp/a', 'type', 'layer-capture'],
  ['stack/g', 'capture/a', 'type', 'layer-stack'],
  ['observe/h', 'capture/a', 'code', null],
  ['observe/a', 'tcp/a', 'type', null],
  ['observe/b', 'tcp/a', 'code', 'types-only-observe'],
  ['observe/c', 'node/a', 'type', 'layer-observe'],
  ['observe/d', 'tcp/state', 'code', null],
  ['observe/e', 'device/a', 'type', null],
  ['observe/f', 'device/a', 'code', 'types-only-observe'],
  ['lab/cli/a', 'device/tun/native', 'code', null],
  ['lab/cli/b', 'observe/a', 'code', null],
  ['lab/cli/c', 'lab/services/a', 'code', null],
  ['lab/services/a', 'node/a', 'code', null],
  ['lab/services/b', 'lab/cli/b', 'code', 'layer-lab/services'],
  ['lab/script/a', 'observe/a', 'code', null],
  ['lab/script/b', 'node/a', 'code', 'layer-lab/script'],
  ['index', 'device/tun/tuntap2', 'code', null],
  ['core', 'device/reads-a-file', 'code', 'core-door-without-node'],
  ['ip/circle', 'ip/circular', 'code', 'no-cycles'],
  ['ip/circular', 'ip/circle', 'code', null], // the same circle, reported once
  ['ip/parent', 'ip/child', 'code', null], // the same circle, reported once
  ['ip/child', 'ip/parent', 'type', 'no-cycles'],
  ['tcp/tcb', 'tcp/env', 'type', null],
  ['tcp/env', 'tcp/observer', 'type', null],
  ['tcp/observer', 'tcp/tcb', 'type', null],
];
const OTHERS: readonly (readonly [from: string, line: string, rule: string])[] = [
  ['src/tcp/io', "import 'node:fs';", 'core-without-node'],
  ['src/ip/package', "import 'picocolors';", 'core-without-node'],
  ['src/lab/cli/lost', "import './nowhere.js';", 'resolvable'],
  ['src/node/tested', "import '../../test/a.js';", 'tests-in-src'],
];

describe('the layers', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'tcplab-layers-'));
  /** `rule: from` of each violation. */
  let found: string[] = [];

  beforeAll(async () => {
    const file = (path: string, text: string): void => {
      mkdirSync(dirname(join(scratch, path)), { recursive: true });
      writeFileSync(join(scratch, path), text);
    };
    for (const path of [
      'base/c',
      'wire/c',
      'wire/tcp',
      'wire/drop',
      'wire/ipv4',
      'tcp/state',
      'tcp/connection',
      'tcp/tcb',
      'device/tun/tun',
      'device/tun/native',
      'device/tun/tuntap2',
    ]) {
      file(`src/${path}.ts`, 'export type T = number;\nexport const v = 1;\n');
    }
    file('node_modules/picocolors/package.json', '{"name": "picocolors", "main": "index.js"}');
    file('node_modules/picocolors/index.js', '');
    file('test/a.ts', 'export const v = 1;\n');
    file(
      'src/device/reads-a-file.ts',
      "import 'node:fs';\nexport type T = number;\nexport const v = 1;\n",
    );
    for (const [from, to, how] of IMPORTS) {
      let path = relative(dirname(from), to);
      if (!path.startsWith('.')) path = `./${path}`;
      const imported =
        how === 'type'
          ? `import type { T as U } from '${path}.js';`
          : `import { v as w } from '${path}.js';`;
      const used =
        how === 'type'
          ? 'export type T = U;\nexport const v = 1;\n'
          : 'export type T = number;\nexport const v: T = w;\n';
      file(`src/${from}.ts`, `${imported}\n${used}`);
    }
    for (const [from, line] of OTHERS) file(`${from}.ts`, `${line}\n`);
    const args = [
      '--config',
      join(ROOT, '.ci/dependency-cruiser.cjs'),
      '--output-type',
      'json',
      'src',
    ];
    const json = await new Promise<string>((done, fail) => {
      execFile(
        process.execPath,
        [join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs'), ...args],
        { cwd: scratch, maxBuffer: 1 << 26 },
        (_, stdout, stderr) => (stdout === '' ? fail(new Error(stderr)) : done(stdout)),
      );
    });
    const { summary } = JSON.parse(json) as {
      summary: { violations: { from: string; rule: { name: string } }[] };
    };
    found = summary.violations.map((v) => `${v.rule.name}: ${v.from}`);
  }, PATIENCE_MS);

  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  it.each(IMPORTS)('%s imports %s (%s): %s', (from, _to, _how, rule) => {
    const mine = found.filter((violation) => violation.endsWith(`: src/${from}.ts`));
    expect(mine).toEqual(rule === null ? [] : [`${rule}: src/${from}.ts`]);
  });

  it.each(OTHERS)('%s: %s breaks %s', (from, _line, rule) => {
    expect(found).toContain(`${rule}: ${from}.ts`);
  });
});
