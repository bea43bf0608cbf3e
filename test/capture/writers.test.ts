/**
 * The writers: their bytes, and everything that they write read again. What tshark and tcpdump make
 * of it is in tools.test.ts.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8 } from '../../src/capture/utf8.js';
import {
  captureTime,
  decryptionSecrets,
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  type PacketRecord,
  pcapFileHeader,
  pcapPacket,
  sectionHeader,
} from '../../src/core.js';
import { concat, readAll, type SeenPacket } from './files.js';

const LINK_TYPES = [0, 1, 12, 14, 101, 108, 113, 228, 229, 276];
const text = fc.string({ unit: 'binary', maxLength: 40 }).map((s) => s.replaceAll('\0', ''));

const record: fc.Arbitrary<PacketRecord> = fc
  .record({
    interfaceId: fc.nat(1),
    seconds: fc.oneof(fc.nat(0x7fffffff), fc.integer({ min: 0, max: 0xffffffff })),
    nanos: fc.nat(999_999_999),
    bytes: fc.uint8Array({ maxLength: 90 }),
    offset: fc.nat(5),
    cut: fc.nat(100),
    direction: fc.constantFrom('in', 'out', null),
    comments: fc.array(text, { maxLength: 3 }),
  })
  .map(({ cut, ...r }) => {
    const offset = Math.min(r.offset, r.bytes.length);
    const capturedLength = r.bytes.length - offset;
    return { ...r, offset, capturedLength, originalLength: capturedLength + cut };
  });

const isSame = (packet: SeenPacket, p: PacketRecord): void => {
  expect(packet).toMatchObject({
    seconds: p.seconds,
    frame: p.bytes.slice(p.offset),
    originalLength: p.originalLength,
  });
};

describe('what is written is read again', () => {
  it('pcapng: packets with times, lengths, directions and comments', () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 8 }),
        fc.constantFrom(...LINK_TYPES),
        (records, linkType) => {
          const file = concat(
            sectionHeader('test'),
            interfaceDescription({ name: 'a', linkType }),
            interfaceDescription({ name: 'b', linkType }),
            ...records.map(enhancedPacket),
          );
          const { packets } = readAll(file);
          expect(packets).toHaveLength(records.length);
          for (const [i, p] of records.entries()) {
            isSame(packets[i]!, p);
            const { nanos, interfaceId, comments } = packets[i]!;
            expect({ nanos, interfaceId, comments }).toEqual({
              nanos: p.nanos,
              interfaceId: p.interfaceId,
              comments: p.comments,
            });
            if (linkType < 113) expect(packets[i]!.direction).toBe(p.direction);
          }
        },
      ),
    );
  });

  it.each(['microseconds', 'nanoseconds'] as const)('pcap: packets with %s', (resolution) => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 8 }),
        fc.constantFrom(...LINK_TYPES),
        (records, linkType) => {
          const file = concat(
            pcapFileHeader({ linkType, resolution, snapLength: 96 }),
            ...records.map((p) => pcapPacket(p, resolution)),
          );
          const { packets, reader } = readAll(file);
          expect(reader.interfaces).toMatchObject([{ linkType, snapLength: 96 }]);
          expect(packets).toHaveLength(records.length);
          for (const [i, p] of records.entries()) {
            isSame(packets[i]!, p);
            const lost = resolution === 'microseconds' ? p.nanos % 1000 : 0;
            expect(packets[i]!.nanos).toBe(p.nanos - lost);
          }
        },
      ),
    );
  });

  it('names, filter, secrets and statistics', () => {
    fc.assert(
      fc.property(text, text, text, text, (application, name, description, filter) => {
        const file = concat(
          sectionHeader(application),
          decryptionSecrets(`CLIENT_RANDOM ${name}\n`),
          interfaceDescription({ name, description, filter, linkType: 1, snapLength: 7 }),
          interfaceStatistics(0, captureTime(1e15), { received: 2 ** 40 + 1, delivered: 7 }),
        );
        const { reader } = readAll(file);
        expect(reader.sections).toMatchObject([{ application }]);
        expect(reader.interfaces).toEqual([
          {
            name,
            description,
            filter,
            linkType: 1,
            snapLength: 7,
            tsResolution: 9,
            tsOffset: 0,
            comments: [],
            statistics: {
              received: 2 ** 40 + 1,
              dropped: null,
              filterAccepted: null,
              systemDropped: null,
              delivered: 7,
            },
          },
        ]);
        expect(reader.secrets.map(({ type, data }) => [type, decodeUtf8(data)])).toEqual([
          [0x544c534b, `CLIENT_RANDOM ${name}\n`],
        ]);
      }),
    );
  });

  it('a packet that was read can be written as it is', () => {
    const packet = { ...captureTime(1_767_225_600_123_456), bytes: Uint8Array.of(0x45, 1, 2) };
    const whole = { offset: 0, capturedLength: 3, originalLength: 9, interfaceId: 0 };
    const head = concat(sectionHeader('x'), interfaceDescription({ name: 'a' }));
    const p = { ...packet, ...whole, direction: 'in', comments: ['why'] } as const;
    const file = concat(head, enhancedPacket(p));
    const [again] = readAll(file).packets;
    expect(
      concat(
        head,
        enhancedPacket({ ...again!, bytes: again!.frame, offset: 0, capturedLength: 3 }),
      ),
    ).toEqual(file);
  });
});

describe('bytes', () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
  const packet: PacketRecord = {
    interfaceId: 1,
    seconds: 1_767_225_600,
    nanos: 123_456_789,
    bytes: Uint8Array.of(9, 0x45, 1, 2),
    offset: 1,
    capturedLength: 3,
    originalLength: 40,
    direction: 'out',
    comments: ['a', 'bcd'],
  };

  it('of a packet block: padded data, then the options in the order of their codes', () => {
    const time = 1_767_225_600_123_456_789n.toString(16).padStart(16, '0');
    const bytes = hex(enhancedPacket(packet));
    expect(bytes).toBe(
      [
        '06000000 40000000 01000000',
        ...[time.slice(0, 8), time.slice(8)].map((w) => w.match(/../g)!.reverse().join('')),
        '03000000 28000000 45010200',
        '0100 0100 61000000',
        '0100 0300 62636400',
        '0200 0400 02000000',
        '00000000 40000000',
      ]
        .join('')
        .replaceAll(' ', ''),
    );
  });

  it('of a packet without options: none, and no end of options', () => {
    const block = enhancedPacket({ ...packet, direction: null, comments: [] });
    expect([block.length, hex(block.subarray(28))]).toEqual([36, '4501020024000000']);
  });

  it('of a pcap file', () => {
    expect(hex(pcapFileHeader())).toBe(
      '4d3cb2a1020004000000000000000000000004006500000'.padEnd(48, '0'),
    );
    expect(hex(pcapPacket(packet))).toBe('00b9556915cd5b070300000028000000450102');
  });

  it('a long comment is cut, because its length field has 16 bits', () => {
    const file = concat(
      sectionHeader('x'),
      interfaceDescription({ name: 'a' }),
      enhancedPacket({ ...packet, interfaceId: 0, comments: ['ü'.repeat(70_000)] }),
    );
    expect(readAll(file).packets[0]!.comments).toEqual(['ü'.repeat(4096)]);
  });
});

describe('UTF-8', () => {
  it('is that of TextEncoder and TextDecoder', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (s) => {
        expect(encodeUtf8(s)).toEqual(new TextEncoder().encode(s));
        expect(decodeUtf8(encodeUtf8(s))).toBe(s);
      }),
    );
  });

  it('never throws for other bytes, and finds the valid text among them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (bytes) => {
        const ours = decodeUtf8(bytes).replaceAll('\ufffd', '');
        const theirs = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
        expect(ours).toBe(theirs.replaceAll('\ufffd', ''));
      }),
      { numRuns: 1000 },
    );
  });

  it('a half of a surrogate pair becomes the replacement character', () => {
    expect(decodeUtf8(encodeUtf8('a\ud800b'))).toBe('a\ufffdb');
  });
});
