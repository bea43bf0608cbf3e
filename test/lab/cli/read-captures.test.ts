/** `tcplab explain`, `flow` and `graph` on files: what they print, also of mistakes. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { pcapFileHeader } from '../../../src/capture/pcap-writer.js';
import { explainCapture } from '../../../src/lab/cli/explain.js';
import { flow } from '../../../src/lab/cli/flow.js';
import { graph } from '../../../src/lab/cli/graph.js';
import { reusedPorts, transfer } from '../../analyse/corpus.js';

let folder = '';
let one = '';
let several = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-read-'));
  one = join(folder, 'one.pcap.gz');
  writeFileSync(one, gzipSync(transfer({ link: 'delay 20ms drop data:12-12', up: 60_000 })));
  several = join(folder, 'several.pcap');
  writeFileSync(several, reusedPorts(4));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command prints on standard output. */
async function printed(run: () => Promise<number>): Promise<string> {
  let text = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  expect(await run()).toBe(0);
  out.mockRestore();
  return text;
}

describe('explain', () => {
  it('prints text, JSON Lines or Markdown', async () => {
    expect(await printed(() => explainCapture(one, {}))).toMatch(
      /^Stream 0: 198\.18\.0\.1:\d+ -> /,
    );
    const lines = (await printed(() => explainCapture(several, { json: true }))).trim().split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { stream: number }).stream)).toEqual([
      0, 1, 2, 3,
    ]);
    expect(await printed(() => explainCapture(one, { markdown: true }))).toMatch(/^## 198/);
  });

  it('takes one conversation by its number, and packets by a filter', async () => {
    expect(await printed(() => explainCapture(several, { stream: 2 }))).toMatch(/^Stream 2:/);
    await expect(explainCapture(several, { filter: ['udp'] })).rejects.toThrow(
      /there is no TCP conversation in .*several\.pcap/,
    );
  });

  it('explains those with the most trouble, if there are many', async () => {
    const text = await printed(() => explainCapture(several, { limit: 1 }));
    expect(text.match(/^Stream /gm)).toHaveLength(1);
  });
});

describe('flow', () => {
  it('lists the conversations', async () => {
    const lines = (await printed(() => flow(several, { list: true }))).trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    expect(lines[1]).toMatch(/^ +0 +198\.18\.0\.1:40000 +198\.18\.0\.2:7 .* closed$/);
  });

  it('draws each format', async () => {
    const draw = (format: string): Promise<string> => printed(() => flow(one, { format }));
    expect(await draw('text')).toContain('✗');
    expect(await draw('svg')).toMatch(/^<svg /);
    expect(await draw('mermaid')).toMatch(/^sequenceDiagram\n/);
    expect(await draw('md')).toMatch(/^Client 198/);
    const file = join(folder, 'x.svg');
    await printed(() => flow(one, { format: 'svg', output: file }));
    expect(readFileSync(file, 'utf8')).toMatch(/<\/svg>\n$/);
  });
});

it('graph draws each kind, of either side', async () => {
  for (const from of ['client', 'server'])
    expect(await printed(() => graph('tcptrace', one, { from }))).toMatch(/^<svg /);
});

describe('mistakes get what to type', () => {
  it.each([
    ['no such stream', () => explainCapture(several, { stream: 9 }), /streams 0 to 3/],
    ['no such format', () => flow(one, { format: 'gif' }), /text, svg, mermaid, md/],
    ['no such graph', () => graph('pie', one, {}), /stevens, tcptrace/],
    ['no such side', () => graph('rtt', one, { from: 'left' }), /client or server/],
    ['both forms', () => explainCapture(one, { json: true, markdown: true }), /exclude/],
    ['no file', () => explainCapture(join(folder, 'none'), {}), /there is no file/],
    ['standard input twice', () => flow('-', {}), /only once/],
    ['a bad filter', () => explainCapture(one, { filter: ['tcp', 'prot', '80'] }), /prot/],
  ] as const)('%s', async (_name, run, message) => {
    await expect(run()).rejects.toThrow(message);
  });

  it('an empty capture', async () => {
    const empty = join(folder, 'empty.pcap');
    writeFileSync(empty, pcapFileHeader());
    await expect(explainCapture(empty, {})).rejects.toThrow(/0 packets, none of them/);
  });
});
