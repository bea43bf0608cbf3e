/**
 * Path MTU discovery between two stacks, through a router with a smaller MTU than their devices
 * (RFC 1191, RFC 8201, RFC 4821).
 */
import { describe, expect, it } from 'vitest';
import { MtuDiscover } from '../../src/base/mtu-discover.js';
import { MILLISECOND, MINUTE, SECOND } from '../../src/base/time.js';
import type { HopAnswer } from '../../src/device/link/hop.js';
import { NO_IMPAIRMENTS, type LinkOptions } from '../../src/device/link/link-options.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, Wire } from '../requirements/wire.js';
import { A4, A6, B4, B6, byteAt, exchange, Hosts, StreamUser, type HostsOptions } from './hosts.js';

const SIZE = 300_000;
const MINUTES_10 = 10 * MINUTE;
const REMOTE = { 4: B4, 6: B6 } as const;
const FROM = { 4: A4, 6: A6 } as const;

/** A link of 10 ms with a router of this MTU in each direction. */
function router(hopMtu: number, hopAnswer: HopAnswer = 'icmp'): Partial<LinkOptions> {
  const lane = { ...NO_IMPAIRMENTS, hopMtu, hopAnswer, delay: 10 * MILLISECOND };
  return { in: { ...lane }, out: { ...lane } };
}

/** `size` bytes both ways, to the end: the connection on `a` and the one on `b`. */
function transfer(
  h: Hosts,
  version: 4 | 6 = 4,
  size = SIZE,
  port = 7,
): { a: Connection; b: Connection } {
  const { client, server } = exchange(h, size, size, version, port);
  h.settle();
  expect([client.received, server.received, client.error, server.error]).toEqual([
    size,
    size,
    null,
    null,
  ]);
  return { a: client.conn!, b: server.conn! };
}

/** A connection that stays open. The other end reads and checks its data. */
class Open {
  readonly h: Hosts;
  readonly conn: Connection;
  readonly server: StreamUser;
  private sent = 0;

  constructor(o: HostsOptions, version: 4 | 6 = 4) {
    this.h = new Hosts(o);
    this.server = new StreamUser(
      0,
      () => this.h.b,
      () => this.h.time.now,
    );
    this.h.b.listen({
      port: 7,
      user: { tcpAccept: (conn) => this.server.take(conn) === this.server },
    });
    this.conn = this.h.a.connect(
      { remote: REMOTE[version], remotePort: 7, user: { tcpEvents: () => undefined } },
      this.h.time.now,
    );
    this.h.a.run(this.h.time.now);
    this.pass(SECOND);
  }

  pass(time: number): void {
    this.h.time.pass(time);
    this.h.check();
  }

  write(bytes: number): void {
    this.sent += this.conn.send(
      Uint8Array.from({ length: bytes }, (_, i) => byteAt(this.sent + i)),
    );
    this.h.a.wake(this.conn);
    this.pass(SECOND);
    expect(this.server.received).toBe(this.sent);
  }
}

describe.each([
  [4, false],
  [4, true],
  [6, false],
  [6, true],
] as const)('over IPv%i, super-segments %s, past a router of MTU 1300', (version, offload) => {
  const mss = 1300 - (version === 4 ? 20 : 40) - 20 - 12;

  it('both sides learn it from the first ICMP error, and retransmit too large segments without reducing cwnd', () => {
    const h = new Hosts({ offload, link: router(1300) });
    const { client, server } = exchange(h, SIZE, SIZE, version);
    h.time.runUntil(() => client.received > 20_000 && server.received > 20_000);
    for (const conn of [client.conn!, server.conn!]) {
      expect([conn.size.mtu, conn.snd.mss]).toEqual([1300, mss]);
      expect(conn.snd.congestion.ssthresh).toBe(Infinity);
      expect(conn.snd.congestion.cwnd).toBeGreaterThanOrEqual(10);
      expect(conn.snapshot(h.time.now).pmtu).toMatchObject({
        mtu: 1300,
        discover: MtuDiscover.want,
        probing: false,
      });
    }
    h.settle();
    expect([client.received, server.received, client.error, server.error]).toEqual([
      SIZE,
      SIZE,
      null,
      null,
    ]);
    // An initial window of each, and no further packet.
    expect([h.link!.in.counters.tooBig, h.link!.out.counters.tooBig]).toEqual([10, 10]);
    expect([h.link!.in.counters.cut, h.link!.out.counters.cut]).toEqual([0, 0]);
    expect(h.a.counters.TcpExtTCPTimeouts + h.b.counters.TcpExtTCPTimeouts).toBe(0);
    expect(h.a.counters.TcpExtOutOfWindowIcmps + h.b.counters.TcpExtOutOfWindowIcmps).toBe(0);
  });

  it('the next connection uses it from its first segment on, but still announces its own MSS', () => {
    const h = new Hosts({ offload, link: router(1300) });
    transfer(h, version);
    const { a, b } = transfer(h, version, SIZE, 8);
    expect([h.link!.in.counters.tooBig, h.link!.out.counters.tooBig]).toEqual([10, 10]);
    expect([a.size.mtu, b.size.mtu]).toEqual([1300, 1300]);
    const announced = version === 4 ? 1460 : 1440;
    expect([a.advertisedMss, a.peerMss]).toEqual([announced, announced]);
  });

  it('without ICMP errors, a black hole: timeouts detect it, and probes find the MTU (tcp_mtu_probing=1)', () => {
    const h = new Hosts({ offload, link: router(1300, 'blackhole'), config: { mtuProbing: 1 } });
    const { a } = transfer(h, version, 1_000_000);
    expect(a.size.mtu).toBe(1500);
    expect(h.a.counters.TcpExtTCPTimeouts).toBeGreaterThan(2);
    expect(h.a.counters.TcpExtTCPMTUPSuccess).toBeGreaterThan(0);
    expect(h.a.counters.TcpExtTCPMTUPFail).toBeGreaterThan(0);
    expect(a.size.low).toBeGreaterThan(1300 - 8);
    expect(a.size.low).toBeLessThanOrEqual(1300);
    expect(a.size.mtuOf(a.snd.mss)).toBe(a.size.low);
  });

  it('with tcp_mtu_probing=2 a client starts small: only probes are lost in the black hole, and no time', () => {
    const h = new Hosts({ offload, link: router(1300, 'blackhole'), config: { mtuProbing: 2 } });
    const { client, server } = exchange(h, 4_000_000, 0, version);
    h.settle();
    expect([server.received, client.error]).toEqual([4_000_000, null]);
    const a = client.conn!;
    expect(h.a.counters.TcpExtTCPTimeouts + h.b.counters.TcpExtTCPTimeouts).toBe(0);
    expect(h.a.counters.TcpExtTCPMTUPFail).toBeGreaterThan(0);
    expect(h.link!.in.counters.tooBig).toBe(h.a.counters.TcpExtTCPMTUPFail);
    expect(a.size.low).toBeGreaterThan(1300 - 8);
    expect(a.size.low).toBeLessThanOrEqual(1300);
    expect(a.snd.congestion.ssthresh, 'a lost probe does not count as congestion').toBe(Infinity);
  });
});

describe('a black hole', () => {
  it('without probing ends the connection', () => {
    const h = new Hosts({ link: router(1300, 'blackhole') });
    const { client } = exchange(h, SIZE, 0);
    h.settle();
    expect(client.error).toBe('ETIMEDOUT');
  });

  it('with an MTU below tcp_base_mss: each timeout halves the segments until they pass', () => {
    const h = new Hosts({ link: router(400, 'blackhole'), config: { mtuProbing: 1 } });
    const { a } = transfer(h, 4, 100_000);
    expect(a.size.low).toBeLessThanOrEqual(400);
    expect(a.size.low).toBeGreaterThan(300);
  });
});

describe('a router that does not report the MTU of its next hop', () => {
  it.each([
    [1495, 1492],
    [1300, 1006],
    [1006, 1006],
  ])('MTU %i: the next plateau is tried, down to %i (RFC 1191 section 7.1)', (mtu, plateau) => {
    const h = new Hosts({ link: router(mtu, 'no-mtu') });
    expect(transfer(h).a.size.mtu).toBe(plateau);
  });
});

describe('a path MTU below route.min_pmtu', () => {
  it('ATK-24: is not used: packets of 552 bytes are sent without DF, and routers fragment them', () => {
    const h = new Hosts({ link: router(300) });
    expect(transfer(h).a.size.mtu).toBe(552);
    expect(h.link!.in.counters.cut).toBeGreaterThan(500);
    expect(h.link!.in.counters.tooBig).toBe(10);
  });

  it('is used if route.min_pmtu allows it', () => {
    const h = new Hosts({ link: router(300), config: { minPmtu: 68 } });
    expect(transfer(h).a.size.mtu).toBe(300);
    expect(h.link!.in.counters.cut).toBe(0);
  });

  it('ATK-24: is invalid below 1280 in IPv6, so such a report is ignored (RFC 8201 section 4)', () => {
    const h = new Hosts({ link: router(1279) });
    const { client } = exchange(h, SIZE, 0, 6);
    h.settle(60 * SECOND);
    expect([client.conn!.size.mtu, client.conn!.state > 0]).toEqual([1500, true]);
    expect(h.link!.in.counters.tooBig).toBeGreaterThan(5);
  });
});

describe('the known MTU of a path', () => {
  it.each([4, 6] as const)(
    'expires after ten minutes, and then larger packets are tried (RFC 1191 6.3): IPv%i',
    (version) => {
      const o = new Open({ link: router(1300) }, version);
      const began = o.h.time.now;
      o.write(20_000);
      expect(o.conn.size.mtu).toBe(1300);
      const small = o.conn.snd.mss;
      o.pass(began + MINUTES_10 - 2 * SECOND - o.h.time.now);
      o.write(20_000);
      expect([o.conn.size.mtu, o.conn.snd.mss]).toEqual([1300, small]);
      // The route has changed meanwhile.
      o.h.link!.in.impairments.hopMtu = 0;
      o.pass(2 * SECOND);
      const { tooBig } = o.h.link!.in.counters;
      o.write(20_000);
      expect([o.conn.size.mtu, o.conn.snd.mss]).toEqual([1500, small + 200]);
      expect(o.h.link!.in.counters.tooBig).toBe(tooBig);
    },
  );

  it('applies to every connection to that host, and to no other', () => {
    const o = new Open({ link: router(1300) });
    const others = [
      o.h.a.connect(
        { remote: B4, remotePort: 7, user: { tcpEvents: () => undefined } },
        o.h.time.now,
      ),
    ];
    others.push(
      o.h.a.connect(
        { remote: B6, remotePort: 7, user: { tcpEvents: () => undefined } },
        o.h.time.now,
      ),
    );
    o.write(5000);
    expect([o.conn, ...others].map((c) => c.size.mtu)).toEqual([1300, 1300, 1500]);
  });
});

describe('IP_MTU_DISCOVER', () => {
  it('DONT: packets have no DF, so routers fragment them without an ICMP error', () => {
    const h = new Hosts({ link: router(1300), config: { mtuDiscover: MtuDiscover.dont } });
    expect(transfer(h).a.size.mtu).toBe(1500);
    expect([h.link!.in.counters.tooBig, h.link!.in.counters.cut > 200]).toEqual([0, true]);
  });

  it('DO: DF stays, however small the path MTU is', () => {
    const o = new Open({ link: router(300), config: { mtuDiscover: MtuDiscover.do } });
    o.conn.send(new Uint8Array(2000));
    o.h.a.wake(o.conn);
    o.pass(SECOND);
    expect([o.conn.size.mtu, o.h.link!.in.counters.cut]).toEqual([552, 0]);
  });

  it("PROBE: DF is set, and ICMP's reports of the path MTU are ignored", () => {
    const o = new Open({ link: router(1300), config: { mtuDiscover: MtuDiscover.probe } });
    o.conn.send(new Uint8Array(2000));
    o.h.a.wake(o.conn);
    o.pass(SECOND);
    expect([o.conn.size.mtu, o.h.link!.in.counters.cut]).toEqual([1500, 0]);
  });

  it('can be changed during the connection', () => {
    const o = new Open({ link: router(1300), config: { mtuDiscover: MtuDiscover.dont } });
    o.write(20_000);
    o.h.a.tcp.setMtuDiscover(o.conn, MtuDiscover.want, o.h.time.now);
    const { cut } = o.h.link!.in.counters;
    o.write(20_000);
    expect([o.conn.size.mtu, o.h.link!.in.counters.cut]).toEqual([1300, cut]);
  });

  it.each([4, 6] as const)(
    'of a UDP socket over IPv%i: WANT fragments datagrams to the path MTU, DO rejects them',
    (version) => {
      const h = new Hosts({ link: router(1300) });
      const heard: number[] = [];
      const errors: string[] = [];
      h.b.bindUdp({ port: 9, user: { udpDatagram: (_s, bytes) => heard.push(bytes.length) } });
      const socket = h.a.bindUdp({
        port: 9,
        address: FROM[version],
        user: { udpDatagram: () => undefined, udpError: (_s, errno) => errors.push(errno) },
      });
      const send = (bytes: number): void => {
        socket.send(new Uint8Array(bytes), REMOTE[version], 9, h.time.now);
        h.time.pass(SECOND);
      };
      send(1400);
      expect([heard, errors, h.link!.in.counters.tooBig]).toEqual([[], ['EMSGSIZE'], 1]);
      send(1400);
      send(5000);
      expect([heard, errors, h.link!.in.counters.tooBig]).toEqual([[1400, 5000], ['EMSGSIZE'], 1]);
      socket.mtuDiscover = MtuDiscover.do;
      const most = 1300 - (version === 4 ? 28 : 48);
      send(most);
      expect(heard.at(-1)).toBe(most);
      expect(() => send(most + 1)).toThrow(
        `EMSGSIZE: ${most + 1} bytes do not fit into an IPv${version} packet of 1300`,
      );
    },
  );
});

describe('a forged ICMP error', () => {
  const [TOO_BIG, NEEDS_FRAGMENTATION] = [3, 4];

  function inFlight(): { w: Wire; conn: Connection; data: ReturnType<Wire['take']>[number] } {
    const w = new Wire();
    const accepted = w.listen();
    w.open({ options: [2, 4, 5, 180] });
    const conn = accepted[0]!;
    conn.send(new Uint8Array(3000));
    w.stack.wake(conn);
    return { w, conn, data: w.take()[0]! };
  }

  it('ATK-24: has no effect and is counted if it quotes a sequence number that is not in flight', () => {
    const { w, conn, data } = inFlight();
    for (const off of [-1, 3000, 70_000, 0x8000_0000]) {
      expect(w.icmp(TOO_BIG, NEEDS_FRAGMENTATION, data, (data.seq + off) >>> 0, 600)).toEqual([]);
    }
    expect([conn.size.mtu, conn.snd.mss, conn.softError]).toEqual([1500, 1460, null]);
    expect(w.stack.counters.TcpExtOutOfWindowIcmps).toBe(4);
    w.icmp(TOO_BIG, NEEDS_FRAGMENTATION, data, data.seq + 2999, 600);
    expect([conn.size.mtu, conn.snd.mss]).toEqual([600, 560]);
  });

  it('ATK-24: never raises the MTU, and is invalid if the quoted packet fits the reported MTU', () => {
    const { w, conn, data } = inFlight();
    for (const mtu of [1500, 1501, 9000, 65_535]) {
      expect(w.icmp(TOO_BIG, NEEDS_FRAGMENTATION, data, data.seq, mtu)).toEqual([]);
    }
    expect([conn.size.mtu, conn.snd.mss]).toEqual([1500, 1460]);
  });

  it('if it is accepted, too large segments are retransmitted at once, in order and smaller', () => {
    const { w, data } = inFlight();
    const again = w.icmp(TOO_BIG, NEEDS_FRAGMENTATION, data, data.seq, 1040);
    expect(again.map((p) => [p.seq - data.seq, p.payload.length])).toEqual([
      [0, 1000],
      [1000, 1000],
      [2000, 920],
    ]);
    // The last 80 bytes were small enough to arrive.
    expect(w.tcp({ flags: ACK, seq: 101, ack: data.seq + 3000 })).toEqual([]);
  });
});
