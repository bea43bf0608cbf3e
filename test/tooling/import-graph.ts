/**
 * The pictures of docs/architecture.md: which folders of src import which. `npm run docs` updates
 * them.
 */
import { execFile } from 'node:child_process';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Only types are imported. */
  readonly typesOnly: boolean;
}

interface Dependency {
  readonly resolved: string;
  readonly dependencyTypes: readonly string[];
}

/** Folders that import each other's files, as dependency-cruiser sees them; `index` is the file. */
export async function importsOfFolders(): Promise<Arrow[]> {
  const cruiser = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const config = join(ROOT, '.ci/dependency-cruiser.cjs');
  const args = [cruiser, '--config', config, '--output-type', 'json', 'src'];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    cwd: ROOT,
    maxBuffer: 1 << 26,
  });
  const { modules } = JSON.parse(stdout) as {
    modules: { source: string; dependencies: Dependency[] }[];
  };
  const found = new Map<string, Arrow>();
  for (const { source, dependencies } of modules) {
    for (const { resolved, dependencyTypes } of dependencies) {
      if (!resolved.startsWith('src/')) continue;
      const [from, to] = [folderOf(source), folderOf(resolved)];
      const key = `${from} ${to}`;
      const typesOnly =
        dependencyTypes.includes('type-only') && found.get(key)?.typesOnly !== false;
      if (from !== to) found.set(key, { from, to, typesOnly });
    }
  }
  return [...found.values()];
}

const folderOf = (file: string): string => {
  const folder = relative('src', dirname(file));
  return folder === '' ? relative('src', file).replace(/\.ts$/, '') : folder;
};

/** The layers: a layer is one node with all its folders, except for the parts of the lab. */
export function betweenLayers(arrows: readonly Arrow[]): Arrow[] {
  const layer = (folder: string): string => /^lab\/[^/]+|^[^/]+/.exec(folder)![0];
  return merged(arrows.map((a) => ({ ...a, from: layer(a.from), to: layer(a.to) })));
}

/** The folders in and below one folder of src. */
export const within = (arrows: readonly Arrow[], folder: string): Arrow[] =>
  arrows.filter(({ from, to }) =>
    [from, to].every((f) => f === folder || f.startsWith(`${folder}/`)),
  );

function merged(arrows: readonly Arrow[]): Arrow[] {
  const found = new Map<string, Arrow>();
  for (const { from, to, typesOnly } of arrows) {
    if (from === to) continue;
    const key = `${from} ${to}`;
    found.set(key, { from, to, typesOnly: typesOnly && found.get(key)?.typesOnly !== false });
  }
  return [...found.values()];
}

/** Without the arrows that others imply: if c imports a and a imports b, c may import b. */
export function reduced(arrows: readonly Arrow[]): Arrow[] {
  const reaches = (from: string, to: string, without: Arrow, seen = new Set<string>()): boolean =>
    arrows.some((a) => {
      if (a.from !== from || a === without || seen.has(a.to)) return false;
      if (a.typesOnly && !without.typesOnly) return false;
      return a.to === to || reaches(a.to, to, without, seen.add(a.to));
    });
  return arrows.filter((a) => !reaches(a.from, a.to, a));
}

/** A folder in Mermaid, whose names have no slashes: a folder with a slash also gets a label. */
const node = (folder: string): string =>
  folder.includes('/') ? `${folder.replaceAll('/', '_')}["${folder}"]` : folder;

export function picture(arrows: readonly Arrow[]): string {
  const targets = new Map<string, string[]>();
  for (const { from, to, typesOnly } of [...arrows].sort((a, b) => (a.to < b.to ? -1 : 1))) {
    const tail = `  ${node(from)} ${typesOnly ? '-.->' : '-->'}`;
    targets.set(tail, [...(targets.get(tail) ?? []), node(to)]);
  }
  const lines = [...targets].flatMap(([tail, heads]) =>
    heads.flatMap((_, i) => (i % 2 > 0 ? [] : `${tail} ${heads.slice(i, i + 2).join(' & ')}`)),
  );
  return ['```mermaid', 'flowchart TD', ...lines.sort(), '```'].join('\n');
}

/** `page` with the part between `<!-- name -->` and `<!-- end -->` replaced. */
export function withPart(page: string, name: string, part: string): string {
  const [before, rest] = page.split(`<!-- ${name} -->\n`);
  const end = rest?.indexOf('<!-- end -->') ?? -1;
  if (before === undefined || rest === undefined || end < 0) {
    throw new Error(`the page has no part between <!-- ${name} --> and <!-- end -->`);
  }
  return `${before}<!-- ${name} -->\n${part}\n${rest.slice(end)}`;
}
