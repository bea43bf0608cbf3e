/**
 * Wireshark and tcpdump read all that we write, without a malformed packet. Without them the
 * formats are tested in reader.test.ts and writers.test.ts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  decryptionSecrets,
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  LinkType,
  type PacketRecord,
  pcapFileHeader,
  pcapPacket,
  sectionHeader,
} from '../../src/core.js';
import { buildPacket, pattern } from '../device/packets.js';
import { needs } from '../tools/needs.js';
import { concat } from './files.js';
import { frameOf, LINKS, type LinkSpec } from './frames.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-capture-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => needs('tshark', 'tcpdump'));

const IPS = [4, 6].flatMap((version) =>
  [0, 1, 700].map((length) =>
    buildPacket({ version: version as 4 | 6, payload: pattern(length), timestamps: true }),
  ),
);

/** One packet of each kind, a nanosecond more than a second after the other. */
const recordsOf = (link: LinkSpec): PacketRecord[] =>
  IPS.map((ip, i) => {
    const bytes = frameOf(link, ip);
    return {
      interfaceId: i % 2,
      seconds: 1_767_225_600 + i,
      nanos: 1001 * i,
      bytes,
      offset: 0,
      capturedLength: bytes.length,
      originalLength: bytes.length,
      direction: (['in', 'out', null] as const)[i % 3]!,
      comments: ['why', 'wäre'].slice(0, i % 3),
    };
  });

const pcapng = (link: LinkSpec): Uint8Array =>
  concat(
    sectionHeader('tcplab test'),
    decryptionSecrets(`CLIENT_RANDOM ${'0a'.repeat(32)} ${'0b'.repeat(48)}\n`),
    interfaceDescription({ name: 'tun0', linkType: link.linkType, filter: 'tcp' }),
    interfaceDescription({ name: 'tun0-dropped', description: 'x', linkType: link.linkType }),
    ...recordsOf(link).map(enhancedPacket),
    interfaceStatistics(0, { seconds: 1_767_225_700, nanos: 0 }, { received: 3, dropped: 0 }),
    interfaceStatistics(1, { seconds: 1_767_225_700, nanos: 0 }, { received: 3, dropped: 3 }),
  );

const pcapOf = (link: LinkSpec, resolution: 'microseconds' | 'nanoseconds'): Uint8Array =>
  concat(
    pcapFileHeader({ linkType: link.linkType, resolution }),
    ...recordsOf(link).map((record) => pcapPacket(record, resolution)),
  );

const fileOf = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name.replaceAll(/\W+/g, '-'));
  writeFileSync(path, bytes);
  return path;
};

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });

const FIELDS = ['frame.number', 'frame.time_epoch', 'frame.len', 'frame.cap_len', 'tcp.len'];

function tshark(path: string, fields: readonly string[], filter = ''): string[][] {
  const args = ['-r', path, '-T', 'fields', '-E', 'separator=|'];
  const more = filter === '' ? [] : ['-Y', filter];
  return run('tshark', ...args, ...fields.flatMap((f) => ['-e', f]), ...more)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('|'));
}

const two = (n: number): string => String(n).padStart(9, '0');

/** They know OpenBSD's number of raw IP not, and the BSDs' numbers of IPv6 only. */
const SHARK_LINKS = LINKS.filter(
  ({ linkType, name }) =>
    linkType !== LinkType.rawOpenBsd && !/^(?:null, .*-endian|loop)$/.test(name),
);

describe.each(SHARK_LINKS)('frames of $name', (link) => {
  it.each(['pcapng', 'nanoseconds', 'microseconds'] as const)('in %s', (format) => {
    const file = format === 'pcapng' ? pcapng(link) : pcapOf(link, format);
    const path = fileOf(`${link.name}.${format}`, file);
    expect(tshark(path, ['frame.number'], '_ws.malformed')).toEqual([]);
    const perTick = format === 'microseconds' ? 1000 : 1;
    expect(tshark(path, FIELDS)).toEqual(
      recordsOf(link).map((p, i) => [
        String(i + 1),
        `${p.seconds}.${two(p.nanos - (p.nanos % perTick))}`,
        String(p.originalLength),
        String(p.capturedLength),
        String([0, 1, 700][i % 3]),
      ]),
    );
    // libpcap reads no pcapng file with two interfaces of this type (pcapng-writer.ts says why).
    if (link.linkType === LinkType.raw && format === 'pcapng') return;
    const lines = run('tcpdump', '-nr', path).split('\n');
    expect(lines.filter((line) => /(?:198\.18\.0\.|::)2\.80: Flags/.test(line))).toHaveLength(6);
  });
});

describe('pcapng, in the eyes of Wireshark', () => {
  const link = LINKS[0]!;
  it('has names, directions, comments, statistics and secrets', () => {
    const path = fileOf('all.pcapng', pcapng(link));
    const fields = ['frame.interface_name', 'frame.packet_flags_direction', 'frame.comment'];
    const rows = tshark(path, fields);
    expect(rows.map(([name, , comment]) => [name, comment])).toEqual(
      recordsOf(link).map((p) => [['tun0', 'tun0-dropped'][p.interfaceId], p.comments.join(',')]),
    );
    const directions = { in: 1, out: 2 };
    expect(rows.map(([, direction]) => Number(direction))).toEqual(
      recordsOf(link).map((p) => (p.direction === null ? 0 : directions[p.direction])),
    );
    const text = run('capinfos', '-M', path);
    expect(text).toMatch(/Capture application: tcplab test/);
    expect(text).toMatch(/Time precision = nanoseconds \(9\)/);
    expect(text).toMatch(/Number of decryption secrets in file: 1/);
  });
});
