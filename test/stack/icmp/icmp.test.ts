import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { Slab } from '../../../src/base/slab.js';
import { SeededRandom } from '../../../src/base/random.js';
import { Reassembly } from '../../../src/ip/reassembly.js';
import { IpHeader } from '../../../src/wire/ip.js';
import { parseIpv4 } from '../../../src/wire/ipv4.js';
import { parseIpv6 } from '../../../src/wire/ipv6.js';
import { naiveSum, pattern, rxOf } from '../../device/packets.js';
import {
  be16,
  be32,
  chained,
  fragmentBody,
  ipv4,
  ipv6,
  naivePseudoSum,
  V4_SOURCE,
  V6_SOURCE,
  type V4Spec,
  type V6Spec,
} from '../../wire/build.js';
import { A4, A6, B4, B6, Hosts } from '../hosts.js';
import { checksumHolds, RawHost, type Reply } from '../raw-host.js';

const ALL_NODES = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const UNSPECIFIED = new Array<number>(16).fill(0);
const versions = [4, 6] as const;
const [UDP, TCP, SCTP] = [17, 6, 132];
const ICMP = { 4: 1, 6: 58 };
const ECHO = { 4: [8, 0], 6: [128, 129] };

interface Spec {
  version: 4 | 6;
  source?: readonly number[];
  destination?: readonly number[];
}

/**
 * The message with its checksum. Over IPv6 the checksum covers `source` and `destination`, or the
 * default addresses.
 */
function icmp(message: readonly number[], s: Spec): Uint8Array {
  const m = Uint8Array.from(message);
  m.set([0, 0], 2);
  const addresses = [...(s.source ?? []), ...(s.destination ?? [])];
  const pseudo =
    s.version === 4
      ? 0
      : addresses.length === 32
        ? naiveSum(Uint8Array.from([...addresses, 0, 58, ...be16(m.length)]))
        : naivePseudoSum(6, 58, m.length);
  m.set(be16(~naiveSum(m, pseudo)), 2);
  return m;
}

/** An IP packet of either version. */
const packet = (
  version: 4 | 6,
  protocol: number,
  payload: ArrayLike<number>,
  rest: V4Spec & V6Spec = {},
): Uint8Array =>
  version === 4
    ? ipv4({ protocol, payload, ...rest })
    : ipv6({ nextHeader: protocol, payload, ...rest });

const echoMessage = (version: 4 | 6, data: ArrayLike<number>): number[] => [
  ECHO[version][0]!,
  ...[0, 0, 0],
  ...be16(77),
  ...be16(3),
  ...Array.from(data),
];

function echo(version: 4 | 6, data: ArrayLike<number>, rest: V4Spec & V6Spec = {}): Uint8Array {
  return packet(
    version,
    ICMP[version],
    icmp(echoMessage(version, data), { version, ...rest }),
    rest,
  );
}

const udp = (
  version: 4 | 6,
  port = 9,
  data: ArrayLike<number> = pattern(10),
  rest: V4Spec & V6Spec = {},
): Uint8Array => {
  const length = 8 + data.length;
  const d = Uint8Array.from([
    ...be16(5000),
    ...be16(port),
    ...be16(length),
    0,
    0,
    ...Array.from(data),
  ]);
  const addresses =
    version === 6 && rest.destination !== undefined
      ? [...(rest.source ?? V6_SOURCE), ...rest.destination]
      : null;
  const pseudo =
    addresses === null
      ? naivePseudoSum(version, UDP, length)
      : naiveSum(Uint8Array.from(addresses), UDP + length);
  if (version === 6) d.set(be16(~naiveSum(d, pseudo)), 6);
  return packet(version, UDP, d, rest);
};

/** Reassembles replies that are fragments, with code that is tested elsewhere. */
function joined(replies: Reply[]): Uint8Array {
  if (replies.length === 1 && !replies[0]!.isFragment) return replies[0]!.payload;
  const reassembly = new Reassembly();
  for (const { bytes, version } of replies) {
    const [h, slab] = [new IpHeader(), new Slab(bytes)];
    if (version === 4) parseIpv4(slab, 0, bytes.length, h);
    else parseIpv6(slab, 0, bytes.length, h);
    const whole = reassembly.add(slab, h, 0);
    if (whole !== null) return whole.bytes.slice(version === 4 ? 20 : 40);
  }
  throw new Error('a fragment is missing');
}

/** A packet cut into fragments of at most `size` payload bytes. */
function fragments(
  version: 4 | 6,
  protocol: number,
  payload: Uint8Array,
  size: number,
  id = 9,
): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += size) {
    const bytes = payload.subarray(at, at + size);
    const more = at + size < payload.length;
    if (version === 4)
      out.push(ipv4({ id, protocol, fragment: (at >> 3) | (more ? 0x2000 : 0), payload: bytes }));
    else out.push(ipv6(chained([[44, fragmentBody(at, more, id)]], protocol, Array.from(bytes))));
  }
  return out;
}

describe.each(versions)('an ICMPv%d echo request', (version) => {
  it('is answered with the same data, from its destination address', () => {
    for (const size of [0, 1, 56, 1400]) {
      const host = new RawHost();
      const [reply, ...others] = host.send(echo(version, pattern(size), { tos: 0xb8 | 1 }));
      expect(others).toEqual([]);
      expect([reply!.version, reply!.protocol, checksumHolds(reply!)]).toEqual([
        version,
        ICMP[version],
        true,
      ]);
      expect(reply!.destination).toEqual([...(version === 4 ? V4_SOURCE : V6_SOURCE)]);
      const expected = echoMessage(version, pattern(size));
      expected[0] = ECHO[version][1]!;
      expect([...reply!.payload.slice(4)]).toEqual(expected.slice(4));
      expect([...reply!.payload.slice(0, 2)]).toEqual([ECHO[version][1], 0]);
      // RFC 1349 section 5.1: with the request's DSCP, and no ECN.
      const tos =
        version === 4 ? reply!.bytes[1] : ((reply!.bytes[0]! & 15) << 4) | (reply!.bytes[1]! >> 4);
      expect(tos).toBe(0xb8);
      expect(host.drops).toEqual({});
    }
  });

  it.each(version === 4 ? [68, 576, 1500, 9000] : [1280, 1500, 9000])(
    'of up to 65,507 bytes is reassembled and answered in fragments no larger than the MTU of %d',
    (mtu) => {
      const host = new RawHost(mtu);
      for (const size of [mtu, 8184, 65_000, 65_507]) {
        const data = pattern(size, size);
        const message = icmp(echoMessage(version, data), { version });
        const replies = host.send(...fragments(version, ICMP[version], message, 1448, size));
        expect(Math.max(...replies.map((r) => r.bytes.length))).toBeLessThanOrEqual(mtu);
        expect(replies.every((r) => r.isFragment)).toBe(
          message.length + (version === 4 ? 20 : 40) > mtu,
        );
        const answer = joined(replies);
        expect([answer.length, answer[0]]).toEqual([8 + size, ECHO[version][1]]);
        expect(Buffer.compare(answer.subarray(8), data)).toBe(0);
        const pseudo = version === 4 ? 0 : naivePseudoSum(6, 58, answer.length);
        expect(naiveSum(answer, pseudo)).toBe(0xffff);
      }
      expect(host.drops).toEqual({});
    },
  );

  it('makes no text without an observer', () => {
    const host = new RawHost();
    let reads = 0;
    const { message } = host.stack.icmp as unknown as { message: object };
    Object.defineProperty(message, 'id', { get: () => ++reads, set: () => undefined });
    expect(host.send(echo(version, pattern(8)))).toHaveLength(1);
    expect(reads).toBe(0);
  });

  it('with a wrong checksum is dropped silently', () => {
    const host = new RawHost();
    const bad = echo(version, pattern(20));
    bad[bad.length - 1]! ^= 1;
    expect(host.send(bad)).toEqual([]);
    expect(host.drops).toEqual({ icmpBadChecksum: 1 });
  });
});

describe('an echo request to or from an unusual address', () => {
  it('to a multicast group is answered from our own address', () => {
    const host = new RawHost();
    const [four] = host.send(echo(4, [1], { destination: [224, 0, 0, 1] }));
    expect(four!.source).toEqual([198, 18, 0, 2]);
    const [six] = host.send(echo(6, [1], { source: V6_SOURCE, destination: ALL_NODES }));
    expect(six!.source.slice(-1)).toEqual([2]);
    expect([checksumHolds(four!), checksumHolds(six!)]).toEqual([true, true]);
  });

  it('to a broadcast address is not answered (RFC 1122 section 3.2.2.6)', () => {
    const host = new RawHost();
    for (const last of [255])
      expect(host.send(echo(4, [1], { destination: [198, 18, 0, last] }))).toEqual([]);
    expect(host.drops).toEqual({ ipBadDestination: 1 });
  });

  it('from the unspecified address (::) is not answered, because that is not a valid destination', () => {
    const host = new RawHost();
    expect(host.send(echo(6, [1], { source: UNSPECIFIED, destination: ALL_NODES }))).toEqual([]);
    expect(host.drops).toEqual({ ipBadSource: 1 });
  });
});

/** Type, code, the rest of the header and the quote of an error. */
function error(r: Reply): { type: number; code: number; rest: number; quote: Uint8Array } {
  expect([r.protocol, checksumHolds(r)]).toEqual([ICMP[r.version as 4 | 6], true]);
  const rest = (r.payload[4]! << 24) | (r.payload[5]! << 16) | (r.payload[6]! << 8) | r.payload[7]!;
  return { type: r.payload[0]!, code: r.payload[1]!, rest, quote: r.payload.slice(8) };
}

describe.each(versions)('undeliverable packets over IPv%d', (version) => {
  it.each([10, 1400])(
    'UDP to a closed port: port unreachable, with as much of a packet of %d bytes as allowed',
    (size) => {
      const host = new RawHost();
      const about = udp(version, 9, pattern(size));
      const [reply] = host.send(about);
      const e = error(reply!);
      expect([e.type, e.code, e.rest]).toEqual(version === 4 ? [3, 3, 0] : [1, 4, 0]);
      // RFC 1812 section 4.3.2.3: 576 bytes in all; RFC 4443 section 2.4 (c): 1280.
      const most = version === 4 ? 576 : 1280;
      expect(reply!.bytes.length).toBe(Math.min(most, about.length + (version === 4 ? 28 : 48)));
      expect(Buffer.compare(e.quote, about.subarray(0, e.quote.length))).toBe(0);
      expect(host.drops).toEqual({ udpNoSuchPort: 1 });
    },
  );

  it('an unknown protocol: protocol unreachable, or in IPv6 a pointer to the next header field', () => {
    const host = new RawHost();
    const [plain] = host.send(packet(version, SCTP, pattern(20)));
    expect(error(plain!)).toMatchObject(
      version === 4 ? { type: 3, code: 2, rest: 0 } : { type: 4, code: 1, rest: 6 },
    );
    if (version === 6) {
      const [behind] = host.send(
        ipv6(
          chained(
            [
              [60, []],
              [60, []],
            ],
            SCTP,
            [1, 2, 3],
          ),
        ),
      );
      expect(error(behind!)).toMatchObject({ type: 4, code: 1, rest: 48 });
    }
  });

  it('no errors are sent about ICMP errors', () => {
    const host = new RawHost();
    const quote = Array.from(packet(version, SCTP, pattern(20), {}));
    for (const [type, code] of version === 4
      ? [
          [3, 3],
          [11, 0],
          [12, 0],
          [4, 0],
          [5, 1],
        ]
      : [
          [1, 4],
          [2, 0],
          [3, 0],
          [4, 1],
        ]) {
      const message = icmp([type!, code!, 0, 0, 0, 0, 0, 0, ...quote], { version });
      expect(host.send(packet(version, ICMP[version], message))).toEqual([]);
    }
  });

  it('no errors are sent about packets to a multicast or broadcast address', () => {
    const host = new RawHost();
    const many =
      version === 4
        ? [
            [224, 0, 0, 1],
            [198, 18, 0, 255],
            [255, 255, 255, 255],
          ]
        : [ALL_NODES];
    for (const destination of many) {
      expect(host.send(udp(version, 9, [1], { destination }))).toEqual([]);
      expect(host.send(packet(version, SCTP, [1], { destination }))).toEqual([]);
    }
    expect(host.drops).toEqual({ udpNoSuchPort: many.length, ipUnknownProtocol: many.length });
  });

  it('errors to one host are rate-limited, and suppressed ones are counted', () => {
    const host = new RawHost();
    const replies = host.send(...new Array<Uint8Array>(20).fill(udp(version)));
    expect(replies.length).toBe(6);
    expect(host.drops).toEqual({ udpNoSuchPort: 20, icmpRateLimited: 14 });
    host.now += 2 * SECOND;
    expect(host.send(...new Array<Uint8Array>(20).fill(udp(version))).length).toBe(2);
  });

  it('an incomplete datagram: time exceeded, if its first fragment arrived (RFC 1122 section 3.3.2)', () => {
    const host = new RawHost();
    const [first, second] = fragments(version, UDP, pattern(2000), 1200);
    expect(host.send(first!)).toEqual([]);
    const time = (version === 4 ? 30 : 60) * SECOND;
    expect(host.wait(time - 1)).toEqual([]);
    const [reply, ...others] = host.wait(1);
    expect(others).toEqual([]);
    const e = error(reply!);
    expect([e.type, e.code, e.rest]).toEqual([version === 4 ? 11 : 3, 1, 0]);
    expect(Buffer.compare(e.quote, first!.subarray(0, e.quote.length))).toBe(0);
    host.send(second!);
    expect(host.wait(time)).toEqual([]);
    expect(host.drops).toEqual({ fragmentTimeout: 2 });
    expect(host.stack.nextTimeout()).toBe(Infinity);
  });
});

describe('an IPv6 packet with invalid extension headers', () => {
  it.each([
    ['an option that requests an error', chained([[60, [0, 0x80, 1, 0]]], UDP, [1]), 2, 43],
    ['a source route', chained([[43, [0, 1, 0, 0, 0, 0]]], UDP, [1]), 0, 42],
    [
      'hop-by-hop options in the middle',
      chained(
        [
          [60, []],
          [0, []],
        ],
        UDP,
        [1],
      ),
      1,
      40,
    ],
    [
      'a first fragment without its headers',
      chained([[44, fragmentBody(0, true, 1)]], TCP, [...pattern(16)]),
      3,
      0,
    ],
    [
      'a fragment of an invalid length',
      chained([[44, fragmentBody(8, true, 1)]], UDP, [1, 2, 3]),
      0,
      4,
    ],
  ])('gets a Parameter Problem: %s', (_, spec, code, pointer) => {
    const [reply] = new RawHost().send(ipv6(spec));
    expect(error(reply!)).toMatchObject({ type: 4, code, rest: pointer });
  });

  it('to a multicast group gets one if the option requests it, and none otherwise', () => {
    const host = new RawHost();
    const withOption = (type: number): Uint8Array =>
      ipv6({ ...chained([[60, [0, type, 1, 0]]], UDP, [1]), destination: ALL_NODES });
    const [reply] = host.send(withOption(0x80));
    expect([...reply!.source.slice(-1), error(reply!).code]).toEqual([2, 2]);
    expect(host.send(withOption(0xc0))).toEqual([]);
    expect(host.send(withOption(0x40))).toEqual([]);
  });

  it('gets none if it is not for us, or from the unspecified address', () => {
    const host = new RawHost();
    const spec = chained([[60, [0, 0x80, 1, 0]]], UDP, [1]);
    const elsewhere = [0xfd, ...new Array<number>(15).fill(9)];
    expect(
      host.send(ipv6({ ...spec, destination: elsewhere }), ipv6({ ...spec, source: UNSPECIFIED })),
    ).toEqual([]);
    expect(host.drops).toEqual({ ipNotForUs: 1, ipBadSource: 1 });
  });

  it('does not affect the error about the next packet', () => {
    const host = new RawHost();
    const faulty = ipv6(chained([[60, [0, 0x80, 1, 0]]], UDP, [1]));
    expect(host.send(faulty, faulty.slice(0, 30), ipv4().slice(0, 10)).length).toBe(1);
    expect(host.drops).toEqual({ ipUnknownOption: 1, ipTruncated: 2 });
  });
});

describe('the messages of a new link', () => {
  const group = (last: number): number[] => [...ALL_NODES.slice(0, 15), last];
  it('are ignored and not counted as errors: router solicitations, multicast listener reports', () => {
    const host = new RawHost();
    const solicitation = icmp([133, 0, 0, 0, 0, 0, 0, 0], {
      version: 6,
      source: V6_SOURCE,
      destination: group(2),
    });
    const report = icmp([143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0, ...group(1)], {
      version: 6,
      source: UNSPECIFIED,
      destination: group(22),
    });
    const routerAlert = chained([[0, [5, 2, 0, 0, 1, 0]]], 58, Array.from(report));
    expect(
      host.send(
        ipv6({ nextHeader: 58, payload: solicitation, destination: group(2), hopLimit: 255 }),
        ipv6({ ...routerAlert, source: UNSPECIFIED, destination: group(22), hopLimit: 1 }),
        ipv4({
          protocol: 2,
          options: [0x94, 4, 0, 0],
          destination: [224, 0, 0, 22],
          payload: pattern(16),
        }),
      ),
    ).toEqual([]);
    expect(host.drops).toEqual({ ignoredGroup: 3 });
  });

  it('are neither answered nor counted if they are to all nodes', () => {
    const host = new RawHost();
    const talk = [134, 136, 130].map((type) => {
      const message = icmp([type, 0, 0, 0, ...be32(0), ...pattern(16)], {
        version: 6,
        source: V6_SOURCE,
        destination: ALL_NODES,
      });
      return ipv6({ nextHeader: 58, payload: message, destination: ALL_NODES });
    });
    expect(host.send(...talk)).toEqual([]);
    expect(host.drops).toEqual({});
  });

  it('are dropped with a reason if their type is unknown', () => {
    const host = new RawHost();
    for (const version of versions) {
      const message = icmp([200, 0, 0, 0, 0, 0, 0, 0], { version });
      expect(host.send(packet(version, ICMP[version], message))).toEqual([]);
    }
    expect(host.drops).toEqual({ icmpUnknownType: 2 });
  });

  it('of an echo reply that no user waits for is dropped with a reason', () => {
    const host = new RawHost();
    for (const version of versions) {
      const message = icmp([ECHO[version][1]!, 0, 0, 0, 0, 0, 0, 0], { version });
      expect(host.send(packet(version, ICMP[version], message))).toEqual([]);
    }
    expect(host.drops).toEqual({ icmpUnknownType: 2 });
  });
});

it('an IPv6 packet without a next header is dropped with a reason', () => {
  const host = new RawHost();
  expect(host.send(ipv6({ nextHeader: 59, payload: pattern(8) }))).toEqual([]);
  expect(host.drops).toEqual({ ipNoNextHeader: 1 });
});

describe.each(versions)('our own echo request over IPv%d', (version) => {
  const [from, to] = version === 4 ? [A4, B4] : [A6, B6];

  it.each([0, 56, 65_507])('with %d bytes is answered by another stack', (size) => {
    const h = new Hosts({ mtu: 1280 });
    const answers: unknown[][] = [];
    h.a.pingUser = {
      pingAnswer: (what, who, ...rest) => answers.push([what, who.toString(), ...rest]),
    };
    expect(h.a.ping(to, 77, 3, pattern(size), h.time.now)).toBe(true);
    h.settle();
    expect(answers).toEqual([['reply', to.toString(), 77, 3, size + 8, 64]]);
    expect([h.a.dropsByName(), h.b.dropsByName()]).toEqual([{}, {}]);
  });

  it('reports an ICMP error about it', () => {
    const host = new RawHost();
    const answers: unknown[][] = [];
    host.stack.pingUser = {
      pingAnswer: (what, who, ...rest) => answers.push([what, who.toString(), ...rest]),
    };
    host.stack.ping(from, 0xffff, 0xfffe, pattern(8), host.now);
    const [request] = host.take();
    const [type, code] = version === 4 ? [3, 1] : [1, 3];
    const message = icmp([type, code, 0, 0, 0, 0, 0, 0, ...request!.bytes], { version });
    host.send(packet(version, ICMP[version], message));
    expect(answers).toEqual([['EHOSTUNREACH', from.toString(), 0xffff, 0xfffe, 0, 64]]);
  });

  it('that does not fit into a packet is rejected', () => {
    expect(() =>
      new RawHost().stack.ping(from, 1, 1, new Uint8Array(65_508), new RawHost().now),
    ).toThrow('EMSGSIZE: an echo request holds at most 65507 bytes, not 65508');
  });
});

describe('an ICMP error about a packet that we did not send', () => {
  it.each(versions)('is dropped with a reason: IPv%d', (version) => {
    const host = new RawHost();
    const [type, code] = version === 4 ? [3, 3] : [1, 4];
    const ours = version === 4 ? [198, 18, 0, 2] : [...V6_SOURCE.slice(0, 15), 2];
    const about = [
      packet(version, UDP, pattern(8)), // from the peer itself
      packet(version, UDP, pattern(8), {
        source: ours,
        destination: version === 4 ? V4_SOURCE : V6_SOURCE,
      }),
      packet(version, TCP, pattern(20), {
        source: ours,
        destination: version === 4 ? V4_SOURCE : V6_SOURCE,
      }),
      packet(version, TCP, pattern(20)).slice(0, 22),
    ];
    for (const quote of about) {
      const message = icmp([type, code, 0, 0, 0, 0, 0, 0, ...quote], { version });
      expect(host.send(packet(version, ICMP[version], message))).toEqual([]);
    }
    expect(host.drops).toEqual({ icmpNoSuchFlow: 3, icmpTruncated: 1 });
  });
});

it('a UDP datagram in fragments reaches its socket, and its reply is sent in fragments', () => {
  for (const version of versions) {
    const host = new RawHost(1280);
    const seen: Uint8Array[] = [];
    host.stack.bindUdp({
      port: 7,
      user: {
        udpDatagram(socket, bytes, from, fromPort, _to, now) {
          seen.push(bytes);
          socket.send(bytes, from, fromPort, now);
        },
      },
    });
    const data = pattern(5000);
    const whole = udp(version, 7, data).slice(version === 4 ? 20 : 40);
    const replies = host.send(...fragments(version, UDP, whole, 1208).reverse());
    expect(seen.length).toBe(1);
    expect(Buffer.compare(seen[0]!, data)).toBe(0);
    expect(Buffer.compare(joined(replies).subarray(8), data)).toBe(0);
    expect(Math.max(...replies.map((r) => r.bytes.length))).toBeLessThanOrEqual(1280);
  }
});

it('no packet makes the stack throw, and all packets that it sends are well-formed', () => {
  const seed = 1_000_003;
  const random = new SeededRandom(seed);
  const host = new RawHost();
  host.stack.bindUdp({
    port: 7,
    user: {
      udpDatagram: (socket, bytes, from, port, _to, now) => socket.send(bytes, from, port, now),
    },
  });
  const routine = versions.flatMap((version) => [
    echo(version, pattern(40)),
    udp(version, 7),
    udp(version),
    packet(version, SCTP, pattern(30)),
    ...fragments(version, ICMP[version], icmp(echoMessage(version, pattern(100)), { version }), 48),
    packet(
      version,
      ICMP[version],
      icmp([version === 4 ? 3 : 1, 3, 0, 0, 0, 0, 0, 0, ...udp(version)], { version }),
    ),
    ...(version === 6
      ? [
          ipv6(
            chained(
              [
                [0, [5, 2, 0, 0]],
                [60, []],
                [43, []],
              ],
              UDP,
              [...pattern(20)],
            ),
          ),
        ]
      : []),
  ]);
  for (let n = 0; n < 20_000; n++) {
    const bytes = routine[random.below(routine.length)]!.slice(
      0,
      random.below(4) === 0 ? random.below(120) : undefined,
    );
    for (let flips = random.below(4); flips > 0 && bytes.length > 0; flips--) {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    }
    // Three of four have a correct IPv4 header checksum, because the others are dropped early.
    if (bytes.length >= 20 && bytes[0] === 0x45 && random.below(4) > 0) {
      bytes.set([0, 0], 10);
      bytes.set(be16(~naiveSum(bytes.subarray(0, 20))), 10);
    }
    host.now += random.below(20_000);
    try {
      host.send(bytes);
    } catch (error) {
      throw new Error(`seed ${seed}, packet ${n}: ${Buffer.from(bytes).toString('hex')}`, {
        cause: error,
      });
    }
  }
  host.wait(100 * SECOND);
  expect(Object.keys(host.drops).length).toBeGreaterThan(15);
  expect(host.stack.nextTimeout()).toBe(Infinity);
});

describe('a packet with a partial checksum, as the kernel gives it to a TUN with offloads', () => {
  it.each(versions)('is quoted with the complete checksum: IPv%d', (version) => {
    const host = new RawHost();
    const good = udp(version, 9, pattern(33));
    const ipBytes = version === 4 ? 20 : 40;
    const [head, length] = [good.slice(0, ipBytes + 6), good.length - ipBytes];
    const whole = good.slice();
    whole.set([0, 0], ipBytes + 6);
    whole.set(
      be16(~naiveSum(whole.subarray(ipBytes), naivePseudoSum(version, UDP, length))),
      ipBytes + 6,
    );
    const half = whole.slice();
    half.set(be16(naivePseudoSum(version, UDP, length)), ipBytes + 6);
    const rx = rxOf(half);
    rx.checksumPartial = rx.checksumValid = true;
    rx.checksumStart = ipBytes;
    rx.checksumOffset = 6;
    host.stack.packet(rx, host.now);
    const [reply] = host.take();
    const { quote } = error(reply!);
    expect([...quote.subarray(0, head.length)]).toEqual([...head]);
    expect(Buffer.compare(quote, whole)).toBe(0);
  });
});

it('a received UDP datagram is not shared memory, also when the device reads into a Buffer', () => {
  const host = new RawHost();
  const seen: Uint8Array[] = [];
  host.stack.bindUdp({ port: 7, user: { udpDatagram: (_, bytes) => seen.push(bytes) } });
  const rx = rxOf(udp(4, 7, pattern(30)));
  rx.slab = new Slab(Buffer.from(rx.slab.bytes));
  host.stack.packet(rx, host.now);
  rx.slab.bytes.fill(0xee);
  expect(seen).toEqual([pattern(30)]);
});
