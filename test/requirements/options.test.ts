/** What a segment's options may look like: RFC 9293 section 3.1 and 3.2. */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop } from '../../src/wire/drop.js';
import { parseTcp, Segment, writeTcp } from '../../src/wire/tcp.js';

/** Parses a SYN with these option bytes, padded with zeros to whole words. */
function parse(...options: number[]): { reason: number; segment: Segment } {
  const padded = Math.ceil(options.length / 4) * 4;
  const slab = new Slab(20 + padded);
  slab.bytes[12] = ((20 + padded) / 4) << 4;
  slab.bytes[13] = 2;
  slab.bytes.set(options, 20);
  const segment = new Segment();
  return { reason: parseTcp(slab, 0, slab.bytes.length, segment), segment };
}

const MSS = [2, 4, 0x05, 0xb4];

describe('options', () => {
  it('MUST-4: No-Operation is passed over wherever it stands, one or many', () => {
    expect(parse(...[3, 3, 7], 1, ...MSS).segment).toMatchObject({ mss: 1460, wscale: 7 });
    expect(parse(...MSS, 1, 1, 1, 1, 1, 1, 1, 1).segment.mss).toBe(1460);
  });

  it('MUST-4: End of List alone, and with anything at all behind it', () => {
    expect(parse(0, 0, 0, 0)).toMatchObject({ reason: Drop.none, segment: { mss: -1 } });
    expect(parse(...MSS, 0, 2, 0, 255)).toMatchObject({ reason: Drop.none, segment: { mss: 1460 } });
  });

  it('MUST-4: MSS is an unsigned number of 16 bits', () => {
    expect([parse(2, 4, 0xff, 0xff), parse(2, 4, 0, 1)].map(({ segment }) => segment.mss)).toEqual([65_535, 1]);
  });

  it('MUST-4: No-Operation is passed over, MSS is read, and End of List ends them', () => {
    const { reason, segment } = parse(1, 1, ...MSS, 0, ...[3, 3, 7]);
    expect(reason).toBe(Drop.none);
    expect(segment.mss).toBe(1460);
    expect(segment.wscale, 'stands after the end').toBe(-1);
  });

  it('MUST-6: an unknown option is skipped by its length, whatever stands in it', () => {
    // Its bytes look like an MSS option of their own, and like an End of List.
    const { reason, segment } = parse(254, 8, 2, 4, 0, 1, 0, 0, ...MSS);
    expect(reason).toBe(Drop.none);
    expect(segment.mss).toBe(1460);
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

  it.each([0, 1, 2, 3, 4, 5])('MUST-64: an option may begin at any byte: after %i No-Operations', (count) => {
    const { reason, segment } = parse(...Array<number>(count).fill(1), ...MSS);
    expect(reason).toBe(Drop.none);
    expect(segment.mss).toBe(1460);
  });

  it('MUST-69: all that is sent in the place of options is options, and padding is No-Operation or zeros after End of List', () => {
    for (let choice = 0; choice < 32; choice++) {
      const segment = new Segment();
      if (choice & 1) segment.mss = 1460;
      if (choice & 2) segment.wscale = 7;
      segment.sackPermitted = (choice & 4) !== 0;
      segment.hasTimestamps = (choice & 8) !== 0;
      if (choice & 16) segment.sackCount = 1;
      const bytes = new Uint8Array(80).fill(0xaa);
      writeTcp(bytes, 0, segment);
      const end = (bytes[12]! >> 4) * 4;
      let o = 20;
      while (o < end && bytes[o] !== 0) o += bytes[o] === 1 ? 1 : bytes[o + 1]!;
      expect(o, `options of choice ${choice} end with the header`).toBeLessThanOrEqual(end);
      expect([...bytes.slice(o, end)].every((byte) => byte === 0)).toBe(true);
      expect([2, 3, 4, 5, 8].some((kind) => bytes[20] === kind) || bytes[20] === 1 || end === 20).toBe(true);
    }
  });
});
