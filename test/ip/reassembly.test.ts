import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { NEVER, SECOND } from '../../src/base/time.js';
import { DEFAULT_REASSEMBLY, type PartialDatagram, Reassembly } from '../../src/ip/reassembly.js';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';
import { IpHeader } from '../../src/wire/ip.js';
import { parseIpv4 } from '../../src/wire/ipv4.js';
import { parseIpv6 } from '../../src/wire/ipv6.js';
import { pattern } from '../device/packets.js';
import { chained, fragmentBody, ipv4, ipv6 } from '../wire/build.js';

const PROTOCOL = 132;

interface Fragment {
  version?: 4 | 6;
  offset: number;
  bytes: ArrayLike<number>;
  more: boolean;
  id?: number;
  tos?: number;
  /** Last byte of the source address. */
  host?: number;
  protocol?: number;
}

/** The packet that carries this fragment. */
function packet(f: Fragment): Uint8Array {
  const { version = 4, offset, bytes, more, id = 7, tos = 0, host = 1, protocol = PROTOCOL } = f;
  if (version === 4) {
    const fragment = (offset >> 3) | (more ? 0x2000 : 0);
    return ipv4({ id, tos, fragment, protocol, payload: bytes, source: [198, 18, 0, host] });
  }
  const source = [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host];
  return ipv6({
    tos,
    source,
    ...chained([[44, fragmentBody(offset, more, id)]], protocol, Array.from(bytes)),
  });
}

let reassembly: Reassembly;
let now = 0;
beforeEach(() => {
  reassembly = new Reassembly();
  now = 1000 * SECOND;
});

/**
 * Parses and adds the packet. Returns the whole datagram, or the name of the outcome (`none`: it is
 * queued).
 */
function add(f: Fragment | Uint8Array, to = reassembly): Uint8Array | string {
  const bytes = f instanceof Uint8Array ? f : packet(f);
  const h = new IpHeader();
  const slab = new Slab(bytes);
  const reason =
    bytes[0]! >> 4 === 4
      ? parseIpv4(slab, 0, bytes.length, h)
      : parseIpv6(slab, 0, bytes.length, h);
  if (reason !== Drop.none) throw new Error(DROP_NAMES[reason]);
  const whole = to.add(slab, h, now);
  return whole === null ? DROP_NAMES[to.reason]! : whole.bytes;
}

/** `payload` split at these offsets (in units of 8 bytes). */
function cut(payload: Uint8Array, cuts: number[], rest: Partial<Fragment> = {}): Fragment[] {
  const inside = [...new Set(cuts.map((n) => n * 8))].filter((n) => n > 0 && n < payload.length);
  const edges = [0, ...inside.sort((a, b) => a - b), payload.length];
  return edges.slice(1).map((end, i) => {
    const offset = edges[i]!;
    return { ...rest, offset, bytes: payload.subarray(offset, end), more: end < payload.length };
  });
}

const versions = [4, 6] as const;

describe.each(versions)('an IPv%d datagram in fragments', (version) => {
  const whole = (payload: Uint8Array, tos = 0): Uint8Array =>
    version === 4
      ? ipv4({ id: 7, tos, protocol: PROTOCOL, payload, source: [198, 18, 0, 1] })
      : ipv6({
          tos,
          nextHeader: PROTOCOL,
          payload,
          source: [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        });
  const two = (rest: Partial<Fragment> = {}): [Fragment, Fragment] =>
    cut(pattern(20), [2], { version, ...rest }) as [Fragment, Fragment];

  it('is reassembled from any fragments, in any order, with duplicates', () => {
    const many = fc.record({
      size: fc.integer({ min: 9, max: 4000 }),
      cuts: fc.array(fc.nat(500), { minLength: 1, maxLength: 12 }),
      seed: fc.integer(),
    });
    fc.assert(
      fc.property(many, ({ size, cuts, seed }) => {
        const payload = pattern(size, seed);
        const pieces = cut(payload, [...cuts, 1], { version });
        const random = new SeededRandom(seed);
        // Each fragment once, and some twice except one: a copy of the last fragment to arrive
        // would begin a new datagram.
        const order = pieces
          .map((piece) => ({ piece, at: random.float() }))
          .sort((a, b) => a.at - b.at);
        const twice = order.slice(0, -1).filter(() => random.below(3) === 0);
        const queue = [...twice, ...order.slice(0, -1)].sort((a, b) => a.at - b.at);
        for (const { piece } of queue) expect(add(piece)).toBe('none');
        expect(add(order.at(-1)!.piece)).toEqual(whole(payload));
        expect([reassembly.size, reassembly.nextTimeout()]).toEqual([0, NEVER]);
      }),
      { seed: 815, numRuns: 300 },
    );
  });

  it('may have the largest size of an IP packet, and no larger one', () => {
    const largest = version === 4 ? 65_515 : 65_535;
    const pieces = cut(
      pattern(largest),
      Array.from({ length: 50 }, (_, i) => i * 180),
      { version },
    );
    const results = pieces.map((piece) => add(piece));
    expect(results.at(-1)).toEqual(whole(pattern(largest)));
    if (version === 4)
      expect(add({ offset: 65_512, bytes: pattern(8), more: false })).toBe('fragmentTooLarge');
  });

  it.each([
    ['the end of another', 8, 16],
    ['the beginning of another', 24, 16],
    ['the inside of another', 24, 8],
    ['two others and the hole between them', 8, 24],
  ])('is dropped whole when a fragment overlaps %s (RFC 5722)', (_, offset, length) => {
    const at = (o: number, n: number, more = true): Fragment => ({
      version,
      offset: o,
      bytes: pattern(n),
      more,
    });
    expect([add(at(0, 16)), add(at(24, 24))]).toEqual(['none', 'none']);
    expect(add(at(offset, length))).toBe('fragmentOverlap');
    expect(reassembly.size).toBe(0);
  });

  it.each([8, 16])(
    'ATK-19: has no fragment that begins at %i, within the TCP header (RFC 3128)',
    (offset) => {
      expect(add({ version, offset, bytes: pattern(8), more: true, protocol: 6 })).toBe(
        'fragmentTiny',
      );
      expect(add({ version, offset, bytes: pattern(8), more: true, protocol: 17 })).toBe('none');
    },
  );

  it.each([
    ['data after its end', [16, 8, false], [24, 8, true]],
    ['an end before data that is there', [24, 8, true], [8, 8, false]],
    ['an end after its end', [8, 8, false], [24, 8, false]],
    ['an end before its end', [24, 8, false], [8, 8, false]],
  ] as const)('is dropped whole when there is %s', (_, first, second) => {
    const at = ([offset, n, more]: readonly [number, number, boolean]): Fragment => ({
      version,
      offset,
      bytes: pattern(n),
      more,
    });
    expect([add(at(first)), add(at(second))]).toEqual(['none', 'fragmentOverlap']);
    expect(reassembly.size).toBe(0);
  });

  it('is identified by source, destination and identification', () => {
    const [first, second] = two();
    const strangers = [{ id: 8 }, { host: 9 }];
    expect(add(first)).toBe('none');
    for (const other of strangers) expect(add({ ...second, ...other })).toBe('none');
    expect(reassembly.size).toBe(3);
    expect(add(second)).toEqual(whole(pattern(20)));
  });

  it.each([
    ['all Not-ECT', 0, 0, 0],
    ['all ECT(0)', 2, 2, 2],
    ['CE in the first', 3, 2, 3],
    ['CE in a later one', 1, 3, 3],
  ])(
    'keeps its ECN field, and one CE mark counts for all fragments: %s (RFC 3168 section 5.3)',
    (_, a, b, ecn) => {
      const [first, second] = two();
      add({ ...first, tos: 0x28 | a });
      const bytes = add({ ...second, tos: 0x28 | b });
      expect(bytes).toEqual(whole(pattern(20), 0x28 | ecn));
    },
  );

  it('is dropped if one fragment is Not-ECT and another CE', () => {
    const [first, second] = two();
    add({ ...first, tos: 0 });
    expect(add({ ...second, tos: 3 })).toBe('fragmentBadEcn');
    expect(reassembly.size).toBe(0);
  });

  it(`expires ${version === 4 ? 30 : 60} s after its first fragment arrived, whenever later ones arrive`, () => {
    const time = (version === 4 ? 30 : 60) * SECOND;
    const [first] = two();
    const start = now;
    add(first);
    expect(reassembly.nextTimeout()).toBe(start + time);
    now += 10 * SECOND;
    add({ version, offset: 32, bytes: pattern(8), more: true });
    expect(reassembly.nextTimeout()).toBe(start + time);
    const given: PartialDatagram[] = [];
    reassembly.expire(start + time - 1, (p) => given.push(p));
    expect(given).toEqual([]);
    reassembly.expire(start + time, (p) => given.push(p));
    expect([given.length, reassembly.size, reassembly.nextTimeout()]).toEqual([1, 0, NEVER]);
    // Its first fragment is kept for the Time Exceeded.
    expect(given[0]!.first).toEqual(packet(first));
  });

  it('that expires before its first fragment arrived is reported without it', () => {
    const [, second] = two();
    add(second);
    const given: PartialDatagram[] = [];
    reassembly.expire(now + 1000 * SECOND, (p) => given.push(p));
    expect(given.map((p) => p.first)).toEqual([null]);
  });
});

it('a fragment is copied, so its memory may be reused at once, also when it is a Buffer', () => {
  const pieces = cut(pattern(100), [3, 7]);
  const results = pieces.map((piece) => {
    const slab = new Slab(Buffer.from(packet(piece)));
    const h = new IpHeader();
    parseIpv4(slab, 0, slab.bytes.length, h);
    const whole = reassembly.add(slab, h, now);
    slab.bytes.fill(0xee);
    return whole?.bytes;
  });
  expect(results.at(-1)).toEqual(ipv4({ id: 7, protocol: PROTOCOL, payload: pattern(100) }));
});

describe('an IPv4 fragment', () => {
  it('is dropped if it is empty, or if it is not the last and its length is not a multiple of 8', () => {
    expect(add({ offset: 8, bytes: [], more: false })).toBe('fragmentBadLength');
    expect(add({ offset: 0, bytes: [], more: true })).toBe('fragmentBadLength');
    expect(add({ offset: 0, bytes: pattern(9), more: true })).toBe('fragmentBadLength');
    expect(reassembly.size).toBe(0);
  });

  it('belongs to its protocol, because each protocol has its own identifications', () => {
    const [first, second] = cut(pattern(20), [2]) as [Fragment, Fragment];
    add(first);
    expect(add({ ...second, protocol: 17 })).toBe('none');
    expect(reassembly.size).toBe(2);
  });

  it('with options gives a datagram whose header has none', () => {
    const options = [7, 7, 4, 0, 0, 0, 0, 0];
    add(ipv4({ id: 7, fragment: 0x2000, protocol: PROTOCOL, options, payload: pattern(16) }));
    const bytes = add(
      ipv4({ id: 7, fragment: 2, protocol: PROTOCOL, payload: pattern(20).slice(16) }),
    );
    expect(bytes).toEqual(ipv4({ id: 7, protocol: PROTOCOL, payload: pattern(20) }));
  });
});

describe('the limits', () => {
  const first = (id: number, host = 1, length = 8): Fragment => ({
    offset: 0,
    bytes: pattern(length),
    more: true,
    id,
    host,
  });
  const last = (id: number, host = 1, length = 8): Fragment => ({
    offset: length,
    bytes: pattern(4),
    more: false,
    id,
    host,
  });

  it('ATK-22: of datagrams: the oldest is dropped, with a drop reason', () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, datagrams: 3 });
    expect([1, 2, 3].map((host) => add(first(1, host), small))).toEqual(['none', 'none', 'none']);
    expect(add(first(1, 4), small)).toBe('fragmentLimit');
    expect(small.size).toBe(3);
    expect(add(last(1, 4), small)).toBeInstanceOf(Uint8Array);
    expect(add(last(1, 1), small)).toBe('none'); // its first fragment was dropped
  });

  it("ATK-22: of datagrams of one source: the source's own oldest is dropped", () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, datagramsPerSource: 2 });
    add(first(1, 9), small);
    expect([1, 2, 3].map((id) => add(first(id), small))).toEqual(['none', 'none', 'fragmentLimit']);
    expect(small.size).toBe(3);
    expect(add(last(1, 9), small)).toBeInstanceOf(Uint8Array);
    expect(add(last(3), small)).toBeInstanceOf(Uint8Array);
    // One of its two places is free again.
    expect(add(first(4), small)).toBe('none');
  });

  it('of bytes: the oldest are dropped until there is room', () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, bytes: 10_000 });
    expect([1, 2].map((id) => add(first(id, 1, 1400), small))).toEqual(['none', 'none']);
    expect(add(first(3, 1, 2800), small)).toBe('fragmentLimit');
    expect(add(last(3, 1, 2800), small)).toBeInstanceOf(Uint8Array);
  });

  it('of bytes: a fragment counts with its overhead, so that small ones are not free', () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, bytes: 10_000 });
    for (let id = 0; id < 100; id++) add(first(id, id), small);
    expect(small.size).toBeLessThan(40);
  });

  it('of bytes: a single datagram above the limit is dropped, too', () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, bytes: 1000 });
    expect(add(first(1, 1, 1400), small)).toBe('fragmentLimit');
    expect(small.size).toBe(0);
  });

  it('of fragments of one datagram: the datagram is dropped', () => {
    const small = new Reassembly({ ...DEFAULT_REASSEMBLY, fragments: 5 });
    const at = (n: number): Fragment => ({ offset: 16 * n, bytes: pattern(8), more: true });
    expect([0, 1, 2, 3, 4, 5].map((n) => add(at(n), small))).toEqual([
      'none',
      'none',
      'none',
      'none',
      'none',
      'fragmentLimit',
    ]);
    expect(small.size).toBe(0);
  });

  it('bound the memory in a flood of fragments of 8 bytes, overhead included', () => {
    const random = new SeededRandom(3);
    for (let n = 0; n < 30_000; n++) {
      const offset = 8 * random.below(8000);
      add({
        offset,
        bytes: pattern(8),
        more: true,
        id: random.below(60),
        host: random.below(200) + 1,
      });
    }
    const memory = (reassembly as unknown as { memory: number }).memory;
    expect(reassembly.size).toBeLessThanOrEqual(DEFAULT_REASSEMBLY.datagrams);
    expect(memory).toBeLessThanOrEqual(DEFAULT_REASSEMBLY.bytes);
    reassembly.expire(NEVER, () => undefined);
    expect([reassembly.size, (reassembly as unknown as { memory: number }).memory]).toEqual([0, 0]);
    expect((reassembly as unknown as { perSource: Map<string, number> }).perSource.size).toBe(0);
  });
});
