/** UDP sockets of a stack, and the errors of `bindUdp` and `send`. */
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/ip/address.js';
import { FIRST_EPHEMERAL, LAST_EPHEMERAL } from '../../../src/stack/tcp/ports.js';
import type { Stack } from '../../../src/stack/stack.js';
import type { UdpSocket } from '../../../src/stack/udp/host.js';
import { pattern } from '../../device/packets.js';
import { NO_IMPAIRMENTS } from '../../../src/device/link/link-options.js';
import { A4, A6, B4, B6, Hosts } from '../hosts.js';
import { checksumHolds, RawHost } from '../raw-host.js';

const versions = [4, 6] as const;
const A = { 4: A4, 6: A6 };
const B = { 4: B4, 6: B6 };
/**
 * The most data of a datagram: IPv4's length field includes the header, IPv6's does not.
 */
const MOST = { 4: 65_507, 6: 65_527 };

interface Heard {
  bytes: Uint8Array;
  from: string;
  to: string;
}

/** A socket that records datagrams, and optionally answers. */
function bind(
  stack: Stack,
  port: number,
  address: Address | null = null,
  answers = false,
): UdpSocket & { heard: Heard[]; errors: string[] } {
  const heard: Heard[] = [];
  const errors: string[] = [];
  const socket = stack.bindUdp({
    port,
    address,
    user: {
      udpDatagram(socket, bytes, from, fromPort, to, now) {
        heard.push({ bytes, from: `${from.toString()} ${fromPort}`, to: to.toString() });
        if (answers) socket.send(bytes, from, fromPort, now, to);
      },
      udpError: (_, errno, to, toPort) => errors.push(`${errno} ${to.toString()} ${toPort}`),
    },
  });
  return Object.assign(socket, { heard, errors });
}

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

describe.each(versions)('a UDP datagram over IPv%d between two stacks', (version) => {
  it.each([
    [0, 1500],
    [1, 1500],
    [1472, 1500],
    [1473, 1500],
    [9000, 1280],
    [MOST[version], 1280],
    [MOST[version], 9000],
  ])(
    'of %i bytes arrives unchanged in both directions, however it is fragmented: MTU %i',
    (size, mtu) => {
      const h = new Hosts({ mtu });
      bind(h.b, 7, null, true);
      const socket = bind(h.a, 5000);
      const data = pattern(size);
      socket.send(data, B[version], 7, h.time.now);
      h.settle();
      expect(socket.heard.map((x) => [x.from, x.to])).toEqual([
        [`${B[version].toString()} 7`, A[version].toString()],
      ]);
      expect(same(socket.heard[0]!.bytes, data)).toBe(true);
      expect([h.a.dropsByName(), h.b.dropsByName()]).toEqual([{}, {}]);
    },
  );

  it('to a port without a socket: the sender gets an ICMP error', () => {
    const h = new Hosts();
    const socket = bind(h.a, 5000);
    for (const size of [0, 5000]) socket.send(pattern(size), B[version], 7, h.time.now);
    h.settle();
    const refused = `ECONNREFUSED ${B[version].toString()} 7`;
    expect(socket.errors).toEqual([refused, refused]);
    expect(h.b.dropsByName()).toEqual({ udpNoSuchPort: 2 });
  });

  it('over a link that loses, duplicates and reorders arrives complete or not at all', () => {
    const faults = {
      ...NO_IMPAIRMENTS,
      loss: 0.02,
      duplicate: 0.05,
      reorder: 0.3,
      delay: 2000,
      jitter: 5000,
    };
    const h = new Hosts({ link: { in: faults, out: faults }, seed: 11 });
    const server = bind(h.b, 7);
    const socket = bind(h.a, 5000);
    for (let i = 0; i < 60; i++) socket.send(pattern(1000 * i, i), B[version], 7, h.time.now);
    h.settle();
    expect(
      server.heard.every(({ bytes }) => same(bytes, pattern(bytes.length, bytes.length / 1000))),
    ).toBe(true);
    expect(new Set(server.heard.map((x) => x.bytes.length)).size).toBeGreaterThan(15);
    const drops = Object.keys(h.b.dropsByName());
    expect(
      drops.filter((name) => !/^(linkLoss|fragmentTimeout|icmpRateLimited)$/.test(name)),
    ).toEqual([]);
  });

  it('to an address of the stack itself does not leave the stack', () => {
    const host = new RawHost();
    for (const to of version === 4
      ? ['127.0.0.1', '127.1.2.3', '198.18.0.2']
      : ['::1', 'fd74:6370:6c61:62::2']) {
      const server = bind(host.stack, 7, null, true);
      const client = bind(host.stack, 0);
      client.send(pattern(40_000), Address.parse(to), 7, host.now);
      expect(host.take(), 'on the wire').toEqual([]);
      expect(server.heard.map((x) => x.to)).toEqual([to]);
      expect(same(client.heard[0]!.bytes, pattern(40_000))).toBe(true);
      server.close();
      client.close();
    }
    expect(host.drops).toEqual({});
  });

  it('has a correct checksum and a hop limit of 64', () => {
    const host = new RawHost();
    const socket = bind(host.stack, 7);
    for (let size = 0; size < 40; size++) socket.send(pattern(size), A[version], 9, host.now);
    const out = host.take();
    expect(out).toHaveLength(40);
    expect(out.every(checksumHolds)).toBe(true);
    expect(new Set(out.map((x) => x.bytes[version === 4 ? 8 : 7]))).toEqual(new Set([64]));
  });

  it('larger than a packet is rejected', () => {
    const host = new RawHost();
    const socket = bind(host.stack, 7);
    expect(() => socket.send(new Uint8Array(MOST[version] + 1), A[version], 9, host.now)).toThrow(
      /^EMSGSIZE: .*655(08|28)/,
    );
    expect(host.take()).toEqual([]);
    expect(host.drops).toEqual(version === 4 ? { ipTooBig: 1 } : {});
  });
});

describe('a UDP socket', () => {
  it('at an address only receives datagrams to it, and sends from it', () => {
    const host = new RawHost(1500, ['198.18.0.2/24', '198.18.0.3/24']);
    const sockets = ['198.18.0.2', '198.18.0.3'].map((a) => bind(host.stack, 7, Address.parse(a)));
    sockets[1]!.send(pattern(3), Address.parse('198.18.0.2'), 7, host.now);
    host.take();
    expect(sockets.map((s) => s.heard.map((x) => x.from))).toEqual([['198.18.0.3 7'], []]);
    sockets[1]!.send(pattern(3), A4, 7, host.now);
    expect(host.take().map((x) => x.source)).toEqual([[198, 18, 0, 3]]);
  });

  it('receives nothing after it is closed, and its port is free', () => {
    const host = new RawHost();
    const socket = bind(host.stack, 7);
    expect(() => bind(host.stack, 7)).toThrow(/EADDRINUSE/);
    socket.close();
    const next = bind(host.stack, 7);
    next.send(pattern(1), B4, 7, host.now);
    host.take();
    expect([socket.heard.length, next.heard.length]).toEqual([0, 1]);
  });

  it('of port 0 gets its own ephemeral port, until none is left', () => {
    const host = new RawHost();
    const ports = new Set<number>();
    for (let i = FIRST_EPHEMERAL; i <= LAST_EPHEMERAL; i++) ports.add(bind(host.stack, 0).port);
    expect(ports.size).toBe(LAST_EPHEMERAL - FIRST_EPHEMERAL + 1);
    expect(() => bind(host.stack, 0)).toThrow(/EADDRINUSE: every ephemeral UDP port/);
  });

  it("at an address that is not the stack's is EADDRNOTAVAIL", () => {
    expect(() => bind(new RawHost().stack, 7, A4)).toThrow(/EADDRNOTAVAIL.*198\.18\.0\.1/);
  });

  it.each([
    ['to a family without a local address', 'fd00::1', undefined, /ENETUNREACH.*IPv6/],
    ['from an address of the other family', '198.18.0.1', '::1', /EINVAL.*IPv6.*IPv4/],
    ['from loopback to another host', '198.18.0.1', '127.0.0.1', /EINVAL.*127\.0\.0\.1/],
    [
      "from an address that is not the stack's",
      '198.18.0.1',
      '198.18.0.9',
      /EADDRNOTAVAIL.*198\.18\.0\.9/,
    ],
  ])('rejects a datagram %s', (_, to, from, error) => {
    const host = new RawHost(1500, ['198.18.0.2/24']);
    const socket = bind(host.stack, 7);
    const source = from === undefined ? undefined : Address.parse(from);
    expect(() => socket.send(pattern(1), Address.parse(to), 9, host.now, source)).toThrow(error);
    expect(host.take()).toEqual([]);
  });
});
