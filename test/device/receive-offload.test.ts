/**
 * The addon's receive offload (native-setup/receive-offload.c), compared with its inverse:
 * segmentation.ts must split a super-segment into exactly the segments that were joined. IPv4's
 * identification counts up here, as it does in segmentation.ts.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Slab } from '../../src/base/slab.js';
import { Gso, RxPacket } from '../../src/device/device.js';
import { Rx } from '../../src/device/tun/native.js';
import { Segmenter } from '../../src/device/segmentation.js';
import { TcpFlag } from '../../src/wire/tcp.js';
import { testNative } from '../native/test-addon.js';
import { buildPacket, faultOf, naiveSum, type PacketSpec, withHeaderEcn } from './packets.js';

const native = await testNative();

const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const aligned = (n: number): number => (n + 7) & ~7;

interface Joined {
  rx: RxPacket;
  flags: number;
}

/** The packets that a queue would deliver for these. */
function join(packets: readonly Uint8Array[]): Joined[] {
  const slab = new Slab(packets.reduce((n, p) => n + aligned(p.length), 0));
  const words = new Int32Array(packets.length * Rx.words);
  let at = 0;
  packets.forEach((p, i) => {
    slab.bytes.set(p, at);
    words[i * Rx.words + Rx.offset] = at;
    words[i * Rx.words + Rx.length] = p.length;
    at += aligned(p.length);
  });
  const count = native.joinPackets(slab.bytes, words, packets.length);
  return Array.from({ length: count }, (_, i) => {
    const w = words.subarray(i * Rx.words, (i + 1) * Rx.words);
    const rx = new RxPacket();
    rx.slab = slab;
    rx.offset = w[Rx.offset]!;
    rx.length = w[Rx.length]!;
    rx.gsoType = w[Rx.gsoType]!;
    rx.gsoSize = rx.gsoType === 0 ? 0 : w[Rx.gsoSize]!;
    rx.headerBytes = w[Rx.headerLength]!;
    rx.checksumPartial = w[Rx.flags] === NEEDS_CSUM;
    rx.checksumStart = w[Rx.csumStart]!;
    rx.checksumOffset = w[Rx.csumOffset]!;
    return { rx, flags: w[Rx.flags]! };
  });
}

function cut(joined: readonly Joined[]): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (const { rx } of joined)
    new Segmenter().segment(
      rx,
      (slab, offset, length) => out.push(slab.bytes.slice(offset, offset + length)),
      0,
    );
  return out;
}

const bytes = (n: number, from = 0): Uint8Array =>
  Uint8Array.from({ length: n }, (_, i) => (from + i * 7) & 255);

/** `count` consecutive segments of `size` bytes; `change` changes one of them. */
function flow(
  count: number,
  size: number,
  version: 4 | 6 = 4,
  change: (i: number) => Partial<PacketSpec> = () => ({}),
): Uint8Array[] {
  return Array.from({ length: count }, (_, i) =>
    buildPacket({
      version,
      seq: 0x7fffff00 + i * size,
      id: i,
      timestamps: true,
      payload: bytes(size, i),
      ...change(i),
    }),
  );
}

describe('consecutive segments', () => {
  it.each([4, 6] as const)(
    'are joined, and segmentation gives the same packets again: IPv%i',
    (version) => {
      const packets = flow(44, 1448, version);
      const joined = join(packets);
      expect(joined.length).toBe(1);
      const { rx, flags } = joined[0]!;
      const headers = (version === 4 ? 20 : 40) + 32;
      expect([rx.length, rx.gsoSize, rx.headerBytes]).toEqual([headers + 44 * 1448, 1448, headers]);
      expect(rx.gsoType).toBe(version === 4 ? Gso.tcp4 : Gso.tcp6);
      expect(flags).toBe(NEEDS_CSUM);
      expect(cut(joined)).toEqual(packets);
    },
  );

  it('are joined up to the largest length of an IP packet', () => {
    const packets = flow(100, 1448);
    expect(join(packets).map(({ rx }) => rx.length)).toEqual([
      52 + 45 * 1448,
      52 + 45 * 1448,
      52 + 10 * 1448,
    ]);
  });

  it('are joined up to one that is shorter or has PSH', () => {
    const shorter = flow(2, 1000).concat(
      flow(1, 500, 4, () => ({ seq: 0x7fffff00 + 2000, id: 2 })),
    );
    const more = flow(1, 1000, 4, () => ({ seq: 0x7fffff00 + 2500, id: 3 }));
    expect(join([...shorter, ...more]).length).toBe(2);
    const pushed = flow(4, 1000, 4, (i) => (i === 1 ? { flags: TcpFlag.ACK | TcpFlag.PSH } : {}));
    expect(join(pushed).map(({ rx }) => rx.length)).toEqual([2052, 2052]);
    expect(cut(join(pushed))).toEqual(pushed);
  });
});

describe('segments that differ in more than sequence number, checksum and payload', () => {
  const ack = TcpFlag.ACK;
  it.each<[string, Partial<PacketSpec>]>([
    ['another number', { seq: 0x7fffff00 + 999 }],
    ['another acknowledgment', { ack: 1 }],
    ['another port', { sourcePort: 40_001 }],
    ['another port of ours', { destinationPort: 81 }],
    ['without timestamps', { timestamps: false }],
    ['FIN', { flags: ack | TcpFlag.FIN }],
    ['SYN', { flags: ack | TcpFlag.SYN }],
    ['RST', { flags: ack | TcpFlag.RST }],
    ['URG', { flags: ack | TcpFlag.URG }],
    ['CWR', { flags: ack | TcpFlag.CWR }],
    ['ECE', { flags: ack | TcpFlag.ECE }],
    ['no payload', { payload: new Uint8Array(0) }],
    ['more payload', { payload: bytes(1001, 1) }],
    ['UDP', { protocol: 17 }],
    ['the other IP version', { version: 6 }],
  ])('are not joined: %s', (_, change) => {
    const packets = flow(2, 1000, 4, (i) => (i === 1 ? change : {}));
    expect(join(packets).length).toBe(2);
    expect(cut(join(packets))).toEqual(packets);
  });

  it.each([4, 6] as const)(
    'are not joined: any byte of the headers except lengths and checksums, IPv%i',
    (version) => {
      const [first, second] = flow(2, 1000, version) as [Uint8Array, Uint8Array];
      const tcp = version === 4 ? 20 : 40;
      const free = version === 4 ? [2, 3, 4, 5, 10, 11] : [4, 5];
      for (let at = 0; at < tcp + 32; at++) {
        if (free.includes(at) || at === tcp + 16 || at === tcp + 17) continue;
        const changed = second.slice();
        changed[at]! ^= 0x40;
        expect(join([first, rightSums(changed)]).length, `byte ${at}`).toBe(2);
      }
    },
  );
});

/** Recomputes the checksums after a change of the headers, if the packet can still be parsed. */
function rightSums(packet: Uint8Array): Uint8Array {
  const p = packet.slice();
  const tcp = p[0]! >> 4 === 4 ? 20 : 40;
  const put = (at: number, sum: number): void => {
    p.set([sum >> 8, sum & 255], at);
  };
  if (tcp === 20) {
    put(10, 0);
    put(10, ~naiveSum(p.slice(0, 20)) & 0xffff);
  }
  put(tcp + 16, 0);
  const addresses = p.slice(tcp === 20 ? 12 : 8, tcp);
  put(tcp + 16, ~naiveSum(p.slice(tcp), naiveSum(addresses, 6 + p.length - tcp)) & 0xffff);
  return p;
}

describe('unusual packets', () => {
  it('a packet with a wrong checksum is not marked as verified, and not joined', () => {
    const packets = flow(3, 1000);
    packets[1]![200]! ^= 1;
    expect(join(packets).map(({ flags }) => flags)).toEqual([DATA_VALID, 0, DATA_VALID]);
    expect(cut(join(packets))).toEqual(packets);
  });

  it('a packet with a CE mark is not joined, so the mark stays with its packet', () => {
    const packets = flow(3, 1000).map((p, i) => withHeaderEcn(p, i === 1 ? 3 : 2));
    expect(join(packets).length).toBe(3);
  });

  it('passes on every byte of any input, and marks only valid checksums as verified', () => {
    const often = <T>(usual: T, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T> =>
      fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });
    const change = fc.record({
      at: fc.nat(2000),
      bits: fc.integer({ min: 1, max: 255 }),
      fixed: fc.boolean(),
    });
    const segment = fc.record({
      gap: often(0, fc.integer({ min: -5, max: 5 })),
      size: often(536, fc.integer({ min: 0, max: 1460 })),
      push: fc.integer({ min: 0, max: 9 }),
      port: often(80, fc.constant(81)),
      broken: often<{ at: number; bits: number; fixed: boolean } | null>(null, change),
      length: often<number | null>(null, fc.nat(100)),
    });
    fc.assert(
      fc.property(
        fc.constantFrom<4 | 6>(4, 6),
        fc.integer(),
        fc.array(segment, { minLength: 1, maxLength: 60 }),
        (version, isn, segments) => {
          let seq = isn;
          const packets = segments.map((s, i) => {
            seq += s.gap;
            const flags = TcpFlag.ACK | (s.push === 0 ? TcpFlag.PSH : 0);
            let p = buildPacket({
              version,
              seq,
              id: i,
              flags,
              destinationPort: s.port,
              payload: bytes(s.size, i),
            });
            seq += s.size;
            if (s.broken !== null) p[s.broken.at % p.length]! ^= s.broken.bits;
            if (s.broken?.fixed === true) p = rightSums(p);
            return s.length === null ? p : p.slice(0, s.length);
          });
          const joined = join(packets);
          for (const { rx, flags } of joined) {
            const alone = rx.slab.bytes.slice(rx.offset, rx.offset + rx.length);
            if (flags === DATA_VALID) expect(faultOf(alone)).toBe('');
            if (rx.gsoType !== 0)
              expect((rx.length - rx.headerBytes) / rx.gsoSize).toBeGreaterThan(1);
          }
          const out = cut(joined);
          // If IPv4's identification does not count up, the split segment has another one, and
          // another checksum.
          const same = (p: Uint8Array): Uint8Array =>
            p.length < 20 || p[0] !== 0x45 ? p : p.slice().fill(0, 4, 6).fill(0, 10, 12);
          expect(out.map(same)).toEqual(packets.map(same));
        },
      ),
      { numRuns: 400, seed: 20261123 },
    );
  });
});
