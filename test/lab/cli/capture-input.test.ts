/** Where commands read captures from: files, standard input, gzip; and what they say otherwise. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CaptureReader } from '../../../src/core.js';
import { type CaptureInputOptions, readCapture } from '../../../src/lab/cli/capture-input.js';
import { CommandError } from '../../../src/lab/cli/errors.js';
import { pcap } from '../../capture/files.js';
import { buildPacket, pattern } from '../../device/packets.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tcplab-input-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const PACKETS = 500;
const FILE = pcap(
  {},
  Array.from({ length: PACKETS }, (_, i) => ({
    data: buildPacket({ version: 4, payload: pattern(1 + (i % 900), i) }),
  })),
);

async function read(
  path: string,
  options: CaptureInputOptions = {},
): Promise<{ packets: number; warning: string | null }> {
  const reader = new CaptureReader(() => undefined);
  const warning = await readCapture(path, reader, options);
  return { packets: reader.packets, warning };
}

const at = (name: string, bytes: Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** What the command says: message and what to do. */
async function complaint(path: string, options: CaptureInputOptions = {}): Promise<string[]> {
  try {
    await read(path, options);
  } catch (error) {
    if (error instanceof CommandError)
      return [error.message.replaceAll(`${folder}/`, ''), error.fix];
    throw error;
  }
  throw new Error('no error');
}

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size);
}

describe('a capture', () => {
  it('in a file, in a .gz, in a .gz with another name', async () => {
    const whole = { packets: PACKETS, warning: null };
    expect(await read(at('a.pcap', FILE))).toEqual(whole);
    expect(await read(at('a.pcap.gz', gzipSync(FILE)))).toEqual(whole);
    expect(await read(at('b.pcap', gzipSync(FILE)))).toEqual(whole);
    // Two members, as `cat a.gz b.gz` makes.
    const twice = Buffer.concat([gzipSync(FILE), gzipSync(FILE.subarray(24))]);
    expect(await read(at('c.gz', twice))).toEqual({ packets: 2 * PACKETS, warning: null });
  });

  it('on standard input, in pieces of one byte too', async () => {
    for (const size of [1, 7, 100_000])
      for (const bytes of [FILE, gzipSync(FILE)])
        expect(await read('-', { stdin: pieces(bytes, size) })).toEqual({
          packets: PACKETS,
          warning: null,
        });
  });

  it('tells how far it is', async () => {
    const told: (number | null)[][] = [];
    await read(at('a.pcap', FILE), { onProgress: (...numbers) => told.push(numbers) });
    expect(told.at(-1)).toEqual([FILE.length, FILE.length]);
    await read('-', { stdin: pieces(FILE, 9e9), onProgress: (...numbers) => told.push(numbers) });
    expect(told.at(-1)).toEqual([FILE.length, null]);
  });

  it('that is cut has its whole packets, and a sentence', async () => {
    const cut = FILE.subarray(0, FILE.length - 10);
    const { packets, warning } = await read(at('cut.pcap', cut));
    expect(packets).toBe(PACKETS - 1);
    expect(warning).toMatch(/cut\.pcap ends in the middle of a packet: \d+ bytes are left over$/);
    const packed = gzipSync(FILE);
    const half = await read(at('cut.gz', packed.subarray(0, packed.length >> 1)));
    expect(half.packets).toBeGreaterThan(PACKETS / 10);
    expect(half.warning).not.toBeNull();
  });
});

describe('what is no capture', () => {
  it('is said in a sentence, with what to do', async () => {
    expect(await complaint(join(folder, 'none.pcap'))).toEqual([
      'there is no file none.pcap',
      'check the path',
    ]);
    expect((await complaint(folder))[0]).toMatch(/ is a folder$/);
    expect(await complaint(at('empty', new Uint8Array(0)))).toEqual([
      'empty, at byte 0: the file is empty',
      expect.any(String),
    ]);
    expect((await complaint(at('x.txt', Buffer.from('hello, world\n'))))[0]).toBe(
      'x.txt, at byte 0: this is no capture: it is text',
    );
    expect((await complaint('-', { stdin: pieces(Buffer.from('{"a":1}'), 9) }))[0]).toBe(
      'standard input, at byte 0: this is no capture: it is JSON',
    );
    expect((await complaint(at('t.gz', gzipSync('hello'))))[0]).toContain('it is text');
    const damaged = gzipSync(FILE);
    damaged.fill(0x55, 200, 400);
    expect((await complaint(at('bad.gz', damaged)))[0]).toMatch(
      /^bad\.gz(?: is compressed with gzip, and damaged: |, at byte )/,
    );
  });

  it('is said of a damaged one, with the place', async () => {
    const damaged = FILE.slice();
    damaged.fill(0xff, 32, 36);
    expect((await complaint(at('bad.pcap', damaged)))[0]).toMatch(
      /^bad\.pcap, at byte 24: a packet is said to have 4294967295 bytes/,
    );
  });
});
