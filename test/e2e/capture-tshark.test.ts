import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Capture } from '../../src/device/capture.js';
import { CaptureFile } from '../../src/observe/capture-file.js';
import { fanOutEvents, LinkListenerSet } from '../../src/observe/fanout.js';
import { pcapFileHeader, pcapPacket } from '../../src/capture/pcap-writer.js';
import { captureTime } from '../../src/capture/time.js';
import { Recorder } from '../../src/observe/recorder.js';
import type { TraceEvent } from '../../src/observe/events.js';
import { buildPacket, pattern } from '../device/packets.js';
import { converse, START } from '../observe/conversation.js';
import { needs } from '../tools/needs.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-pcap-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const CHECKSUMS = ['ip', 'tcp', 'udp'].flatMap((p) => ['-o', `${p}.check_checksum:TRUE`]);
const BAD =
  '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || ' +
  'udp.checksum.status == 0';

// Without tshark the format is tested all the same: test/capture/writers.test.ts.
beforeEach(() => needs('tshark'));

/** The output of tshark: one row a packet, one column a field. */
function tshark(file: string, fields: string[], filter = ''): string[][] {
  const args = [
    '-r',
    file,
    ...CHECKSUMS,
    '-T',
    'fields',
    '-E',
    'separator=|',
    ...fields.flatMap((f) => ['-e', f]),
  ];
  if (filter !== '') args.push('-Y', filter);
  const text = execFileSync('tshark', args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => line.split('|'));
}

const fileOf = (name: string, chunks: Uint8Array[]): string => {
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat(chunks));
  return path;
};

const EPOCH = 1_767_225_600_000_000; // 2026-01-01

/** A conversation, captured below the link, with comments. */
function captured(name: string, link: string, offload: boolean, responseBytes = 300): string {
  const chunks: Uint8Array[] = [];
  const file = new CaptureFile((bytes) => chunks.push(bytes), {
    name: 'tun0',
    application: 'tcplab test',
    epoch: EPOCH,
  });
  const recorder = new Recorder(fanOutEvents<TraceEvent>(file.sink), START);
  const { time } = converse({
    link,
    offload,
    responseBytes,
    observer: recorder,
    linkListener: new LinkListenerSet(recorder, file),
    wrap: (device) => new Capture(device, file),
  });
  file.close(time.now);
  return fileOf(name, chunks);
}

describe('CaptureFile, read by tshark', () => {
  it('has no malformed packet and no bad checksum; directions and times are right', () => {
    const file = captured('plain.pcapng', '', true, 50_000);
    expect(tshark(file, ['frame.number'], BAD)).toEqual([]);
    const rows = tshark(file, [
      'frame.interface_name',
      'tcp.len',
      'tcp.checksum.status',
      'frame.packet_flags_direction',
    ]);
    expect(rows.length).toBeGreaterThan(8);
    expect(new Set(rows.map((r) => r[0]))).toEqual(new Set(['tun0']));
    expect(new Set(rows.map((r) => r[2]))).toEqual(new Set(['1']));
    const bytes = (direction: string): number =>
      rows
        .filter((r) => Number(r[3]) === Number(direction))
        .reduce((sum, r) => sum + Number(r[1]), 0);
    expect({ in: bytes('1'), out: bytes('2') }).toEqual({ in: 18, out: 50_000 });
    const [first] = tshark(file, ['frame.time_epoch']);
    expect(first).toEqual(['1767225601.000000000']);
  });

  it('keeps super-segments whole, checksum complete', () => {
    const chunks: Uint8Array[] = [];
    const file = new CaptureFile((b) => chunks.push(b), {
      name: 'tun0',
      application: 't',
      epoch: EPOCH,
    });
    converse({ offload: true, responseBytes: 50_000, wrap: (device) => new Capture(device, file) });
    file.close(START);
    const path = fileOf('gso.pcapng', chunks);
    expect(tshark(path, ['tcp.len'], BAD)).toEqual([]);
    const lengths = tshark(path, ['tcp.len']).map((r) => Number(r[0]));
    expect(Math.max(...lengths)).toBeGreaterThan(10_000);
    expect(lengths.reduce((a, b) => a + b)).toBe(50_018);
  });

  it('shows packets that the link dropped on a separate interface, with the reason', () => {
    needs('tcpdump');
    const file = captured('faults.pcapng', 'drop syn-ack:2', true);
    const rows = tshark(
      file,
      ['tcp.flags', 'frame.comment'],
      'frame.interface_name == "tun0-dropped-by-faults"',
    );
    expect(rows).toEqual([
      ['0x0012', 'linkRule syn-ack:2: dropped on the link on purpose (drop rule)'],
      ['0x0012', 'linkRule syn-ack:2: dropped on the link on purpose (drop rule)'],
    ]);
    expect(tshark(file, ['frame.number'], BAD)).toEqual([]);
    // Another reader with other ideas of what two interfaces are: libpcap.
    const tcpdump = spawnSync('tcpdump', ['-nr', file], { encoding: 'utf8' });
    expect(tcpdump.stderr).not.toMatch(/different/);
    expect(tcpdump.stdout.split('\n').filter((line) => line !== '')).toHaveLength(
      tshark(file, ['frame.number']).length,
    );
  });

  it("carries our stack's explanation of a packet as its comment", () => {
    const file = captured('comments.pcapng', 'out delay 20ms', false);
    const comments = (filter: string): string =>
      tshark(file, ['frame.comment'], filter).flat().join('\n');
    expect(comments('tcp.flags == 0x002')).toContain(
      'LISTEN → SYN-RECEIVED: valid SYN on a listening port',
    );
    expect(comments('tcp.flags == 0x012')).toContain('a 4 us clock plus a keyed hash');
    expect(comments('tcp.len == 18')).toContain('SYN-RECEIVED → ESTABLISHED');
    expect(comments('tcp.flags.fin == 1 && tcp.srcport == 80')).toContain(
      'FIN: we have sent all our data',
    );
    expect(tshark(file, ['frame.number'], 'not frame.comment')).toEqual([]);
  });

  it('includes packets that are corrupted on purpose', () => {
    const file = captured('broken.pcapng', 'out corrupt 20% seed 5', true);
    expect(tshark(file, ['frame.number'], BAD).length).toBeGreaterThan(0);
  });

  it('ends with the statistics of each interface', () => {
    const file = captured('stats.pcapng', 'drop syn-ack:2', true);
    const text = execFileSync('capinfos', ['-M', file], { encoding: 'utf8' });
    expect(text).toMatch(/Name = tun0\n/);
    expect(text).toMatch(/Name = tun0-dropped-by-faults\n/);
    expect(text).toMatch(/Number of stat entries = 1\n/);
    expect(text).toContain('Capture application: tcplab test');
    expect(text).toContain('Encapsulation = Raw IP');
    expect(text).toContain('Time precision = nanoseconds (9)');
  });
});

describe('pcap, read by tshark', () => {
  it('has the packets and their times', () => {
    const packets = [4, 6].map((version) =>
      buildPacket({ version: version as 4 | 6, payload: pattern(1400) }),
    );
    const chunks = packets.map((p, i) =>
      pcapPacket({
        ...captureTime(EPOCH + i * 1_000_000 + 0.25),
        bytes: p,
        offset: 0,
        capturedLength: p.length,
        originalLength: p.length,
      }),
    );
    const file = fileOf('old.pcap', [pcapFileHeader(), ...chunks]);
    expect(tshark(file, ['frame.time_epoch', 'tcp.len', 'tcp.checksum.status'])).toEqual([
      ['1767225600.000000250', '1400', '1'],
      ['1767225601.000000250', '1400', '1'],
    ]);
  });
});
