import { describe, expect, it } from 'vitest';
import { drawGraph, GRAPH_KINDS } from '../../src/draw/graphs.js';
import { ladderMarkdown, ladderMermaid } from '../../src/draw/ladder-mermaid.js';
import { ladderSvg } from '../../src/draw/ladder-svg.js';
import { ladderText } from '../../src/draw/ladder-text.js';
import { linear } from '../../src/draw/scale.js';
import { transcribe } from '../analyse/analyse.js';
import { slowReader, transfer } from '../analyse/corpus.js';
import { SECOND } from '../../src/base/time.js';
import { bundleForBrowser } from '../core/bundle.js';

const [conversation, rows] = transcribe(
  transfer({ link: 'delay 20ms drop data:12-12', up: 100_000 }),
);

/** Every element that begins ends, in order; attributes are quoted. */
function expectWellFormed(svg: string): void {
  const open: string[] = [];
  for (const [, close, name, rest] of svg.matchAll(/<(\/?)([a-zA-Z]+)([^<>]*)>/g)) {
    expect(rest).toMatch(/^(\s+[\w:-]+="[^"<]*")*\s*\/?$/);
    if (close === '/') expect(open.pop()).toBe(name);
    else if (!rest!.endsWith('/')) open.push(name!);
  }
  expect(open).toEqual([]);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
}

describe('graphs', () => {
  it.each(GRAPH_KINDS)('%s: well-formed, light and dark, for each direction', (kind) => {
    for (const direction of [0, 1] as const) {
      const svg = drawGraph(kind, { conversation, rows, direction });
      expectWellFormed(svg);
      expect(svg).toContain('@media (prefers-color-scheme:dark)');
    }
  });

  it('tcptrace ties together segments, losses and what was sent again', () => {
    const svg = drawGraph('tcptrace', { conversation, rows, direction: 0 });
    expect(svg.match(/was lost/g)).toHaveLength(1);
    expect(svg).toMatch(/frame \d+ repeats \d+/);
  });

  it('cwnd has a ribbon of what limited the sender', () => {
    const [slow, slowRows] = transcribe(slowReader(5 * SECOND));
    const svg = drawGraph('cwnd', { conversation: slow, rows: slowRows, direction: 0 });
    expect(svg).toContain('<title>receiver</title>');
  });

  it('draw nothing for no rows', () => {
    for (const kind of GRAPH_KINDS)
      expectWellFormed(drawGraph(kind, { conversation, rows: [], direction: 0 }));
  });
});

describe('ladders', () => {
  it('the text fits the terminal, and is ASCII on request', () => {
    for (const columns of [72, 100, 140])
      for (const line of ladderText(conversation, rows, { columns }).split('\n'))
        expect([...line].length, line).toBeLessThanOrEqual(Math.max(columns, 75));
    // eslint-disable-next-line no-control-regex -- that is what ASCII is
    expect(ladderText(conversation, rows, { ascii: true })).toMatch(/^[\x00-\x7f]*$/);
  });

  it('shows the loss as a cross and names the original', () => {
    const text = ladderText(conversation, rows);
    expect(text.match(/✗/g)).toHaveLength(1);
    expect(text).toMatch(/TCP Fast Retransmission; repeats frame \d+/);
    expect(text).toContain('SYN-RECEIVED');
  });

  it('puts long runs together, unless all packets are wanted', () => {
    const short = ladderText(conversation, rows);
    const long = ladderText(conversation, rows, { all: true });
    expect(short).toMatch(/… \d+ segments, \d+ bytes of the client/);
    expect(long).not.toContain('…');
    expect(long.length).toBeGreaterThan(short.length);
  });

  it('absolute numbers', () => {
    const { absoluteSeq } = rows[0]!;
    expect(ladderText(conversation, rows, { absolute: true })).toContain(`seq ${absoluteSeq} `);
  });

  it('the SVG is well-formed and ties what was sent again to its original', () => {
    for (const timeScale of [false, true]) {
      const svg = ladderSvg(conversation, rows, { timeScale });
      expectWellFormed(svg);
      expect(svg).toContain('class="t d s-again"');
    }
  });

  it('Mermaid and Markdown have a line for each step', () => {
    const mermaid = ladderMermaid(conversation, rows, { all: true }).split('\n');
    expect(mermaid[0]).toBe('sequenceDiagram');
    expect(mermaid.filter((line) => /^ {2}[CS](->>|-x)[CS]: /.test(line))).toHaveLength(
      rows.length,
    );
    expect(mermaid.filter((line) => line.includes('-x'))).toHaveLength(1);
    const table = ladderMarkdown(conversation, rows, { all: true }).trimEnd().split('\n');
    expect(table).toHaveLength(rows.length + 4);
  });
});

it('axes have round numbers', () => {
  const labels = (from: number, to: number, unit: 'seconds' | 'bytes' | 'bits/s'): string[] => {
    const scale = linear(from, to, 0, 100, unit, 5);
    return scale.ticks.map(scale.label);
  };
  expect(labels(0, 1, 'seconds')).toEqual(['0', '0.2 s', '0.4 s', '0.6 s', '0.8 s', '1 s']);
  expect(labels(0, 0.05, 'seconds')[1]).toBe('10 ms');
  expect(labels(0, 2_500_000, 'bytes')[1]).toBe('500 kB');
  expect(labels(0, 3, 'bytes')).toEqual(['0', '1 B', '2 B', '3 B']);
  expect(labels(0, 1e9, 'bits/s').at(-1)).toBe('1 Gbit/s');
});

it('analyser and drawings bundle for a browser, without a module of Node', async () => {
  const { outside, modules } = await bundleForBrowser(
    "export * from './src/analyse/analyser.ts';\nexport * from './src/draw/graphs.ts';\n" +
      "export * from './src/draw/ladder-svg.ts';\n" +
      "export * from './src/analyse/explain/render.ts';\n" +
      "export * from './src/analyse/explain/explanation.ts';",
  );
  expect(outside).toEqual([]);
  expect(
    modules.filter(
      (path) => !/^src\/(base|wire|capture|analyse|draw)\/|^src\/ip\/address\.ts$/.test(path),
    ),
  ).toEqual([]);
});
