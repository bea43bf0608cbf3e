/** What a segment's options may look like: RFC 9293 section 3.1 and 3.2. */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop } from '../../src/wire/drop.js';
import { parseTcp, Segment } from '../../src/wire/tcp.js';

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
});
