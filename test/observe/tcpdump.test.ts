/** Lines of captured packets, compared with what tcpdump itself prints of the same file. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../src/capture/reader.js';
import { MINUTE } from '../../src/base/time.js';
import { parseLink } from '../../src/device/link/link-options.js';
import { CaptureFile } from '../../src/observe/capture-file.js';
import { hexLines } from '../../src/observe/hex-dump.js';
import { TcpdumpPrinter, type TcpdumpStyle } from '../../src/observe/tcpdump.js';
import { B4, B6, exchange, Hosts } from '../stack/hosts.js';
import { needs } from '../tools/needs.js';

let folder = '';
let file = '';

/** Two conversations with losses, IPv4 and IPv6, refused ones, and pings. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-tcpdump-'));
  file = join(folder, 'capture.pcapng');
  const blocks: Uint8Array[] = [];
  const capture = new CaptureFile((block) => blocks.push(block.slice()), {
    name: 'tun0',
    application: 'test',
    epoch: 1.7e15,
  });
  const hosts = new Hosts({ tap: capture, link: parseLink('loss 3% delay 5ms seed 4') });
  exchange(hosts, 30_000, 60_000, 4, 7);
  exchange(hosts, 3000, 3000, 6, 80);
  const user = { tcpEvents: () => undefined };
  for (const remote of [B4, B6]) {
    hosts.a.connect({ remote, remotePort: 9, user }, hosts.time.now);
    hosts.a.ping(remote, 7, 1, new Uint8Array(56), hosts.time.now);
  }
  hosts.a.run(hosts.time.now);
  hosts.settle(10 * MINUTE);
  capture.close(hosts.time.now);
  writeFileSync(file, Buffer.concat(blocks));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function ours(style: TcpdumpStyle): string[] {
  const printer = new TcpdumpPrinter(style);
  const lines: string[] = [];
  const reader = new CaptureReader((packet) => lines.push(printer.lines(packet)));
  reader.push(readFileSync(file));
  reader.end();
  return lines.join('\n').split('\n');
}

const theirs = (...options: string[]): string[] =>
  execFileSync('tcpdump', ['-n', ...options, '-r', file], {
    encoding: 'utf8',
    env: { ...process.env, TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 1 << 26,
  })
    .trimEnd()
    .split('\n');

describe('each line is tcpdump’s', () => {
  beforeEach(() => needs('tcpdump'));

  it.each<[string[], TcpdumpStyle]>([
    [[], {}],
    [['-S'], { absolute: true }],
    [['-t'], { time: 'none' }],
    [['-tt'], { time: 'epoch' }],
    [['-ttt'], { time: 'delta' }],
    [['-tttt'], { time: 'date' }],
    [['-x'], { hex: 'hex' }],
    [['-X'], { hex: 'ascii' }],
  ])('%j', (options, style) => {
    const [mine, other] = [ours(style), theirs(...options)];
    expect(mine.length).toBeGreaterThan(100);
    expect(mine).toEqual(other);
  });

  it('["-v"], but for the text of HTTP', () => {
    const isText = (line: string): boolean => line.startsWith('\t');
    const withoutHttp = (line: string): string => line.replace(/: HTTP(?:,|:|$).*$/, '');
    expect(ours({ verbose: true }).map(withoutHttp)).toEqual(
      theirs('-v')
        .filter((line) => !isText(line))
        .map(withoutHttp),
    );
  });
});

it('-v finds a wrong checksum, and says what it should be', () => {
  const bytes = readFileSync(file);
  const printer = new TcpdumpPrinter({ verbose: true });
  const verdicts: string[] = [];
  const reader = new CaptureReader((packet) => {
    if (packet.number !== 1) return;
    const right = /cksum (0x\w+) \(correct\)/.exec(printer.lines(packet))![1]!;
    packet.bytes[packet.ipOffset + 20 + 13]! ^= 1;
    const [, found, expected] = /cksum (0x\w+) \(incorrect -> (0x\w+)\)/.exec(
      printer.lines(packet),
    )!;
    verdicts.push(found!, right);
    expect(expected).not.toBe(right);
  });
  reader.push(bytes);
  expect(verdicts[0]).toBe(verdicts[1]);
});

it('bytes in hex, with and without ASCII', () => {
  const bytes = Uint8Array.from({ length: 18 }, (_, i) => 0x40 + i);
  expect(hexLines(bytes, 'hex')[1]).toBe('\t0x0010:  5051');
  expect(hexLines(bytes, 'ascii')[0]).toBe(
    '\t0x0000:  4041 4243 4445 4647 4849 4a4b 4c4d 4e4f  @ABCDEFGHIJKLMNO',
  );
});
