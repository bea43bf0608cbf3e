import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type Arrow,
  betweenLayers,
  importsOfFolders,
  picture,
  reduced,
  ROOT,
  within,
  withPart,
} from './import-graph.js';

const arrow = (from: string, to: string, typesOnly = false): Arrow => ({ from, to, typesOnly });

describe('the import graph', () => {
  it('is up to date in docs/architecture.md with `npm run docs`', async () => {
    const arrows = await importsOfFolders();
    expect(arrows).toContainEqual(arrow('tcp/send', 'base'));
    const file = join(ROOT, 'docs/architecture.md');
    let page = readFileSync(file, 'utf8');
    page = withPart(page, 'imports between layers', picture(reduced(betweenLayers(arrows))));
    page = withPart(page, 'imports within tcp', picture(within(arrows, 'tcp')));
    await expect(page).toMatchFileSnapshot(file);
  });

  it('draws the folders of a layer as one, and a type arrow only if nothing but types is imported', () => {
    const arrows = [
      arrow('tcp/send', 'base'),
      arrow('tcp', 'base', true),
      arrow('tcp', 'tcp/send'),
      arrow('lab/cli', 'lab/script', true),
    ];
    expect(betweenLayers(arrows)).toEqual([
      arrow('tcp', 'base'),
      arrow('lab/cli', 'lab/script', true),
    ]);
    expect(within(arrows, 'tcp')).toEqual([arrow('tcp', 'tcp/send')]);
  });

  it('leaves out arrows that other arrows imply; arrows of types imply no import of code', () => {
    const [ab, bc, ac] = [arrow('a', 'b'), arrow('b', 'c'), arrow('a', 'c')];
    expect(reduced([ab, bc, ac])).toEqual([ab, bc]);
    expect(reduced([arrow('a', 'b', true), bc, ac])).toEqual([arrow('a', 'b', true), bc, ac]);
  });

  it('is drawn in Mermaid', () => {
    const arrows = [
      arrow('lab/cli', 'wire'),
      arrow('lab/cli', 'base'),
      arrow('base', 'wire', true),
    ];
    expect(picture(arrows)).toBe(
      [
        '```mermaid',
        'flowchart TD',
        '  base -.-> wire',
        '  lab_cli["lab/cli"] --> base & wire',
        '```',
      ].join('\n'),
    );
  });

  it('throws if its place in the page is missing', () => {
    expect(withPart('a\n<!-- x -->\nold\n<!-- end -->\nb\n', 'x', 'new')).toBe(
      'a\n<!-- x -->\nnew\n<!-- end -->\nb\n',
    );
    expect(() => withPart('a\n', 'x', 'new')).toThrow('<!-- x -->');
  });
});
