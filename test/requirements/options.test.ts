/** What a segment's options may look like: RFC 9293 section 3.1 and 3.2. */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop } from '../../src/wire/drop.js';
import { parseTcp, Segment, writeTcp } from '../../src/wire/tcp.js';

/** Parses a SYN with these option bytes, padded with zeros to whole words. */
const parse = (...options: number[]): { reason: number; segment: Segment } => parseWith(2, options);

function parseWith(flags: number, options: number[]): { reason: number; segment: Segment } {
  const padded = Math.ceil(options.length / 4) * 4;
  const slab = new Slab(20 + padded);
  slab.bytes[12] = ((20 + padded) / 4) << 4;
  slab.bytes[13] = flags;
  slab.bytes.set(options, 20);
  const segment = new Segment();
  return { reason: parseTcp(slab, 0, slab.bytes.length, segment), segment };
}

const MSS = [2, 4, 0x05, 0xb4];

describe('options', () => {
  it('MUST-4: No-Operation is skipped in any place, one or many', () => {
    expect(parse(...[3, 3, 7], 1, ...MSS).segment).toMatchObject({ mss: 1460, wscale: 7 });
    expect(parse(...MSS, 1, 1, 1, 1, 1, 1, 1, 1).segment.mss).toBe(1460);
  });

  it('MUST-4: End of List is accepted alone, and with any bytes after it', () => {
    expect(parse(0, 0, 0, 0)).toMatchObject({ reason: Drop.none, segment: { mss: -1 } });
    expect(parse(...MSS, 0, 2, 0, 255)).toMatchObject({
      reason: Drop.none,
      segment: { mss: 1460 },
    });
  });

  it('MUST-4: MSS is an unsigned number of 16 bits', () => {
    expect([parse(2, 4, 0xff, 0xff), parse(2, 4, 0, 1)].map(({ segment }) => segment.mss)).toEqual([
      65_535, 1,
    ]);
  });

  it('MUST-4: No-Operation is skipped, MSS is read, and End of List ends the options', () => {
    const { reason, segment } = parse(1, 1, ...MSS, 0, ...[3, 3, 7]);
    expect(reason).toBe(Drop.none);
    expect(segment.mss).toBe(1460);
    expect(segment.wscale, 'an option after End of List').toBe(-1);
  });

  it.each([
    ['SYN', 2],
    ['SYN,ACK', 18],
    ['ACK', 16],
    ['PSH,ACK', 24],
    ['FIN,ACK', 17],
    ['RST', 4],
    ['URG,ACK', 48],
  ])('MUST-5: options are read on a segment with %s', (_name, flags) => {
    const { reason, segment } = parseWith(flags, [
      1,
      1,
      8,
      10,
      0,
      0,
      0,
      9,
      0,
      0,
      0,
      8,
      1,
      1,
      5,
      10,
      ...Array<number>(8).fill(7),
    ]);
    expect(reason).toBe(Drop.none);
    expect([segment.tsVal, segment.tsEcr, segment.sackCount, segment.sackEdges[1]]).toEqual([
      9, 8, 1, 0x07070707,
    ]);
  });

  it('MUST-6: an unknown option is skipped by its length, with any content', () => {
    // Its content looks like an MSS option and an End of List.
    const { reason, segment } = parse(254, 8, 2, 4, 0, 1, 0, 0, ...MSS);
    expect(reason).toBe(Drop.none);
    expect(segment.mss).toBe(1460);
  });

  it('MUST-6: every unknown kind is skipped without an error, with any length', () => {
    const known = [0, 1, 2, 3, 4, 5, 8, 34];
    for (let kind = 0; kind < 256; kind++) {
      if (known.includes(kind)) continue;
      for (const length of [2, 3, 10, 36]) {
        const { reason, segment } = parse(
          kind,
          length,
          ...Array<number>(length - 2).fill(0xff),
          ...MSS,
        );
        expect([reason, segment.mss], `kind ${kind}, ${length} bytes`).toEqual([Drop.none, 1460]);
      }
    }
  });

  it.each([
    ['MSS', [2, 3, 9], { mss: -1 }],
    ['MSS', [2, 6, 9, 9, 9, 9], { mss: -1 }],
    ['window scale', [3, 4, 9, 9], { wscale: -1 }],
    ['SACK permitted', [4, 4, 9, 9], { sackPermitted: false }],
    ['SACK', [5, 9, ...Array<number>(7).fill(9)], { sackCount: 0 }],
    ['timestamps', [8, 9, ...Array<number>(7).fill(9)], { hasTimestamps: false }],
  ])('MUST-7: with a wrong length, %s is skipped like an unknown option', (_, option, nothing) => {
    const { reason, segment } = parse(...option, 34, 6, 1, 2, 3, 4);
    expect(reason).toBe(Drop.none);
    expect(segment).toMatchObject(nothing);
    expect(segment.cookieBytes, 'the option after it is read').toBe(4);
  });

  it.each([
    ['0', [254, 0, 1, 1]],
    ['1', [254, 1, 1, 1]],
    ['past the end of the header', [254, 5, 1, 1]],
    ['past the end of the header, of a known option', [1, 1, 2, 4]],
    ['missing', [1, 1, 1, 254]],
  ])('MUST-7, MUST-68: a length of %s makes the segment invalid, by name', (_, options) => {
    expect(parse(...options).reason).toBe(Drop.tcpBadOptionLength);
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'MUST-64: an option may begin at any byte: after %i No-Operations',
    (count) => {
      const { reason, segment } = parse(...Array<number>(count).fill(1), ...MSS);
      expect(reason).toBe(Drop.none);
      expect(segment.mss).toBe(1460);
    },
  );

  it('MUST-68, MUST-69: every option sent has its length, and padding is No-Operation or zeros after End of List', () => {
    for (let choice = 0; choice < 64; choice++) {
      const segment = new Segment();
      if (choice & 1) segment.mss = 1460;
      if (choice & 2) segment.wscale = 7;
      segment.sackPermitted = (choice & 4) !== 0;
      segment.hasTimestamps = (choice & 8) !== 0;
      if (choice & 16) segment.sackCount = 1;
      if (choice & 32) segment.cookieBytes = 4;
      const bytes = new Uint8Array(80).fill(0xaa);
      writeTcp(bytes, 0, segment);
      const end = (bytes[12]! >> 4) * 4;
      let o = 20;
      while (o < end && bytes[o] !== 0) {
        const kind = bytes[o]!;
        if (kind !== 1)
          expect(bytes[o + 1], `the length of kind ${kind}`).toBe(
            { 2: 4, 3: 3, 4: 2, 5: 10, 8: 10, 34: 6 }[kind],
          );
        o += kind === 1 ? 1 : bytes[o + 1]!;
      }
      expect(o, `options of choice ${choice} end with the header`).toBeLessThanOrEqual(end);
      expect([...bytes.slice(o, end)].every((byte) => byte === 0)).toBe(true);
      expect(
        [2, 3, 4, 5, 8, 34].some((kind) => bytes[20] === kind) || bytes[20] === 1 || end === 20,
      ).toBe(true);
    }
  });
});
