/** Headers of captured packets: against the stack's own parsers, and cut at every byte. */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { Address, CapturedPacket, Headers, LinkType, TcpFlag } from '../../src/core.js';
import { Drop } from '../../src/wire/drop.js';
import { IpHeader } from '../../src/wire/ip.js';
import { parseIpv4 } from '../../src/wire/ipv4.js';
import { parseIpv6 } from '../../src/wire/ipv6.js';
import { parseTcp, Segment } from '../../src/wire/tcp.js';
import { buildPacket, pattern } from '../device/packets.js';
import { randomIp } from './random-packets.js';

/** `ip` as a captured packet whose IP header is behind `before` other bytes. */
function captured(ip: Uint8Array, length = ip.length, before = 3): CapturedPacket {
  const packet = new CapturedPacket();
  packet.linkType = LinkType.raw;
  packet.bytes = Uint8Array.from([...pattern(before), ...ip.subarray(0, length), 0xee, 0xee]);
  packet.offset = before;
  packet.capturedLength = length;
  packet.originalLength = ip.length;
  packet.ipOffset = length > 0 ? before : -1;
  return packet;
}

const headers = new Headers();
const read = (ip: Uint8Array, length = ip.length): Headers => {
  headers.read(captured(ip, length));
  return headers;
};

const put16 = (b: Uint8Array, at: number, v: number): Uint8Array => {
  const copy = b.slice();
  copy.set([v >> 8, v & 255], at);
  return copy;
};

describe('a TCP segment', () => {
  const segment = new Segment();
  segment.mss = 1460;
  segment.wscale = 7;

  it.each([4, 6] as const)('over IPv%d', (version) => {
    const ip = buildPacket({
      version,
      seq: 0x8000_0001,
      ack: 5,
      flags: TcpFlag.ACK | TcpFlag.PSH,
      payload: pattern(9),
      timestamps: true,
      id: version === 4 ? 77 : 0,
    });
    const h = read(ip);
    const at = version === 4 ? 20 : 40;
    expect(h).toMatchObject({
      version,
      protocol: 6,
      ttl: 64,
      tos: 0,
      id: version === 4 ? 77 : 0,
      dontFragment: true,
      fragmentOffset: 0,
      moreFragments: false,
      malformed: false,
      transportOffset: 3 + at,
      transportLength: ip.length - at,
      headerBytes: 32,
      payloadLength: 9,
      capturedPayload: 9,
      sourcePort: 40_000,
      destinationPort: 80,
      seq: 0x8000_0001 | 0,
      ack: 5,
      flags: TcpFlag.ACK | TcpFlag.PSH,
      window: 512,
      mss: -1,
      wscale: -1,
      sackPermitted: false,
      hasTimestamps: true,
      tsVal: 77,
      tsEcr: 78,
      sackCount: 0,
      optionsCut: false,
      isTcp: true,
      isUdp: false,
    });
    const text = (w0: number, w1: number, w2: number, w3: number): string =>
      Address.fromWords(w0, w1, w2, w3).toString();
    expect([text(h.s0, h.s1, h.s2, h.s3), text(h.d0, h.d1, h.d2, h.d3)]).toEqual(
      version === 4
        ? ['198.18.0.1', '198.18.0.2']
        : ['fd74:6370:6c61:62::1', 'fd74:6370:6c61:62::2'],
    );
  });

  it.each([4, 6] as const)('over IPv%d, cut at every byte: all that is there', (version) => {
    const ip = buildPacket({ version, payload: pattern(30), timestamps: true });
    const at = version === 4 ? 20 : 40;
    for (let length = 0; length <= ip.length; length++) {
      const h = read(ip, length);
      expect(h.version).toBe(length < at ? 0 : version);
      expect(h.isTcp).toBe(length >= at + 20);
      expect(h.malformed).toBe(false);
      if (!h.isTcp) continue;
      expect([h.destinationPort, h.headerBytes, h.payloadLength]).toEqual([80, 32, 30]);
      expect(h.capturedPayload).toBe(Math.max(length - at - 32, 0));
      expect(h.optionsCut).toBe(length < at + 32);
      expect(h.hasTimestamps).toBe(length >= at + 32);
    }
  });

  it('padding of an Ethernet frame is no payload', () => {
    const ip = buildPacket({ version: 4 });
    const padded = Uint8Array.from([...ip, 0, 0, 0, 0, 0, 0]);
    expect(read(padded)).toMatchObject({ payloadLength: 0, capturedPayload: 0, malformed: false });
  });

  it('a super-segment whose length field says 0 has the length of its frame', () => {
    for (const version of [4, 6] as const) {
      const ip = buildPacket({ version, payload: pattern(5000) });
      const zero = put16(ip, version === 4 ? 2 : 4, 0);
      expect(read(zero)).toMatchObject({ payloadLength: 5000, malformed: false });
    }
  });

  it('a header that contradicts itself is malformed, and read as far as it goes', () => {
    const ip = buildPacket({ version: 4, payload: pattern(4) });
    const offset = ip.slice();
    offset[32] = 0x40; // 16 bytes
    expect(read(offset)).toMatchObject({ malformed: true, destinationPort: 80, payloadLength: 0 });
    offset[32] = 0xf0; // 60 bytes
    expect(read(offset)).toMatchObject({ malformed: true, destinationPort: 80, payloadLength: 0 });
    expect(read(put16(ip, 2, 30))).toMatchObject({ malformed: true, transportOffset: -1 });
    const shortHeader = ip.slice();
    shortHeader[0] = 0x44;
    expect(read(shortHeader)).toMatchObject({ version: 4, malformed: true, transportOffset: -1 });
    const option = buildPacket({ version: 4, timestamps: true });
    option[43] = 200; // the length of the timestamps
    expect(read(option)).toMatchObject({ malformed: true, hasTimestamps: false });
  });
});

describe('fragments', () => {
  const ip = buildPacket({ version: 4, payload: pattern(40) });
  it('the first has a transport header', () => {
    expect(read(put16(ip, 6, 0x2000))).toMatchObject({
      moreFragments: true,
      isTcp: true,
      destinationPort: 80,
    });
  });

  it('later ones have none', () => {
    expect(read(put16(ip, 6, 5))).toMatchObject({
      moreFragments: false,
      fragmentOffset: 40,
      protocol: 6,
      transportOffset: -1,
      isTcp: false,
      payloadLength: ip.length - 20,
    });
  });
});

/** An IPv6 packet with these extension headers: kind, and the bytes behind the next header. */
function withExtensions(extensions: readonly (readonly [number, readonly number[]])[]): Uint8Array {
  const ip = buildPacket({ version: 6, payload: pattern(3) });
  const body = [...ip.subarray(40)];
  let next = 6;
  for (const [kind, rest] of extensions.toReversed()) {
    body.unshift(next, ...rest);
    next = kind;
  }
  const packet = Uint8Array.from([...ip.subarray(0, 40), ...body]);
  packet[6] = next;
  return put16(packet, 4, body.length);
}

describe('extension headers of IPv6', () => {
  const padding = [0, 1, 4, 0, 0, 0, 0];
  it.each([
    ['hop-by-hop', 0, padding],
    ['routing', 43, padding],
    ['destination', 60, padding],
    ['a long one', 60, [1, 1, 12, ...new Array<number>(12).fill(0)]],
    ['authentication', 51, [4, ...new Array<number>(22).fill(0)]],
    ['mobility', 135, padding],
  ] as const)('%s: TCP is found behind it', (_, kind, rest) => {
    const ip = withExtensions([[kind, rest]]);
    expect(read(ip)).toMatchObject({ protocol: 6, isTcp: true, payloadLength: 3 });
    for (let length = 40; length < 40 + rest.length + 1; length++)
      expect(read(ip, length)).toMatchObject({
        version: 6,
        protocol: kind,
        transportOffset: -1,
        malformed: false,
      });
  });

  it('several, with a fragment header', () => {
    const fragment = [0, 0, 1, 0, 0, 1, 2];
    const ip = withExtensions([
      [0, padding],
      [44, fragment],
      [60, padding],
    ]);
    expect(read(ip)).toMatchObject({ moreFragments: true, id: 258, isTcp: true, payloadLength: 3 });
    const later = withExtensions([[44, [0, 0, 9, 0, 0, 1, 2]]]);
    expect(read(later)).toMatchObject({ fragmentOffset: 8, protocol: 6, transportOffset: -1 });
  });

  it('that are longer than the packet are malformed', () => {
    expect(read(withExtensions([[60, [200, 1, 4, 0, 0, 0, 0]]]))).toMatchObject({
      malformed: true,
      transportOffset: -1,
    });
  });
});

describe('other protocols', () => {
  it('UDP', () => {
    const ip = buildPacket({ version: 4, protocol: 17, payload: pattern(7) });
    expect(read(ip)).toMatchObject({
      isUdp: true,
      sourcePort: 40_000,
      destinationPort: 53,
      headerBytes: 8,
      payloadLength: 7,
      malformed: false,
    });
    expect(read(put16(ip, 24, 7))).toMatchObject({ malformed: true, payloadLength: 0 });
    expect(read(put16(ip, 24, 900))).toMatchObject({ malformed: true, payloadLength: 7 });
  });

  it('ICMP', () => {
    const ip = buildPacket({ version: 4, protocol: 17, payload: pattern(7) });
    ip[9] = 1;
    ip.set([3, 4], 20);
    expect(read(ip)).toMatchObject({ protocol: 1, icmpType: 3, icmpCode: 4, payloadLength: 7 });
  });

  it('one that is unknown: all of it is payload', () => {
    const ip = buildPacket({ version: 4, payload: pattern(7) });
    ip[9] = 99;
    expect(read(ip)).toMatchObject({ protocol: 99, headerBytes: 0, payloadLength: 27 });
  });
});

it('what the stack would take is read as the stack reads it', () => {
  const r = new SeededRandom(7);
  const ip = new IpHeader();
  const segment = new Segment();
  let segments = 0;
  for (let n = 0; n < 5000; n++) {
    const bytes = randomIp(r);
    const slab = new Slab(bytes);
    const parse = bytes[0]! >> 4 === 4 ? parseIpv4 : parseIpv6;
    const drop = parse(slab, 0, bytes.length, ip);
    if (drop !== Drop.none) continue;
    const h = read(bytes);
    expect([h.version, h.protocol, h.ttl, h.tos]).toEqual([
      ip.version,
      ip.protocol,
      ip.ttl,
      ip.tos,
    ]);
    if (ip.fragmentOffset > 0 || ip.protocol !== 6) continue;
    if (parseTcp(slab, ip.payloadOffset, ip.payloadLength, segment) !== Drop.none) continue;
    segments++;
    expect(h).toMatchObject({
      isTcp: true,
      seq: segment.seq,
      ack: segment.ack,
      flags: segment.flags,
      window: segment.wnd,
      urgent: segment.urgentPointer,
      headerBytes: segment.headerBytes,
      payloadLength: segment.payloadBytes,
    });
  }
  expect(segments).toBeGreaterThan(100);
});
