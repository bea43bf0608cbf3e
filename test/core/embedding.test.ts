/**
 * The programs of docs/embedding.md do what the page says. Each is run unchanged, with the
 * package's own `exports`.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
/** Inside the package, so that `tcplab` resolves to this package's `exports`. */
const FOLDER = join(ROOT, 'build', 'embedding');

const page = readFileSync(join(ROOT, 'docs/embedding.md'), 'utf8');
const examples = [
  ...page.matchAll(/^## (.+)$(?:(?!^## )[^])*?^```js\n([^]*?)^```\n\n```text\n([^]*?)^```$/gm),
];

function run(file: string): Promise<string> {
  return new Promise((done, fail) => {
    execFile(process.execPath, [file], { cwd: ROOT, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error === null && stderr === '') done(stdout);
      else fail(new Error(`${file}: ${stderr}`, { cause: error ?? undefined }));
    });
  });
}

describe('docs/embedding.md', () => {
  it('each program on the page has a heading and an expected output', () => {
    expect(examples.length).toBe(page.match(/^```js$/gm)!.length);
    expect(examples.length).toBeGreaterThan(3);
  });

  it.each(
    examples.map(([, heading, program, prints], i) => ({
      heading: heading!,
      program: program!,
      prints,
      i,
    })),
  )('$heading', async ({ program, prints, i }) => {
    mkdirSync(FOLDER, { recursive: true });
    const file = join(FOLDER, `example-${i}.mjs`);
    writeFileSync(file, program);
    expect(await run(file)).toBe(prints);
  });
});

describe('the entry points in package.json', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string; default: string } | string>;
  };
  const doors = Object.entries(exports).filter(
    (entry): entry is [string, { types: string; default: string }] => {
      return typeof entry[1] === 'object';
    },
  );

  it('are tcplab and tcplab/core', () => {
    expect(doors.map(([name]) => name)).toEqual(['.', './core']);
  });

  it.each(doors)('%s has code and types', (_name, to) => {
    expect([to.types, to.default].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
