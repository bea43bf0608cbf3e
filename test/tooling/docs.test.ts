/** Each path and each link in the pages exists. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');

const pages = ['README.md', ...markdownIn('docs'), ...markdownIn('test')];

function markdownIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { recursive: true }) as string[];
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

it.each(pages)('%s', (page) => {
  const text = readFileSync(join(ROOT, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(([, to]) =>
    join(dirname(page), to!),
  );
  const paths = [...text.matchAll(/`((?:src|test|docs|bench|native-setup|\.ci)\/[\w./-]+)`/g)].map(
    ([, to]) => to!,
  );
  expect([...links, ...paths].filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});
