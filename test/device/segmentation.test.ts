import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gso } from '../../src/device/device.js';
import { Segmenter } from '../../src/device/segmentation.js';
import { Drop } from '../../src/wire/drop.js';
import { parseTcp, Segment, TcpFlag } from '../../src/wire/tcp.js';
import { buildPacket, faultOf, pattern, rxOf, withPartialChecksum } from './packets.js';
import { Slab } from '../../src/base/slab.js';

const { ACK, PSH, FIN, CWR } = TcpFlag;

function segmentsOf(packet: Uint8Array, gsoSize: number, partial = true): Uint8Array[] {
  const rx = rxOf(partial ? withPartialChecksum(packet) : packet);
  const version = packet[0]! >> 4;
  rx.checksumPartial = partial;
  rx.checksumStart = version === 4 ? 20 : 40;
  rx.checksumOffset = 16;
  rx.gsoType = version === 4 ? Gso.tcp4 : Gso.tcp6;
  rx.gsoSize = gsoSize;
  const before = rx.slab.bytes.slice();
  const out: Uint8Array[] = [];
  new Segmenter().segment(
    rx,
    (slab, offset, length) => out.push(slab.bytes.slice(offset, offset + length)),
    0,
  );
  expect(Buffer.compare(rx.slab.bytes, before)).toBe(0);
  return out;
}

function parsed(packet: Uint8Array): Segment {
  const seg = new Segment();
  const ip = packet[0]! >> 4 === 4 ? 20 : 40;
  if (parseTcp(new Slab(packet), ip, packet.length - ip, seg) !== Drop.none)
    throw new Error('unparsable');
  return seg;
}

describe('Segmenter', () => {
  it('splits any super-segment into correct segments with the same payload', () => {
    const superSegment = fc.record({
      version: fc.constantFrom<4 | 6>(4, 6),
      flags: fc.integer({ min: 0, max: 255 }),
      seq: fc.oneof(fc.integer(), fc.constantFrom(0x7fffff00, -256, -1)),
      id: fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constant(0xffff)),
      timestamps: fc.boolean(),
      size: fc.integer({ min: 1, max: 65_000 }),
      gsoSize: fc.integer({ min: 500, max: 9000 }),
      partial: fc.boolean(),
    });
    fc.assert(
      fc.property(
        superSegment,
        ({ version, flags, seq, id, timestamps, size, gsoSize, partial }) => {
          const payload = pattern(size, seq);
          const whole = buildPacket({ version, flags, seq, id, timestamps, payload });
          const out = segmentsOf(whole, gsoSize, partial);
          expect(out.length).toBe(Math.ceil(size / gsoSize));
          const joined = new Uint8Array(size);
          let at = 0;
          out.forEach((packet, n) => {
            const seg = parsed(packet);
            const last = n === out.length - 1;
            const cleared = (n > 0 ? CWR : 0) | (last ? 0 : PSH | FIN);
            const seen = {
              fault: faultOf(packet),
              bytes: seg.payloadBytes,
              seq: seg.seq,
              flags: seg.flags,
              timestamps: seg.hasTimestamps,
              id: version === 4 ? packet[4]! * 256 + packet[5]! : 0,
            };
            expect(seen).toEqual({
              fault: '',
              bytes: last ? size - at : gsoSize,
              seq: (seq + at) | 0,
              flags: flags & ~cleared,
              timestamps,
              id: version === 4 ? (id + n) & 0xffff : 0,
            });
            joined.set(
              seg.payload!.bytes.subarray(seg.payloadOffset, seg.payloadOffset + seg.payloadBytes),
              at,
            );
            at += seg.payloadBytes;
          });
          expect(Buffer.compare(joined, payload)).toBe(0);
        },
      ),
      { seed: 20_260_101, numRuns: 60 },
    );
  });

  it('passes a complete packet on unchanged, without a copy', () => {
    const rx = rxOf(buildPacket({ version: 4, payload: pattern(100) }));
    let same = false;
    new Segmenter().segment(
      rx,
      (slab, offset, length) => {
        same = slab === rx.slab && offset === rx.offset && length === rx.length;
      },
      0,
    );
    expect(same).toBe(true);
  });

  it.each([4, 6] as const)('completes partial checksums of TCP and UDP over IPv%d', (version) => {
    for (const protocol of [6, 17]) {
      for (const size of [0, 1, 2, 33, 1000]) {
        const whole = buildPacket({
          version,
          protocol,
          payload: pattern(size, protocol),
          flags: ACK,
        });
        const rx = rxOf(withPartialChecksum(whole));
        rx.checksumPartial = true;
        rx.checksumStart = version === 4 ? 20 : 40;
        rx.checksumOffset = protocol === 6 ? 16 : 6;
        new Segmenter().segment(
          rx,
          (slab, offset, length) => {
            expect(slab.bytes.slice(offset, offset + length)).toEqual(whole);
          },
          0,
        );
      }
    }
  });

  it('never writes the UDP checksum 0, which means "none" (RFC 768)', () => {
    // The payload's last word makes the sum 0xffff, so the checksum would be 0.
    const payload = new Uint8Array(2);
    const without = buildPacket({ version: 4, protocol: 17, payload });
    payload.set(without.subarray(26, 28));
    const whole = buildPacket({ version: 4, protocol: 17, payload });
    expect([...whole.subarray(26, 28)]).toEqual([0xff, 0xff]);
    const rx = rxOf(withPartialChecksum(whole));
    rx.checksumPartial = true;
    rx.checksumStart = 20;
    rx.checksumOffset = 6;
    new Segmenter().segment(
      rx,
      (slab, offset, length) => {
        expect(slab.bytes.slice(offset, offset + length)).toEqual(whole);
      },
      0,
    );
  });

  it("can complete a super-segment's checksum without splitting it, for a capture", () => {
    const whole = buildPacket({ version: 6, payload: pattern(50_000) });
    const rx = rxOf(withPartialChecksum(whole));
    rx.checksumPartial = true;
    rx.checksumStart = 40;
    rx.checksumOffset = 16;
    rx.gsoType = Gso.tcp6;
    rx.gsoSize = 1440;
    const out: Uint8Array[] = [];
    new Segmenter().complete(
      rx,
      (slab, offset, length) => out.push(slab.bytes.slice(offset, offset + length)),
      0,
    );
    expect(out.map((p) => Buffer.compare(p, whole))).toEqual([0]);
  });

  it('returns a packet with invalid metadata in one piece, and does not throw', () => {
    for (const size of [1, 19, 21, 39, 41]) {
      const rx = rxOf(pattern(size));
      rx.gsoType = Gso.tcp4;
      rx.gsoSize = 100;
      rx.checksumPartial = true;
      rx.checksumStart = 20;
      rx.checksumOffset = 16;
      let pieces = 0;
      new Segmenter().segment(rx, () => pieces++, 0);
      expect(pieces).toBe(1);
    }
  });
});
