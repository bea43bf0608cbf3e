/** The reader, against files that test/capture/files.ts writes, and in every cut of them. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureError, CaptureReader, linkTypeName } from '../../src/core.js';
import { buildPacket, pattern } from '../device/packets.js';
import { block, concat, description, type Order, packet, pcap, readAll, section } from './files.js';
import { frameOf, LINKS } from './frames.js';

const ORDERS: readonly Order[] = ['little', 'big'];
const V4 = buildPacket({ version: 4, payload: pattern(5) });
const V6 = buildPacket({ version: 6, payload: pattern(6) });

/** The error that reading `file` throws. */
function failure(file: Uint8Array, limits = {}): CaptureError {
  try {
    readAll(file, [], limits);
  } catch (error) {
    if (error instanceof CaptureError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe.each(ORDERS)('pcap, %s-endian', (order) => {
  it('microseconds', () => {
    const file = pcap({ order }, [
      { seconds: 7, fraction: 999_999, data: V4, originalLength: 1500 },
      { seconds: 0xffffffff, fraction: 0, data: V6 },
    ]);
    const { packets, reader } = readAll(file);
    expect(packets).toMatchObject([
      { number: 1, seconds: 7, nanos: 999_999_000, frame: V4, originalLength: 1500, ipOffset: 0 },
      { number: 2, seconds: 0xffffffff, nanos: 0, frame: V6, originalLength: V6.length },
    ]);
    expect(reader.interfaces).toMatchObject([
      { name: '', linkType: 101, snapLength: 262_144, tsResolution: 6, statistics: null },
    ]);
    expect([reader.format, reader.packets, reader.cutBytes]).toEqual(['pcap', 2, 0]);
    expect(reader.bytesRead).toBe(file.length);
  });

  it('nanoseconds', () => {
    const file = pcap({ order, magic: 0xa1b23c4d }, [{ seconds: 1, fraction: 5, data: V4 }]);
    const { packets, reader } = readAll(file);
    expect(packets).toMatchObject([{ seconds: 1, nanos: 5 }]);
    expect(reader.interfaces[0]!.tsResolution).toBe(9);
  });

  it('the longer packet headers of a patched libpcap', () => {
    const file = pcap({ order, magic: 0xa1b2cd34 }, [{ data: V4 }, { data: V6 }]);
    expect(readAll(file).packets.map(({ frame }) => frame)).toEqual([V4, V6]);
  });

  it('swapped lengths before version 2.4', () => {
    for (const minorVersion of [2, 3]) {
      const file = pcap({ order, minorVersion }, [{ data: V4, originalLength: 1500 }]);
      const view = new DataView(file.buffer);
      view.setUint32(32, 1500, order === 'little');
      view.setUint32(36, V4.length, order === 'little');
      expect(readAll(file).packets).toMatchObject([{ frame: V4, originalLength: 1500 }]);
    }
  });

  it('a fraction of more than a second', () => {
    const file = pcap({ order }, [{ seconds: 1, fraction: 2_500_000, data: V4 }]);
    expect(readAll(file).packets).toMatchObject([{ seconds: 3, nanos: 500_000_000 }]);
  });
});

describe.each(LINKS)('frames of $name', ({ header, linkType, direction, ...rest }) => {
  const link = { header, linkType, ...rest };
  it('have their IP header found, in pcap and pcapng, and wherever the frame is cut', () => {
    for (const ip of [V4, V6]) {
      const whole = frameOf(link, ip);
      const at = whole.length - ip.length;
      for (let length = 0; length <= whole.length; length++) {
        const data = whole.slice(0, length);
        const expected = { frame: data, linkType, ipOffset: length > at ? at : -1 };
        const old = pcap({ linkType }, [{ data, originalLength: whole.length }]);
        expect(readAll(old).packets).toMatchObject([expected]);
        const file = concat(
          section('little'),
          description('little', linkType),
          packet('little', 0, 0n, data, [], whole.length),
        );
        expect(readAll(file).packets).toMatchObject([expected]);
      }
      const { packets } = readAll(pcap({ linkType }, [{ data: whole }]));
      expect(packets[0]!.direction).toBe(direction ?? null);
    }
  });

  it('that carry no IP have none', () => {
    const frame = frameOf(link, Uint8Array.from([0x10, ...V4.subarray(1)]));
    frame.fill(0x77, 0, frame.length - V4.length);
    expect(readAll(pcap({ linkType }, [{ data: frame }])).packets[0]!.ipOffset).toBe(-1);
  });
});

it('frames of other link types are read, without an IP header', () => {
  expect(readAll(pcap({ linkType: 127 }, [{ data: V4 }])).packets).toMatchObject([
    { linkType: 127, ipOffset: -1, frame: V4 },
  ]);
  expect([linkTypeName(127), linkTypeName(1)]).toEqual(['link type 127', 'Ethernet']);
});

const flags = (order: Order, value: number): Uint8Array =>
  Uint8Array.from(order === 'little' ? [value, 0, 0, 0] : [0, 0, 0, value]);

/** One of everything, and what must be read of it. */
function everything(order: Order): Uint8Array {
  const count = (n: bigint): Uint8Array =>
    Uint8Array.from(
      Array.from({ length: 8 }, (_, i) =>
        Number((n >> BigInt(8 * (order === 'little' ? i : 7 - i))) & 255n),
      ),
    );
  return concat(
    section(order, [
      [1, 'a comment'],
      [2, 'amd64'],
      [3, 'Linux'],
      [4, 'tcpdump'],
    ]),
    block(order, 10, (b) => b.u32(0x544c534b).u32(5).put([1, 2, 3, 4, 5])),
    description(order, 101, 96, [
      [2, 'tun0'],
      [3, 'wäre'],
      [9, Uint8Array.of(9)],
      [11, '\0tcp port 80'],
      [14, count(100n)],
    ]),
    description(order, 1),
    block(order, 0x99, (b) => b.u32(1), [[1, 'of an unknown block']]),
    block(order, 4, (b) => b.u32(0)),
    packet(order, 0, 1_767_225_600_123_456_789n, V4, [
      [1, 'first'],
      [2, flags(order, 1)],
      [1, 'second'],
    ]),
    packet(order, 1, 2_000_001n, frameOf(LINKS[0]!, V6), [[2, flags(order, 2)]], 1500),
    block(order, 3, (b) => b.u32(V6.length).put(V6)),
    block(order, 2, (b) => b.u16(1).u16(7).u32(0).u32(5).u32(V4.length).u32(V4.length).put(V4), [
      [2, flags(order, 1)],
    ]),
    block(order, 5, (b) => b.u32(1).u32(0).u32(9), [
      [4, count(2n ** 33n)],
      [5, count(3n)],
      [6, count(4n)],
      [7, count(5n)],
      [8, count(6n)],
    ]),
  );
}

describe.each(ORDERS)('pcapng, %s-endian', (order) => {
  it('all blocks', () => {
    const { packets, reader } = readAll(everything(order));
    expect(packets).toMatchObject([
      {
        number: 1,
        seconds: 1_767_225_700,
        nanos: 123_456_789,
        interfaceId: 0,
        linkType: 101,
        frame: V4,
        direction: 'in',
        comments: ['first', 'second'],
      },
      {
        number: 2,
        seconds: 2,
        nanos: 1000,
        interfaceId: 1,
        linkType: 1,
        originalLength: 1500,
        direction: 'out',
        comments: [],
        ipOffset: 14,
      },
      { number: 3, seconds: 0, nanos: 0, interfaceId: 0, frame: V6, direction: null },
      { number: 4, seconds: 0, nanos: 5000, interfaceId: 1, frame: V4, direction: 'in' },
    ]);
    expect(reader.interfaces).toEqual([
      {
        name: 'tun0',
        description: 'wäre',
        filter: 'tcp port 80',
        linkType: 101,
        snapLength: 96,
        tsResolution: 9,
        tsOffset: 100,
        comments: [],
        statistics: null,
      },
      {
        name: '',
        description: '',
        filter: '',
        linkType: 1,
        snapLength: 0,
        tsResolution: 6,
        tsOffset: 0,
        comments: [],
        statistics: {
          received: 2 ** 33,
          dropped: 3,
          filterAccepted: 4,
          systemDropped: 5,
          delivered: 6,
        },
      },
    ]);
    expect(reader.sections).toEqual([
      { hardware: 'amd64', os: 'Linux', application: 'tcpdump', comments: ['a comment'] },
    ]);
    expect(reader.secrets).toEqual([{ type: 0x544c534b, data: Uint8Array.of(1, 2, 3, 4, 5) }]);
    expect([reader.format, reader.cutBytes]).toEqual(['pcapng', 0]);
  });

  it('a Simple Packet Block is cut by the snap length', () => {
    const file = concat(
      section(order),
      description(order, 101, 10),
      block(order, 3, (b) => b.u32(V4.length).put(V4.subarray(0, 10))),
    );
    expect(readAll(file).packets).toMatchObject([
      { frame: V4.slice(0, 10), originalLength: V4.length },
    ]);
  });
});

it('sections: each has its byte order and numbers its interfaces from 0', () => {
  const file = concat(...ORDERS.flatMap((order) => [everything(order), everything(order)]));
  const { packets, reader } = readAll(file);
  expect(reader.interfaces).toHaveLength(8);
  expect(packets.map((p) => p.interfaceId)).toEqual([
    ...[0, 1, 0, 1],
    ...[2, 3, 2, 3],
    ...[4, 5, 4, 5],
    ...[6, 7, 6, 7],
  ]);
  expect(packets.map((p) => p.number)).toEqual(packets.map((_, i) => i + 1));
});

describe('times of pcapng', () => {
  const time = (resolution: number, offset: bigint, ticks: bigint): [number, number] => {
    const file = concat(
      section('big'),
      description('big', 101, 0, [
        [9, Uint8Array.of(resolution)],
        [14, Uint8Array.from(new ByteListOf64(offset).bytes)],
      ]),
      packet('big', 0, ticks, V4),
      packet('big', 0, ticks, V4),
    );
    const [first, second] = readAll(file).packets;
    expect([first!.seconds, first!.nanos]).toEqual([second!.seconds, second!.nanos]);
    return [first!.seconds, first!.nanos];
  };
  class ByteListOf64 {
    readonly bytes = new Uint8Array(8);
    constructor(v: bigint) {
      new DataView(this.bytes.buffer).setBigInt64(0, v);
    }
  }

  it('are exact in every resolution, decimal and binary, by arithmetic of integers', () => {
    const resolution = fc.oneof(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 10, max: 19 }),
      fc.integer({ min: 0, max: 63 }).map((n) => n | 0x80),
    );
    fc.assert(
      fc.property(
        resolution,
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer({ min: -1_000_000, max: 1_000_000 }),
        (r, ticks, offset) => {
          const perSecond = r < 0x80 ? 10n ** BigInt(r) : 1n << BigInt(r & 0x7f);
          const seconds = Number(ticks / perSecond) + offset;
          const nanos = Number(((ticks % perSecond) * 1_000_000_000n) / perSecond);
          expect(time(r, BigInt(offset), ticks)).toEqual([seconds, nanos]);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('pieces', () => {
  const files = [
    everything('little'),
    concat(everything('big'), everything('little')),
    pcap({}, [{ data: V4 }, { data: V6 }, { data: new Uint8Array(0) }]),
    pcap({ order: 'big', magic: 0xa1b2cd34 }, [{ data: V4 }, { data: V6 }]),
  ];

  it('any cut gives the same packets', () => {
    for (const file of files) {
      const whole = readAll(file).packets;
      const bytewise = Array.from(file, (_, i) => i);
      expect(readAll(file, bytewise).packets).toEqual(whole);
      for (const at of bytewise) expect(readAll(file, [at]).packets).toEqual(whole);
      fc.assert(
        fc.property(fc.array(fc.nat(file.length)), (cuts) => {
          expect(
            readAll(
              file,
              cuts.sort((a, b) => a - b),
            ).packets,
          ).toEqual(whole);
        }),
      );
    }
  });

  it('a file that ends at any byte gives its whole packets, and says how much is left over', () => {
    for (const file of files) {
      const { packets } = readAll(file);
      let before = 0;
      for (let length = 4; length <= file.length; length++) {
        const cut = readAll(file.slice(0, length), [length >> 1]);
        expect(cut.packets).toEqual(packets.slice(0, cut.packets.length));
        const wholeRecords = length - cut.reader.cutBytes;
        // What is left over begins where the last whole record ends.
        expect(wholeRecords).toBeGreaterThanOrEqual(before);
        expect(readAll(file.slice(0, Math.max(wholeRecords, 4))).packets).toEqual(cut.packets);
        before = wholeRecords;
      }
      expect(before).toBe(file.length);
    }
  });

  it('an exception of the receiver passes through', () => {
    const reader = new CaptureReader(() => {
      throw new Error('enough');
    });
    expect(() => reader.push(files[0]!)).toThrow('enough');
  });
});

describe('errors say what, where, and what to do', () => {
  const start = [...section('little'), ...description('little', 101)];
  const text = (s: string): Uint8Array => new TextEncoder().encode(s);

  it.each([
    ['nothing', new Uint8Array(0), 'at byte 0: the file is empty'],
    ['two bytes', text('ab'), 'at byte 0: this is no capture: it is text'],
    ['text', text('15:04:05 IP 198.18.0.1'), 'this is no capture: it is text'],
    ['JSON', text('[{"_index": 1}]'), 'it is JSON'],
    ['HTML', text('\n<!doctype html>'), 'it is HTML or XML'],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0), 'it is compressed with gzip'],
    ['zstd', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd), 'it is compressed with zstd'],
    ['a program', Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2), 'it is a program'],
    ['snoop', text('snoop\0\0\0\0\0\0\x02'), 'it is a capture of snoop'],
    ['zeros', new Uint8Array(9), 'it starts with 00 00 00 00, as no capture does'],
  ])('%s', (_, file, message) => {
    const error = failure(file);
    expect(error.message).toContain(message);
    expect(error.offset).toBe(0);
    expect(error.fix).not.toBe('');
  });

  const DAMAGED = /^the file is damaged/;
  it.each([
    [
      'a packet of pcap that is too long',
      concat(pcap({}, [{ data: V4 }]), new Uint8Array(8), [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
      40 + V4.length,
      'a packet is said to have 4294967295 bytes',
    ],
    [
      'lengths that differ',
      (() => {
        const file = concat(start, packet('little', 0, 0n, V4));
        file[file.length - 4]! ^= 1;
        return file;
      })(),
      start.length + packet('little', 0, 0n, V4).length - 4,
      'a block says 80 bytes at its start and 81 at its end',
    ],
    [
      'a length that is no multiple of 4',
      concat(start, [6, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0]),
      start.length + 4,
      'a block of type 6 is said to have 33 bytes',
    ],
    [
      'a block that is too long to keep',
      concat(start, [6, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0]),
      start.length + 4,
      'a block of type 6 is said to have 1073741824 bytes, more than the 16777216 that are read',
    ],
    [
      'a packet that is longer than its block',
      (() => {
        const file = concat(start, packet('little', 0, 0n, V4));
        file[start.length + 20] = 255;
        return file;
      })(),
      start.length + 20,
      'a packet is said to have 255 bytes, in a block with room for 48',
    ],
    [
      'an interface that was not described',
      concat(start, packet('little', 1, 0n, V4)),
      start.length + 8,
      'a block is of interface 1, and its section has described 1 so far',
    ],
    [
      'a Simple Packet Block without an interface',
      concat(
        section('little'),
        block('little', 3, (b) => b.u32(0)),
      ),
      section('little').length,
      'a block is of interface 0, and its section has described 0 so far',
    ],
    [
      'a section without its magic',
      concat(start, [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4]),
      start.length + 8,
      'without the byte-order magic',
    ],
    [
      'secrets that are longer than their block',
      concat(
        start,
        block('little', 10, (b) => b.u32(1).u32(9).put([1])),
      ),
      start.length + 12,
      'secrets are said to have 9 bytes, in a block with room for 4',
    ],
  ])('%s', (_, file, offset, message) => {
    const error = failure(file);
    expect(error.message).toContain(message);
    expect([error.offset, error.fix]).toEqual([offset, expect.stringMatching(DAMAGED)]);
    expect(error.message).toContain(`at byte ${offset}: `);
    // In pieces it is the same error, after the same packets; and it stays.
    const reader = new CaptureReader(() => undefined);
    let first: unknown = null;
    for (const byte of file) {
      try {
        reader.push(Uint8Array.of(byte));
      } catch (e) {
        first ??= e;
        expect(e).toBe(first);
      }
    }
    expect(first).toEqual(error);
    expect(() => reader.end()).toThrow(error.message);
  });

  it('versions that there are not', () => {
    const old = pcap({}, []);
    old[4] = 9;
    expect(failure(old).message).toBe(
      'at byte 4: this pcap file has version 9.4, and there are only 2.0 to 2.4',
    );
    const next = concat(section('little'));
    next[12] = 2;
    expect(failure(next).message).toBe(
      'at byte 12: a pcapng section has version 2.0, and there is only 1',
    );
  });
});

describe('memory has limits', () => {
  it('an unknown block of 4 GB is skipped as it comes', () => {
    const file = concat(section('little'), [0x99, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff]);
    const reader = new CaptureReader(() => undefined);
    reader.push(file);
    for (let i = 0; i < 100; i++) reader.push(new Uint8Array(1 << 20));
    reader.end();
    expect(reader.cutBytes).toBe((100 << 20) + 8);
    const after = concat(file.subarray(0, -4), [16, 0, 0, 0], new Uint8Array(8), everything('big'));
    for (const cuts of [[], Array.from(after, (_, i) => i)])
      expect(readAll(after, cuts).packets).toHaveLength(4);
  });

  it('names, comments and secrets are kept up to a limit', () => {
    const one = description('little', 101, 0, [[2, 'x'.repeat(1000)]]);
    const file = concat(section('little'), ...Array.from({ length: 10 }, () => one));
    expect(readAll(file).reader.interfaces).toHaveLength(10);
    expect(failure(file, { keptBytes: 5000 }).message).toContain('take more than 5000 bytes');
  });
});

it('options that reach past their block end the list, and the packet is read', () => {
  const file = concat(
    section('little'),
    description('little', 101),
    packet('little', 0, 0n, V4, [[1, 'good']]).slice(0),
  );
  file[file.length - 4 - 4 - 4 - 2] = 200; // the comment's length
  expect(readAll(file).packets).toMatchObject([{ frame: V4, comments: [] }]);
});
