import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MARK_NAMES, wiresharkField } from '../../src/analyse/marks.js';
import { hasTool } from '../tools/list.mjs';
import { needs } from '../tools/needs.js';
import { CORPUS, mergedCorpus } from './corpus.js';
import { type Agreement, compare, type Difference, tsharkRows } from './wireshark.js';

const PAGE = resolve(import.meta.dirname, '../../docs/wireshark-agreement.md');
const LEAST = 0.98;
const BEGIN = '<!-- measured -->';

/** Every difference belongs to one of these, which docs/wireshark-agreement.md explains. */
const KNOWN: readonly { title: string; covers: (d: Difference) => boolean }[] = [
  {
    title: 'A round trip of zero',
    covers: ({ kind, ours }) => kind === 'initial_rtt' && ours === '',
  },
  {
    title: 'SACK blocks that an ACK has overtaken',
    covers: ({ kind, theirs }) => kind === 'bytes_in_flight' && theirs === '',
  },
];

let folder = '';
let agreement: Agreement;
let firstFrames: number[] = [];
beforeAll(() => {
  if (!hasTool('tshark')) return;
  folder = mkdtempSync(join(tmpdir(), 'tcplab-agreement-'));
  const merged = mergedCorpus();
  ({ firstFrames } = merged);
  const path = join(folder, 'corpus.pcap');
  writeFileSync(path, merged.file);
  agreement = compare(merged.file, tsharkRows(path));
}, 600_000);
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true });
});

const scenarioOf = (frame: number): string =>
  CORPUS[firstFrames.findLastIndex((first) => first <= frame)]!.name;

describe('marks beside those of tshark', () => {
  it.each(MARK_NAMES)('%s: precision and recall are at least 0.98', (name) => {
    needs('tshark');
    const { both, ours, theirs } = agreement.marks[name];
    expect(both, 'the corpus has it').toBeGreaterThan(0);
    const wrong = agreement.differences
      .filter((d) => d.kind === name)
      .map((d) => `frame ${d.frame}, ${scenarioOf(d.frame)}: ours ${d.ours}`);
    if (both < 50) expect(wrong.length, wrong.join('\n')).toBeLessThanOrEqual(1);
    else {
      expect(both / (both + ours), wrong.slice(0, 9).join('\n')).toBeGreaterThanOrEqual(LEAST);
      expect(both / (both + theirs), wrong.slice(0, 9).join('\n')).toBeGreaterThanOrEqual(LEAST);
    }
  });

  it('numbers, too: streams, flight, round trips, timeouts, duplicate ACKs', () => {
    needs('tshark');
    for (const [name, { equal, different }] of Object.entries(agreement.numbers)) {
      expect(equal / (equal + different), name).toBeGreaterThanOrEqual(0.99);
    }
  });

  it('each difference is one that the page explains', () => {
    needs('tshark');
    const page = readFileSync(PAGE, 'utf8');
    const unknown = agreement.differences.filter((d) => {
      const known = KNOWN.find(({ covers }) => covers(d));
      return known === undefined || !page.includes(`### ${known.title}`);
    });
    const texts = unknown.map(
      (d) => `${d.kind}, frame ${d.frame} (${scenarioOf(d.frame)}): ${d.ours}, tshark ${d.theirs}`,
    );
    expect(texts.slice(0, 20)).toEqual([]);
  });

  it('the page has the table; TCPLAB_AGREEMENT=write measures it again', () => {
    needs('tshark');
    const write = process.env['TCPLAB_AGREEMENT'] === 'write';
    const page = readFileSync(PAGE, 'utf8');
    const from = page.indexOf(BEGIN) + BEGIN.length;
    const to = page.indexOf('<!-- end -->');
    const table = write ? `\n\n${tableOf(agreement)}\n` : page.slice(from, to);
    if (write) writeFileSync(PAGE, `${page.slice(0, from)}${table}${page.slice(to)}`);
    for (const name of MARK_NAMES) expect(table).toContain(`| ${wiresharkField(name)} |`);
  });
});

function tableOf({ marks, numbers, segments }: Agreement): string {
  const share = (part: number, whole: number): string => (part / whole).toFixed(3);
  return [
    `Measured on ${segments.toLocaleString('en')} segments of ${CORPUS.length} captures.`,
    '',
    '| field | both | only ours | only tshark | precision | recall |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    ...MARK_NAMES.map((name) => {
      const { both, ours, theirs } = marks[name];
      return (
        `| ${wiresharkField(name)} | ${both} | ${ours} | ${theirs} | ` +
        `${share(both, both + ours)} | ` +
        `${share(both, both + theirs)} |`
      );
    }),
    '',
    '| number | equal | different |',
    '| --- | ---: | ---: |',
    ...Object.entries(numbers).map(
      ([name, { equal, different }]) =>
        `| ${name.startsWith('tcp') ? name : `tcp.analysis.${name}`} | ${equal} | ${different} |`,
    ),
    '',
  ].join('\n');
}
