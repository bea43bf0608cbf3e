import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Drop, DROP_NAMES } from '../../src/wire/drop.js';
import { Slab } from '../../src/base/slab.js';
import { parseUdp, UdpHeader, writeUdp } from '../../src/wire/udp.js';
import { naiveSum, pattern } from '../device/packets.js';
import { be16, header, naivePseudoSum, slabAt, u16 } from './build.js';

const UDP = 17;
const versions = [4, 6] as const;

/** A datagram as it follows the IP header. */
function datagram(
  version: 4 | 6,
  data: Uint8Array,
  sourcePort = 5000,
  destinationPort = 7,
): Uint8Array {
  const slab = new Slab(8 + data.length);
  slab.bytes.set(data, 8);
  writeUdp(slab, 0, header(version, UDP), sourcePort, destinationPort, data.length);
  return slab.bytes;
}

function parse(version: 4 | 6, bytes: Uint8Array, trusted = false): string | UdpHeader {
  const ip = header(version, UDP, bytes.length);
  ip.payloadOffset = 3;
  const out = new UdpHeader();
  const reason = parseUdp(slabAt(bytes, 3, 2), ip, trusted, out);
  return reason === Drop.none ? out : DROP_NAMES[reason]!;
}

describe.each(versions)('a UDP datagram over IPv%d', (version) => {
  it('is parsed as it was written, with a correct checksum', () => {
    fc.assert(
      fc.property(u16, u16, fc.uint8Array({ maxLength: 300 }), (from, to, data) => {
        const bytes = datagram(version, data, from, to);
        expect(naiveSum(bytes, naivePseudoSum(version, UDP, bytes.length))).toBe(0xffff);
        expect(parse(version, bytes)).toEqual({
          sourcePort: from,
          destinationPort: to,
          dataOffset: 11,
          dataLength: data.length,
        });
      }),
      { seed: 768, numRuns: 500 },
    );
  });

  it('is refused if any one bit is changed, and accepted if the device has verified the checksum', () => {
    const good = datagram(version, pattern(5));
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3]! ^= 0x80 >> (bit & 7);
      expect(typeof parse(version, bad), `bit ${bit}`).toBe('string');
    }
    const bad = good.slice();
    bad[9]! ^= 1;
    expect([parse(version, bad), typeof parse(version, bad, true)]).toEqual([
      'udpBadChecksum',
      'object',
    ]);
  });

  it('is never written with the checksum 0, which means "no checksum"', () => {
    // The last word of the data is the checksum of the others, so the sum is 0xffff.
    const without = datagram(version, new Uint8Array(2));
    const bytes = datagram(version, without.slice(6, 8));
    expect([...bytes.subarray(6, 8)]).toEqual([0xff, 0xff]);
    expect(typeof parse(version, bytes)).toBe('object');
  });

  it('may be followed by padding, which the checksum does not cover', () => {
    const bytes = Uint8Array.from([...datagram(version, pattern(5)), 1, 2, 3]);
    expect(parse(version, bytes)).toMatchObject({ dataLength: 5 });
  });

  it('is refused if it is truncated or its length field is invalid', () => {
    const good = datagram(version, pattern(5));
    for (let length = 0; length < good.length; length++) {
      expect(parse(version, good.slice(0, length))).toBe(
        length < 8 ? 'udpTruncated' : 'udpBadLength',
      );
    }
    for (const said of [0, 7, 14, 65_535]) {
      const bad = good.slice();
      bad.set(be16(said), 4);
      expect(parse(version, bad)).toBe('udpBadLength');
    }
  });

  it('is parsed from any bytes without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const seen = parse(version, bytes);
        if (typeof seen !== 'string')
          expect(seen.dataOffset + seen.dataLength).toBeLessThanOrEqual(3 + bytes.length);
      }),
      { seed: 6, numRuns: 1000 },
    );
  });
});

describe('a UDP datagram without a checksum', () => {
  it('is accepted over IPv4 (RFC 768) and always refused over IPv6 (RFC 8200 section 8.1)', () => {
    for (const trusted of [false, true]) {
      const none = (version: 4 | 6): Uint8Array => {
        const bytes = datagram(version, pattern(5));
        bytes.set([0, 0], 6);
        return bytes;
      };
      expect(typeof parse(4, none(4), trusted)).toBe('object');
      expect(parse(6, none(6), trusted)).toBe('udpBadChecksum');
    }
  });
});
