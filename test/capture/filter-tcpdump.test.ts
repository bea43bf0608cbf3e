/**
 * Capture filters against libpcap's: over random frames of each link type, a random filter accepts
 * the packets that `tcpdump -r FILE -w - FILTER` writes. Where libpcap's optimizer changes what a
 * filter does with a cut packet, the program without it (`-O`) must agree, and that must be rare.
 *
 *     TCPLAB_FILTERS=2000 npx vitest run --config .ci/vitest.config.ts test/capture/filter-tcpdump
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { CaptureReader, compileFilter, FilterError, LinkType } from '../../src/core.js';
import { needs } from '../tools/needs.js';
import { pcap, readAll } from './files.js';
import { PORT_POOL, randomFrame, V4_POOL, V6_POOL } from './random-packets.js';

const FILTERS = Number(process.env['TCPLAB_FILTERS'] ?? 40);
const FRAMES = 400;
const SEED = 20_261_201;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-filter-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => needs('tcpdump'));

// ---- Random filters -----------------------------------------------------------------------------

const one = fc.constantFrom;
const words = (...parts: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.tuple(...parts).map((all) => all.filter((part) => part !== '').join(' '));

const direction = one('', '', 'src', 'dst', 'src or dst', 'src and dst', 'dst or src');
const port = one(...PORT_POOL.map(String), '0x50', 'http', 'domain');
const transportWord = one('', '', 'tcp', 'udp', 'sctp');
const v4 = one(...V4_POOL);
const v6 = one(...V6_POOL);
const joint = one('and', 'or', '&&', '||');
const negation = one('', '', '', 'not', '!');

const network4 = one(
  '10',
  '10.1',
  '10.0.0.0/8',
  '10.1.2.0/23',
  '198.18.0.0/15',
  '198.18.0.2/31',
  '192.168.0.0 mask 255.255.0.0',
  '0.0.0.0/0',
);
const network6 = one('fd00::/8', 'fe80::/10', '2001:db8::/32', '::/0', 'fd74:6370:6c61:62::2/127');
const portRange = fc.tuple(one(...PORT_POOL), one(...PORT_POOL)).map(([a, b]) => `${a}-${b}`);

/** Heads whose ids may be elided, with their ids. */
const heads: readonly (readonly [head: fc.Arbitrary<string>, id: fc.Arbitrary<string>])[] = [
  [words(transportWord, direction, one('port')), port.filter((p) => !/[a-z]{2}/.test(p))],
  [words(transportWord, direction, one('portrange')), portRange],
  [words(direction, one('host')), fc.oneof(v4, v6, one('10.1'))],
  [words(one('ip', 'arp', 'rarp'), direction, one('host')), v4],
  [words(one('ip6'), direction, one('host')), v6],
  [words(direction, one('net')), fc.oneof(network4, network6)],
  [words(one('ip', 'ip6'), one('proto')), one('6', '17', '1', '44', '58', '\\udp')],
];
const headAndIds = fc.oneof(
  ...heads.map(([head, id]) =>
    fc.oneof(
      { weight: 3, arbitrary: words(head, id) },
      { weight: 1, arbitrary: words(head, id, joint, id) },
      { weight: 1, arbitrary: words(head, id, joint, one('not'), id, joint, id) },
      { weight: 1, arbitrary: words(head, one('('), id, joint, id, one(')')) },
      { weight: 1, arbitrary: words(head, one('not'), id) },
    ),
  ),
);

const named = one('port http', 'tcp port domain', 'src port https', 'udp port domain');
const proto = one(
  ...['ip', 'ip6', 'tcp', 'udp', 'icmp', 'icmp6', 'arp', 'rarp', 'sctp', 'igmp', 'pim', 'esp'],
);
const length = fc
  .tuple(one('less', 'greater', 'len <', 'len >=', 'len !=', '60 <='), fc.nat(140))
  .map(([sign, n]) => (sign === '60 <=' ? '60 <= len' : `${sign} ${n}`));

const flagNames = ['fin', 'syn', 'rst', 'push', 'ack', 'urg', 'ece', 'cwr'].map((f) => `tcp-${f}`);
const flags = fc
  .tuple(
    one(...flagNames),
    one(...flagNames),
    one('!= 0', '== 0', '= tcp-syn', '= tcp-syn|tcp-ack'),
  )
  .map(([a, b, is]) => `tcp[tcpflags] & (${a}|${b}) ${is}`);
const icmp = one(
  'icmp[icmptype] = icmp-echo',
  'icmp[icmptype] != icmp-echoreply',
  'icmp6[icmp6type] = icmp6-echo',
  'icmp[icmpcode] > 1',
  'icmp6[1] <= 2',
);

const { arithmetic } = fc.letrec<{ arithmetic: string; load: string; number: string }>((tie) => ({
  number: one('0', '1', '4', '5', '15', '16', '20', '0x3c', '255', '2', '-1'),
  load: fc
    .tuple(
      one('ip', 'ip', 'ip6', 'tcp', 'tcp', 'udp', 'icmp', 'icmp6', 'ether', 'sctp', 'arp'),
      fc.oneof(
        { weight: 6, arbitrary: fc.nat(24).map(String) },
        { weight: 1, arbitrary: tie('arithmetic') },
      ),
      one('', '', ':1', ':2', ':4'),
    )
    .map(([from, index, size]) => `${from}[${index}${size}]`),
  arithmetic: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    { weight: 3, arbitrary: tie('load') },
    { weight: 2, arbitrary: tie('number') },
    { weight: 1, arbitrary: one('len') },
    {
      weight: 2,
      arbitrary: words(
        tie('arithmetic'),
        one('+', '-', '*', '&', '|', '^', '<<', '>>', '/', '%'),
        tie('arithmetic'),
      ),
    },
    { weight: 1, arbitrary: tie('arithmetic').map((inner) => `(${inner})`) },
  ),
}));
const relation = words(arithmetic, one('=', '!=', '<', '>', '<=', '>='), arithmetic);

const condition = (extra: readonly fc.Arbitrary<string>[]): fc.Arbitrary<string> =>
  fc.letrec<{ filter: string }>((tie) => ({
    filter: fc.oneof(
      { maxDepth: 3, depthSize: 'medium' },
      words(negation, headAndIds),
      words(negation, fc.oneof(proto, proto, length, flags, icmp, relation, named, ...extra)),
      words(tie('filter'), joint, tie('filter')),
      tie('filter').map((inner) => `not (${inner})`),
      tie('filter').map((inner) => `(${inner})`),
    ),
  })).filter;

// ---- Both answers -------------------------------------------------------------------------------

/** Numbers of the packets that tcpdump writes; null if it refuses the filter. */
function tcpdumps(file: string, filter: string, ...more: string[]): number[] | null {
  const args = ['-r', file, '-w', '-', ...more, '--', filter];
  const { stdout, stderr, status } = spawnSync('tcpdump', args, { encoding: 'buffer' });
  if (status !== 0) {
    if (String(stderr).includes('rejects all packets')) return [];
    // Anything else is a mistake of this test.
    expect(String(stderr)).toMatch(/expression|zero|bits|modifier|illegal|bogus|offset|size/);
    return null;
  }
  // The time of each packet is its number.
  return readAll(stdout).packets.map(({ seconds }) => seconds);
}

function ours(file: Uint8Array, filter: string): number[] | null {
  try {
    const accepts = compileFilter(filter);
    const numbers: number[] = [];
    const reader = new CaptureReader((packet) => {
      if (accepts(packet)) numbers.push(packet.number);
    });
    reader.push(file);
    return numbers;
  } catch (error) {
    if (error instanceof FilterError) return null;
    throw error;
  }
}

// tcpdump does not know OpenBSD's number.
const LINK_TYPES = Object.entries(LinkType).filter(([name]) => name !== 'rawOpenBsd');

describe.each(LINK_TYPES)('frames of %s', (name, linkType) => {
  it.each([false, true])('pass as in libpcap (cut by a snap length: %s)', (cut) => {
    const random = new SeededRandom(SEED + linkType);
    const frames = Array.from({ length: FRAMES }, (_, i) => ({
      ...randomFrame(random, linkType, cut),
      seconds: i + 1,
    }));
    const file = pcap({ linkType }, frames);
    const path = join(folder, `${name}-${cut}.pcap`);
    writeFileSync(path, file);
    const extra =
      linkType === LinkType.ethernet ? [fc.constantFrom('vlan', 'vlan 5', 'vlan 6')] : [];
    let some = 0;
    let agreed = 0;
    fc.assert(
      fc.property(condition(extra), (filter) => {
        const theirs = tcpdumps(path, filter);
        const accepted = ours(file, filter);
        if (isDeepStrictEqual(accepted, theirs)) agreed++;
        else expect(accepted, filter).toEqual(tcpdumps(path, filter, '-O'));
        if (theirs !== null && theirs.length > 0 && theirs.length < FRAMES) some++;
      }),
      { numRuns: FILTERS, seed: SEED },
    );
    // Of whole packets the optimizer changes only reads behind their end.
    expect(agreed).toBeGreaterThan(FILTERS * (cut ? 0.7 : 0.9));
    // The filters say something: many accept some frames and not all.
    expect(some).toBeGreaterThan(FILTERS / 8);
  });
});
