/** The Fast Open option, kind 34 and in its experimental form: RFC 7413 section 4.1.1. */
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Drop } from '../../src/wire/drop.js';
import {
  ABSENT,
  parseTcp,
  Segment,
  TcpFlag,
  tcpOptionBytes,
  writeTcp,
} from '../../src/wire/tcp.js';

const bytes = (n: number): number[] => Array.from({ length: n }, (_, i) => 0xa0 + i);

/** The parsed segment with these option bytes. */
function parsed(options: number[], flags: number = TcpFlag.SYN): Segment & { reason: number } {
  const padded = [...options, ...new Array<number>((4 - (options.length % 4)) % 4).fill(1)];
  const header = [
    0,
    80,
    0,
    81,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    0,
    ((20 + padded.length) / 4) << 4,
    flags,
    1,
    0,
    0,
    0,
    0,
    0,
  ];
  const slab = new Slab(Uint8Array.from([...header, ...padded]));
  const out = new Segment();
  const reason = parseTcp(slab, 0, slab.bytes.length, out);
  return Object.assign(out, { reason });
}

describe('reading', () => {
  it.each([
    ['a request', [34, 2], 0, false],
    ['4 bytes', [34, 6, ...bytes(4)], 4, false],
    ['8 bytes', [34, 10, ...bytes(8)], 8, false],
    ['16 bytes', [34, 18, ...bytes(16)], 16, false],
    ['an experimental request', [254, 4, 0xf9, 0x89], 0, true],
    ['8 bytes, experimental', [254, 12, 0xf9, 0x89, ...bytes(8)], 8, true],
    ['2 bytes: too short', [34, 4, ...bytes(2)], ABSENT, false],
    ['18 bytes: too long', [34, 20, ...bytes(18)], ABSENT, false],
    ['an odd number', [34, 11, ...bytes(9)], ABSENT, false],
    ['another experiment', [254, 12, 0xf9, 0x8a, ...bytes(8)], ABSENT, false],
    ['an experiment without a magic number', [254, 2], ABSENT, false],
  ] as const)('%s', (_what, options, count, experimental) => {
    const seg = parsed([...options]);
    expect([seg.reason, seg.cookieBytes]).toEqual([Drop.none, count]);
    if (count >= 0) expect(seg.cookieExperimental).toBe(experimental);
    if (count > 0) expect([...seg.cookie.subarray(0, count)]).toEqual(bytes(count));
  });

  it('happens only on a SYN', () => {
    expect(parsed([34, 10, ...bytes(8)], TcpFlag.ACK).cookieBytes).toBe(ABSENT);
    expect(parsed([34, 10, ...bytes(8)], TcpFlag.SYN | TcpFlag.ACK).cookieBytes).toBe(8);
  });

  it('an option beyond the end of the header makes the segment invalid', () => {
    expect(parsed([34, 18, 1, 2]).reason).toBe(Drop.tcpBadOptionLength);
  });
});

describe('writing', () => {
  function written(set: Partial<Segment>, count: number): number[] {
    const seg = Object.assign(new Segment(), { flags: TcpFlag.SYN, mss: 1460, ...set });
    seg.cookie.set(bytes(count));
    seg.cookieBytes = count;
    const b = new Uint8Array(60).fill(0xee);
    const length = writeTcp(b, 0, seg);
    expect(length).toBe(20 + tcpOptionBytes(seg));
    expect(length % 4).toBe(0);
    expect(length).toBeLessThanOrEqual(60);
    return [...b.subarray(24, length)];
  }

  it('puts the option last, padded with No-Operation', () => {
    expect(written({}, 0)).toEqual([34, 2, 1, 1]);
    expect(written({}, 8)).toEqual([34, 10, ...bytes(8), 1, 1]);
    expect(written({}, 6)).toEqual([34, 8, ...bytes(6)]);
    expect(written({ cookieExperimental: true }, 0)).toEqual([254, 4, 0xf9, 0x89]);
    expect(written({ cookieExperimental: true }, 8)).toEqual([254, 12, 0xf9, 0x89, ...bytes(8)]);
    const full = { sackPermitted: true, hasTimestamps: true, wscale: 7 };
    expect(written(full, 16).slice(-20)).toEqual([34, 18, ...bytes(16), 1, 1]);
    expect(written({ ...full, cookieExperimental: true }, 16).slice(-20)).toEqual([
      254,
      20,
      0xf9,
      0x89,
      ...bytes(16),
    ]);
  });

  it('gives an option that is parsed back', () => {
    for (let count = 0; count <= 16; count += count === 0 ? 4 : 2) {
      for (const cookieExperimental of [false, true]) {
        const seg = parsed(written({ cookieExperimental }, count));
        expect([seg.cookieBytes, seg.cookieExperimental]).toEqual([count, cookieExperimental]);
        expect([...seg.cookie.subarray(0, count)]).toEqual(bytes(count));
      }
    }
  });
});
