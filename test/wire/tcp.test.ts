import fc from 'fast-check';
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
import { be16, be32, int32, slabAt, u16, u8 } from './build.js';

const fields = fc.record({
  sourcePort: u16,
  destinationPort: u16,
  seq: int32,
  ack: int32,
  flags: fc.integer({ min: 0, max: 0x1ff }),
  wnd: u16,
  urgentPointer: u16,
});

/** The options that fit together into 40 bytes: all of a SYN's, or timestamps and SACK blocks. */
const options = fc.oneof(
  fc.record({
    mss: fc.oneof(u16, fc.constant(ABSENT)),
    wscale: fc.oneof(u8, fc.constant(ABSENT)),
    sackPermitted: fc.boolean(),
    hasTimestamps: fc.boolean(),
    edges: fc.constant<number[]>([]),
    ts: fc.tuple(int32, int32),
  }),
  fc
    .record({
      hasTimestamps: fc.boolean(),
      ts: fc.tuple(int32, int32),
      edges: fc.array(int32, { maxLength: 8 }),
    })
    .map((o) => ({
      ...o,
      mss: ABSENT,
      wscale: ABSENT,
      sackPermitted: false,
      edges: o.edges.slice(0, o.hasTimestamps ? 6 : 8),
    })),
);

type Options = typeof options extends fc.Arbitrary<infer T> ? T : never;

function segment(f: typeof fields extends fc.Arbitrary<infer T> ? T : never, o: Options): Segment {
  const s = new Segment();
  Object.assign(s, f, {
    mss: o.mss,
    wscale: o.wscale,
    sackPermitted: o.sackPermitted,
    hasTimestamps: o.hasTimestamps,
  });
  if (o.hasTimestamps) [s.tsVal, s.tsEcr] = o.ts;
  s.sackCount = o.edges.length >> 1;
  for (let i = 0; i < 2 * s.sackCount; i++) s.sackEdges[i] = o.edges[i]!;
  return s;
}

/** The fields of a segment, except the position of its payload. */
function told(s: Segment): object {
  const {
    sourcePort,
    destinationPort,
    seq,
    ack,
    flags,
    wnd,
    urgentPointer,
    mss,
    wscale,
    sackPermitted,
  } = s;
  const { hasTimestamps, tsVal, tsEcr, sackCount } = s;
  const sack = [...s.sackEdges.subarray(0, 2 * sackCount)];
  return {
    sourcePort,
    destinationPort,
    seq,
    ack,
    flags,
    wnd,
    urgentPointer,
    mss,
    wscale,
    sackPermitted,
    hasTimestamps,
    tsVal,
    tsEcr,
    sack,
  };
}

/** A header with these bytes as its options, whose length must be a multiple of 4. */
function withOptions(bytes: readonly number[]): Uint8Array {
  return Uint8Array.from([
    ...be16(40_000),
    ...be16(80),
    ...be32(1),
    ...be32(2),
    ((20 + bytes.length) / 4) << 4,
    TcpFlag.ACK,
    ...be16(512),
    ...[0, 0, 0, 0],
    ...bytes,
  ]);
}

const padded = (bytes: readonly number[]): number[] => [
  ...bytes,
  ...new Array<number>(-bytes.length & 3).fill(0),
];

function parse(bytes: Uint8Array, out = new Segment()): Segment | string {
  const reason = parseTcp(new Slab(bytes), 0, bytes.length, out);
  return reason === Drop.none ? out : (Object.keys(Drop)[reason] ?? 'no such drop');
}

describe('a TCP segment', () => {
  it('is parsed as it was written, at any offset', () => {
    fc.assert(
      fc.property(
        fields,
        options,
        fc.uint8Array({ maxLength: 50 }),
        fc.nat(9),
        (f, o, payload, at) => {
          const sent = segment(f, o);
          const slab = new Slab(at + 60 + payload.length);
          const headerBytes = writeTcp(slab.bytes, at, sent);
          expect(headerBytes).toBe(20 + tcpOptionBytes(sent));
          expect([headerBytes % 4, sent.headerBytes]).toEqual([0, headerBytes]);
          slab.bytes.set(payload, at + headerBytes);
          const seen = new Segment();
          seen.mss = seen.wscale = seen.sackCount = 3; // as the previous segment left it
          seen.sackPermitted = seen.hasTimestamps = true;
          expect(parseTcp(slab, at, headerBytes + payload.length, seen)).toBe(Drop.none);
          expect(told(seen)).toEqual(told(sent));
          expect([seen.headerBytes, seen.checksum]).toEqual([headerBytes, 0]);
          const { payloadOffset, payloadBytes } = seen;
          expect(seen.payload!.bytes.slice(payloadOffset, payloadOffset + payloadBytes)).toEqual(
            payload,
          );
          expect(seen.len).toBe(payload.length + (f.flags & 1) + ((f.flags >> 1) & 1));
        },
      ),
      { seed: 9293, numRuns: 1000 },
    );
  });

  it("has its options in Linux's order", () => {
    const o = {
      mss: 1460,
      wscale: 7,
      sackPermitted: true,
      hasTimestamps: true,
      ts: [5, 6] as [number, number],
      edges: [],
    };
    const f = {
      sourcePort: 1,
      destinationPort: 2,
      seq: 3,
      ack: 4,
      flags: TcpFlag.SYN,
      wnd: 5,
      urgentPointer: 0,
    };
    const optionsOf = (s: Segment): number[] => {
      const b = new Uint8Array(60);
      return [...b.subarray(20, writeTcp(b, 0, s))];
    };
    const timestamps = [8, 10, ...be32(5), ...be32(6)];
    expect(optionsOf(segment(f, o))).toEqual([
      2,
      4,
      ...be16(1460),
      4,
      2,
      ...timestamps,
      1,
      3,
      3,
      7,
    ]);
    expect(optionsOf(segment(f, { ...o, hasTimestamps: false }))).toEqual([
      2,
      4,
      ...be16(1460),
      1,
      1,
      4,
      2,
      1,
      3,
      3,
      7,
    ]);
    const ack = {
      ...o,
      mss: ABSENT,
      wscale: ABSENT,
      sackPermitted: false,
      edges: [10, 20, 30, 40],
    };
    const sack = [1, 1, 5, 18, ...be32(10), ...be32(20), ...be32(30), ...be32(40)];
    expect(optionsOf(segment(f, ack))).toEqual([1, 1, ...timestamps, ...sack]);
  });

  it('counts as several wire segments if it is a super-segment', () => {
    const s = new Segment();
    for (const [payloadBytes, gsoSize, count] of [
      [0, 0, 1],
      [3000, 0, 1],
      [1448, 1448, 1],
      [1449, 1448, 2],
      [64_000, 1000, 64],
    ] as const) {
      Object.assign(s, { payloadBytes, gsoSize });
      expect(s.wireSegments).toBe(count);
    }
  });

  it('is empty again after clear()', () => {
    const used = parse(
      withOptions([2, 4, 5, 180, 1, 3, 3, 7, 4, 2, 8, 10, ...be32(1), ...be32(2)]),
    ) as Segment;
    Object.assign(used, {
      gsoSize: 5,
      ecn: 3,
      keepPayload: true,
      checksumVouched: true,
      urgentPointer: 9,
    });
    used.clear();
    const fresh = new Segment();
    const { sourcePort, destinationPort, seq, checksum, headerBytes } = used;
    expect(used).toEqual(
      Object.assign(fresh, { sourcePort, destinationPort, seq, checksum, headerBytes }),
    );
  });
});

describe('parsing TCP options', () => {
  const option = fc.oneof(
    u16.map((mss) => ({ bytes: [2, 4, ...be16(mss)], says: { mss } })),
    u8.map((wscale) => ({ bytes: [3, 3, wscale], says: { wscale } })),
    fc.constant({ bytes: [4, 2], says: { sackPermitted: true } }),
    fc.tuple(int32, int32).map(([tsVal, tsEcr]) => ({
      bytes: [8, 10, ...be32(tsVal), ...be32(tsEcr)],
      says: { hasTimestamps: true, tsVal, tsEcr },
    })),
    fc.array(fc.tuple(int32, int32), { minLength: 1, maxLength: 4 }).map((blocks) => ({
      bytes: [5, 2 + 8 * blocks.length, ...blocks.flat().flatMap(be32)],
      says: { sack: blocks.flat() },
    })),
    // Unknown kinds, MPTCP's among them, and known kinds with a wrong length are skipped.
    fc
      .tuple(fc.constantFrom(9, 30, 34, 253, 254, 255), fc.uint8Array({ maxLength: 16 }))
      .map(([kind, body]) => ({ bytes: [kind, body.length + 2, ...body], says: {} })),
    fc
      .constantFrom(
        [2, 3, 0],
        [2, 5, 0, 0, 0],
        [3, 4, 0, 0],
        [4, 3, 0],
        [8, 9, 0, 0, 0, 0, 0, 0, 0],
        [5, 9, 1, 2, 3, 4, 5, 6, 7],
      )
      .map((bytes) => ({ bytes, says: {} })),
    fc.integer({ min: 1, max: 3 }).map((n) => ({ bytes: new Array<number>(n).fill(1), says: {} })),
  );

  it('finds each option in any order, at any alignment, among any others', () => {
    fc.assert(
      fc.property(fc.array(option, { maxLength: 12 }), (list) => {
        const bytes: number[] = [];
        const expected = {
          mss: ABSENT,
          wscale: ABSENT,
          sackPermitted: false,
          hasTimestamps: false,
          tsVal: 0,
          tsEcr: 0,
          sack: [],
        };
        for (const o of list) {
          if (bytes.length + o.bytes.length > 40) continue;
          bytes.push(...o.bytes);
          Object.assign(expected, o.says);
        }
        expect(told(parse(withOptions(padded(bytes))) as Segment)).toMatchObject(expected);
      }),
      { seed: 7323, numRuns: 1000 },
    );
  });

  it('ends at End of Option List, ignoring the bytes after it', () => {
    const seen = parse(withOptions([1, 0, 2, 4, 3, 3, 99, 0])) as Segment;
    expect([seen.mss, seen.wscale]).toEqual([ABSENT, ABSENT]);
  });

  it.each([
    ['0', [9, 0, 0, 0]],
    ['1', [9, 1, 0, 0]],
    ['past the end', [1, 1, 9, 3]],
    ['missing, because the kind is the last byte', [1, 1, 1, 2]],
    ['past the end, of a known kind', [8, 10, 0, 0]],
  ])('refuses the segment for a length that is %s', (_, bytes) => {
    expect(parse(withOptions(bytes))).toBe('tcpBadOptionLength');
  });
});

describe('parsing anything at all', () => {
  it('never throws, and accepted segments lie inside the given bytes', () => {
    const any = fc.oneof(
      fc.uint8Array({ maxLength: 80 }),
      // Random options and data offset in a plausible header, because most random bytes are
      // rejected at the data offset.
      fc
        .tuple(fc.uint8Array({ minLength: 60, maxLength: 70 }), fc.integer({ min: 4, max: 15 }))
        .map(([b, words]) => {
          b[12] = words << 4;
          return b;
        }),
    );
    const seen = new Map<string, number>();
    const out = new Segment();
    fc.assert(
      fc.property(any, fc.nat(5), (bytes, at) => {
        const slab = slabAt(bytes, at, 3);
        const reason = parseTcp(slab, at, bytes.length, out);
        seen.set(String(reason), (seen.get(String(reason)) ?? 0) + 1);
        if (reason !== Drop.none) return;
        expect(out.headerBytes).toBeGreaterThanOrEqual(20);
        expect(out.payloadOffset).toBe(at + out.headerBytes);
        expect(out.payloadOffset + out.payloadBytes).toBe(at + bytes.length);
        expect(out.sackCount).toBeLessThanOrEqual(4);
      }),
      { seed: 5, numRuns: 5000 },
    );
    const reasons = [
      Drop.none,
      Drop.tcpTruncated,
      Drop.tcpBadDataOffset,
      Drop.tcpBadOptionLength,
    ].map(String);
    expect([...seen.keys()].sort()).toEqual(reasons.sort());
  });

  it('gives a truncated segment the right drop reason', () => {
    const whole = withOptions([2, 4, 5, 180, 1, 3, 3, 7]);
    for (let length = 0; length < whole.length; length++) {
      expect(parse(whole.slice(0, length))).toBe(length < 20 ? 'tcpTruncated' : 'tcpBadDataOffset');
    }
  });
});
