/**
 * A flood of SYNs (RFC 4987): its state is bounded, a genuine client can connect, and the user is
 * notified.
 */
import { describe, expect, it } from 'vitest';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SeededRandom } from '../../src/base/random.js';
import { Slab } from '../../src/base/slab.js';
import { MINUTE, NEVER, SECOND } from '../../src/base/time.js';
import { type Device, NO_OFFLOAD, RxPacket, TX_ROOM, TxPacket } from '../../src/device/device.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { Prefix } from '../../src/ip/address.js';
import { entryOf } from '../../src/stack/tcp/entry.js';
import type { Listener } from '../../src/stack/tcp/listener.js';
import type { StackObserver } from '../../src/stack/observer.js';
import { Stack, type StackOptions } from '../../src/stack/stack.js';
import type { TcpConfig } from '../../src/tcp/config.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { Note } from '../../src/tcp/notes.js';
import { ListenQueue } from '../../src/stack/tcp/listen.js';
import { buildPacket } from '../device/packets.js';
import { ACK, type Out, RST, SYN, Wire } from '../requirements/wire.js';
import { exchange, Hosts } from '../stack/hosts.js';

/** The SYN queue has room for one more, as in Linux. */
const BACKLOG = 3;
const ROOM = BACKLOG + 1;
const MSS = [2, 4, 0x05, 0xb4];
/** The options of a Linux client's SYN: MSS 1460, SACK, timestamps, window scale 7. */
const options = (tsVal: number, tsEcr = 0): number[] => {
  const u32 = (n: number): number[] => [n >>> 24, n >>> 16, n >>> 8, n].map((x) => x & 255);
  return [...MSS, 4, 2, 8, 10, ...u32(tsVal), ...u32(tsEcr), 1, 3, 3, 7];
};
const timestamps = (tsVal: number, tsEcr: number): number[] => [
  1,
  1,
  ...options(tsVal, tsEcr).slice(6, 16),
];
const tsValOf = (o: Out): number => {
  const at = o.options.indexOf(8) + 2;
  return o.options.slice(at, at + 4).reduce((n, b) => (n * 256 + b) | 0, 0);
};

interface Flooded {
  w: Wire;
  accepted: Connection[];
  warnings: string[];
}

/** A listener whose SYN queue is full of half-open connections from spoofed sources. */
function flooded(
  config: Partial<TcpConfig> = {},
  o: Partial<StackOptions> = {},
  take = true,
): Flooded {
  const warnings: string[] = [];
  const w = new Wire({ config, onWarning: (text) => warnings.push(text), ...o });
  const accepted: Connection[] = [];
  w.stack.listen({
    port: 80,
    backlog: BACKLOG,
    user: { tcpAccept: (c) => take && accepted.push(c) > 0 },
  });
  for (let i = 0; i < ROOM; i++) flood(w, i);
  return { w, accepted, warnings };
}

const flood = (w: Wire, i: number): Out[] =>
  w.tcp({
    flags: SYN,
    from: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`,
    sport: 1024 + i,
    options: MSS,
  });

describe('a full SYN queue', () => {
  it('ATK-1, ATK-6: answers with cookies: a SYN keeps no state, nothing is retransmitted, and it is counted', () => {
    const { w, warnings } = flooded();
    const before = w.stack.tcp.connectionCount;
    for (let i = ROOM; i < 1000; i++)
      expect(flood(w, i)).toMatchObject([{ flags: SYN | ACK, checksumRight: true }]);
    expect(w.stack.tcp.connectionCount).toBe(before);
    const { counters } = w.stack;
    expect([counters.TcpExtSyncookiesSent, counters.TcpExtTCPReqQFullDoCookies]).toEqual([
      996, 996,
    ]);
    expect(counters.TcpExtListenDrops).toBe(0);
    expect(warnings).toEqual([
      expect.stringMatching(/SYN flood on port 80: .*SYN cookies are sent/),
    ]);
    // Only the SYN,ACKs of half-open connections are retransmitted.
    expect(new Set(w.wait(SECOND).map((o) => o.dport))).toEqual(new Set([1024, 1025, 1026, 1027]));
  });

  it('with cookies switched off drops the SYN with a reason, and tells the user what would help', () => {
    const { w, warnings } = flooded({ synCookies: 0 });
    for (let i = ROOM; i < 100; i++) expect(flood(w, i)).toEqual([]);
    const { counters } = w.stack;
    expect([counters.TcpExtSyncookiesSent, counters.TcpExtTCPReqQFullDrop]).toEqual([0, 96]);
    expect(counters.TcpExtListenDrops).toBe(96);
    expect(w.stack.dropsByName()).toEqual({ tcpSynQueueFull: 96 });
    expect(warnings).toEqual([
      expect.stringMatching(/SYN flood on port 80: .*dropped.*tcp_syncookies=1/),
    ]);
  });

  it('without cookies is full when a quarter of tcp_max_syn_backlog is left, as in Linux', () => {
    const w = new Wire({ config: { synCookies: 0, maxSynBacklog: 8, maxHalfOpenPerHost: 100 } });
    w.listen();
    const answers = Array.from({ length: 10 }, (_, i) => flood(w, i).length);
    expect(answers).toEqual([1, 1, 1, 1, 1, 1, 1, 0, 0, 0]);
  });
});

describe('a genuine client during a SYN flood', () => {
  it('ATK-2: connects with its cookie, and keeps its MSS, window scale, SACK and timestamps', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
    expect(synAck!.flags).toBe(SYN | ACK);
    // mss, sackOK, TS echoing 5000, nop, wscale: as every SYN,ACK of ours.
    expect(synAck!.options.slice(0, 4)).toEqual(MSS);
    expect(synAck!.options.slice(4, 8)).toEqual([4, 2, 8, 10]);
    expect(synAck!.options.slice(12, 16)).toEqual([0, 0, 0x13, 0x88]);
    expect(synAck!.options.slice(16, 19)).toEqual([1, 3, 3]);
    const ackOptions = timestamps(5001, tsValOf(synAck!));
    expect(w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1, options: ackOptions })).toEqual([]);
    expect(accepted.map((c) => c.stateName)).toEqual(['ESTABLISHED']);
    const conn = accepted[0]!;
    expect([conn.sack, conn.timestamps, conn.snd.wscale, conn.snd.mss]).toEqual([
      true,
      true,
      7,
      1460 - 12,
    ]);
    expect(conn.rcv.wscale).toBe(synAck!.options[19]);
    expect([conn.iss >>> 0, conn.rcv.nxt, conn.snd.wnd]).toEqual([synAck!.seq, 1001, 65_535 << 7]);
    const { counters } = w.stack;
    expect([
      counters.TcpExtSyncookiesRecv,
      counters.TcpExtSyncookiesFailed,
      counters.TcpPassiveOpens,
    ]).toEqual([1, 0, 1]);
    // The connection works: data both ways, and our clock has not run backwards.
    conn.send(Buffer.from('hello'));
    w.stack.wake(conn);
    const [data] = w.take();
    expect([Buffer.from(data!.payload).toString(), data!.seq]).toEqual(['hello', synAck!.seq + 1]);
    expect((tsValOf(data!) - tsValOf(synAck!)) | 0).toBeGreaterThanOrEqual(0);
    expect(w.stack.checkInvariants()).toBeNull();
  });

  it('without timestamps gets no other options, because a cookie cannot carry them', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: [...MSS, 1, 1, 4, 2, 1, 3, 3, 7] });
    expect(synAck!.options).toEqual(MSS);
    w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1 });
    const conn = accepted[0]!;
    expect([conn.sack, conn.timestamps, conn.windowScaling, conn.snd.mss]).toEqual([
      false,
      false,
      false,
      1460,
    ]);
    expect(conn.snd.wnd).toBe(65_535);
  });

  it.each([
    ['none', [], 536],
    ['100', [2, 4, 0, 100], 536],
    ['1400', [2, 4, 0x05, 0x78], 1300],
    ['9000', [2, 4, 0x23, 0x28], 1460],
  ])('ATK-2: gets the largest of four MSSs up to its own: %s', (_, mss, expected) => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: mss });
    w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1 });
    expect(accepted[0]!.snd.mss).toBe(expected);
  });

  it('may send data with its ACK, or only data if that ACK was lost', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    const out = w.tcp({
      flags: ACK,
      seq: 1001,
      ack: synAck!.seq + 1,
      payload: [...Buffer.from('GET /')],
    });
    expect(out).toMatchObject([{ flags: ACK, ack: 1006 }]);
    expect(Buffer.from(accepted[0]!.receive()!).toString()).toBe('GET /');
  });

  it('may close with its ACK', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    const out = w.tcp({ flags: ACK | 1, seq: 1001, ack: synAck!.seq + 1, payload: [65] });
    expect(out).toMatchObject([{ flags: ACK, ack: 1003 }]);
    expect(accepted[0]!.stateName).toBe('CLOSE-WAIT');
  });

  it('that retransmits its SYN gets the same cookie', () => {
    const { w, accepted } = flooded();
    const [first] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    w.wait(SECOND);
    const [second] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    expect(second!.seq).toBe(first!.seq);
    w.tcp({ flags: ACK, seq: 1001, ack: second!.seq + 1 });
    expect(accepted).toHaveLength(1);
  });

  it('waits while the accept queue is full: its ACK is dropped and repeated with its data', () => {
    const { w } = flooded({}, {}, false);
    const finish = (sport: number): Out[] => {
      const [synAck] = w.tcp({ flags: SYN, sport, seq: 1000, options: MSS });
      if (synAck === undefined) return [];
      return w.tcp({ flags: ACK, sport, seq: 1001, ack: synAck.seq + 1 });
    };
    const [late] = w.tcp({ flags: SYN, sport: 999, seq: 1000, options: MSS });
    for (let i = 0; i <= BACKLOG; i++) finish(40_000 + i);
    expect(w.stack.counters.TcpExtSyncookiesRecv).toBe(BACKLOG + 1);
    expect(finish(41_000), 'not even a cookie for a new SYN').toEqual([]);
    expect(w.tcp({ flags: ACK, sport: 999, seq: 1001, ack: late!.seq + 1 })).toEqual([]);
    expect(w.stack.dropsByName()).toEqual({ tcpListenOverflow: 2 });
    expect(w.stack.counters.TcpExtListenOverflows).toBe(2);
  });
});

describe('an ACK without a valid cookie', () => {
  it.each([
    ['a guessed number', 12_345, 1001, 0],
    ["another peer's sequence number", 0, 1002, 0],
    ['a cookie that is too old', 0, 1001, 2 * MINUTE],
  ])('is answered by a RST, and counted: %s', (_, off, seq, age) => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    w.wait(age);
    for (let i = 0; i < 2 * BACKLOG; i++) flood(w, i); // the flood continues
    const out = w.tcp({ flags: ACK, seq, ack: synAck!.seq + 1 + off });
    expect(out).toMatchObject([{ flags: RST }]);
    expect([accepted.length, w.stack.counters.TcpExtSyncookiesFailed]).toEqual([0, 1]);
  });

  it('ATK-5: is not checked if no cookie was sent recently or cookies are off, so that guesses have no chance', () => {
    for (const synCookies of [0, 1] as const) {
      const w = new Wire({ config: { synCookies } });
      w.listen();
      expect(w.tcp({ flags: ACK, seq: 1001, ack: 77 })).toMatchObject([{ flags: RST, seq: 77 }]);
      expect(w.stack.counters.TcpExtSyncookiesFailed).toBe(0);
    }
  });

  it('a SYN,ACK with a valid cookie gets a RST, too', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    expect(w.tcp({ flags: SYN | ACK, seq: 1001, ack: synAck!.seq + 1 })).toMatchObject([
      { flags: RST },
    ]);
    expect(accepted).toEqual([]);
  });

  it('does not enable options that are switched off here', () => {
    const { w, accepted } = flooded({ synCookies: 2, sack: false });
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
    expect(synAck!.options.slice(4, 8), 'no SACK permitted').toEqual([1, 1, 8, 10]);
    const answer = (echo: number): Out[] =>
      w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1, options: timestamps(5001, echo) });
    // The bit that means that SACK was negotiated.
    expect(answer(tsValOf(synAck!) + 16)).toMatchObject([{ flags: RST }]);
    expect(w.stack.counters.TcpExtSyncookiesFailed).toBe(1);
    expect(answer(tsValOf(synAck!))).toEqual([]);
    expect(accepted.map((c) => c.sack)).toEqual([false]);
  });

  describe('SYN cookies and the settings of the listener', () => {
    const other = { timestamps: false, sack: false, windowScaling: false } as const;
    const listenAt = (w: Wire, config: Partial<TcpConfig>, accepted: Connection[]): Listener =>
      w.stack.listen({ port: 80, config, user: { tcpAccept: (c) => accepted.push(c) > 0 } });
    const ackOf = (synAck: Out): Parameters<Wire['tcp']>[0] => ({
      flags: ACK,
      seq: 1001,
      ack: synAck.seq + 1,
      options: timestamps(5001, tsValOf(synAck)),
    });

    it.each(['timestamps', 'sack', 'windowScaling'] as const)(
      'ATK-2: %s on at the listener, off in the stack',
      (option) => {
        const w = new Wire({ config: { synCookies: 2, [option]: false } });
        const accepted: Connection[] = [];
        listenAt(w, { [option]: true }, accepted);
        const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
        expect(w.tcp(ackOf(synAck!))).toEqual([]);
        expect(accepted.map((c) => [c.timestamps, c.sack, c.windowScaling])).toEqual([
          [true, true, true],
        ]);
      },
    );

    it('a listener may use cookies although the stack does not', () => {
      const w = new Wire({ config: { synCookies: 0 } });
      const accepted: Connection[] = [];
      listenAt(w, { synCookies: 2 }, accepted);
      const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
      w.tcp(ackOf(synAck!));
      expect([accepted.length, w.stack.counters.TcpExtSyncookiesRecv]).toEqual([1, 1]);
    });

    it('changed in between: the settings in the SYN,ACK still apply, including its window scale', () => {
      const w = new Wire({ config: { synCookies: 2 } });
      const accepted: Connection[] = [];
      const listener = listenAt(w, {}, accepted);
      const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
      listener.setConfig({ ...w.stack.tcp.env.config, ...other, receiveBufferBytes: 64 << 20 });
      expect(w.tcp(ackOf(synAck!))).toEqual([]);
      const conn = accepted[0]!;
      expect([conn.timestamps, conn.sack, conn.rcv.wscale]).toEqual([
        true,
        true,
        synAck!.options[19],
      ]);
      // Once no cookie is outstanding, the new settings apply.
      w.wait(3 * MINUTE);
      const [later] = w.tcp({ flags: SYN, seq: 1000, sport: 7, options: options(5000) });
      expect(later!.options).toEqual(MSS);
    });

    it('closed in between: a RST, also from the next listener on that port', () => {
      const w = new Wire({ config: { synCookies: 2 } });
      const accepted: Connection[] = [];
      const listener = listenAt(w, {}, accepted);
      const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: options(5000) });
      listener.close(w.now);
      expect(w.tcp(ackOf(synAck!))).toMatchObject([{ flags: RST, seq: synAck!.seq + 1 }]);
      listenAt(w, other, accepted);
      expect(w.tcp(ackOf(synAck!))).toMatchObject([{ flags: RST, seq: synAck!.seq + 1 }]);
      expect(accepted).toEqual([]);
    });
  });

  it('may be sent for data that overtook the ACK: the price of keeping no state, as in Linux', () => {
    const { w, accepted } = flooded();
    const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
    const second = w.tcp({
      flags: ACK,
      seq: 1001 + 1460,
      ack: synAck!.seq + 1,
      payload: [1, 2, 3],
    });
    expect([second, accepted]).toMatchObject([[{ flags: RST, seq: synAck!.seq + 1 }], []]);
  });
});

describe('limits beyond the backlog', () => {
  it('ATK-6: one host has a limited share of half-open connections, and further ones cost no memory', () => {
    const w = new Wire({ config: { maxHalfOpenPerHost: 5 } });
    w.listen();
    for (let sport = 1; sport <= 20; sport++)
      expect(w.tcp({ flags: SYN, sport, options: MSS })).toHaveLength(1);
    expect([w.stack.tcp.connectionCount, w.stack.counters.TcplabHalfOpenHostLimit]).toEqual([
      5, 15,
    ]);
    w.tcp({ flags: SYN, from: '198.18.0.9', options: MSS });
    expect(w.stack.tcp.connectionCount, 'another host').toBe(6);
    // One that ends makes room.
    w.tcp({ flags: RST, sport: 3, seq: 1 });
    w.tcp({ flags: SYN, sport: 30, options: MSS });
    expect([w.stack.tcp.connectionCount, w.stack.counters.TcpExtSyncookiesSent]).toEqual([6, 15]);
  });

  it('ATK-6: the stack has a limit over all listeners', () => {
    const w = new Wire({ config: { maxHalfOpen: 6, synCookies: 0 } });
    for (const port of [80, 81]) w.listen(null, port);
    const answers = Array.from(
      { length: 10 },
      (_, i) => w.tcp({ flags: SYN, dport: 80 + (i % 2), sport: i }).length,
    );
    expect(answers).toEqual([1, 1, 1, 1, 1, 1, 0, 0, 0, 0]);
    expect(w.stack.dropsByName()).toEqual({ tcpHalfOpenLimit: 4 });
    expect(w.stack.counters.TcplabHalfOpenLimit).toBe(4);
  });

  it('without cookies the SYN of a host over its share is dropped with a reason', () => {
    const w = new Wire({ config: { maxHalfOpenPerHost: 2, synCookies: 0 } });
    w.listen();
    const answers = [1, 2, 3].map((sport) => w.tcp({ flags: SYN, sport }).length);
    expect([answers, w.stack.dropsByName()]).toEqual([[1, 1, 0], { tcpHalfOpenHostLimit: 1 }]);
  });

  it('ATK-6: every place is released: handshakes that end, fail or expire, and a listener that closes', () => {
    const w = new Wire({ config: { maxHalfOpenPerHost: 3, maxHalfOpen: 6 } });
    const listener = w.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    for (let round = 0; round < 5; round++) {
      w.open({ sport: 1000 + round });
      w.tcp({ flags: SYN, sport: 2000 + round });
      w.tcp({ flags: RST, sport: 2000 + round, seq: 1 });
      w.tcp({ flags: SYN, sport: 3000 + round });
      w.wait(2 * MINUTE);
    }
    w.tcp({ flags: SYN, sport: 4000 });
    listener.close(w.now);
    w.take();
    w.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    for (let sport = 1; sport <= 3; sport++) w.tcp({ flags: SYN, sport });
    const { counters } = w.stack;
    expect([counters.TcplabHalfOpenHostLimit, counters.TcplabHalfOpenLimit]).toEqual([0, 0]);
    expect(counters.TcpExtSyncookiesSent).toBe(0);
    w.tcp({ flags: SYN, sport: 4 });
    expect(counters.TcplabHalfOpenHostLimit).toBe(1);
  });
});

describe('a crowded SYN queue', () => {
  /**
   * Returns how often the SYN,ACK of each of `count` half-open connections is sent on average, and
   * the time after which no connection is left.
   */
  function patience(backlog: number, count: number): { each: number; seconds: number } {
    const w = new Wire({ config: { maxHalfOpenPerHost: 1000 } });
    const listener = w.stack.listen({ port: 80, backlog, user: { tcpAccept: () => true } });
    let sent = 0;
    for (let i = 0; i < count; i++) sent += flood(w, i).length;
    let seconds = 0;
    for (; listener.queue.halfOpenCount > 0 && seconds < 100; seconds++)
      sent += w.wait(SECOND).length;
    return { each: sent / count, seconds };
  }

  it('ATK-23: drops peers without a reply after two retransmissions, 7 s, instead of five and 63 s, as Linux does', () => {
    expect(patience(100, 40)).toEqual({ each: 6, seconds: 63 });
    const { each, seconds } = patience(100, 100);
    // The last ones have room again, and are retransmitted more often.
    expect(each).toBeLessThan(5);
    expect(each).toBeGreaterThanOrEqual(3);
    expect(seconds).toBeLessThanOrEqual(63);
  });

  it('retransmits as usual if it is short', () => {
    expect(patience(4, 4)).toEqual({ each: 6, seconds: 63 });
  });

  it('retransmits old connections longer while young ones are many', () => {
    const queue = new ListenQueue(100);
    const all = Array.from({ length: 80 }, () => ({}) as Connection);
    for (const c of all) queue.addHalfOpen(c);
    // 79 of 80 are young, then one in two, in four, ... of the remaining ones.
    const retries = all.map((c) => queue.retriesAfterTimeout(c, 5));
    expect([
      retries[0],
      retries[39],
      retries[40],
      retries[59],
      retries[60],
      retries[70],
      retries[79],
    ]).toEqual([5, 4, 4, 3, 3, 2, 2]);
  });
});

describe('cookies for every SYN (tcp_syncookies = 2)', () => {
  it.each([
    ['IPv4', 4, 1500, {}],
    ['IPv6', 6, 1500, {}],
    ['IPv4, small packets', 4, 576, {}],
    ['IPv6, the largest packets', 6, 65_535, {}],
    ['without timestamps', 4, 1500, { timestamps: false }],
    ['without window scaling', 6, 1500, { windowScaling: false }],
    ['without SACK', 4, 9000, { sack: false }],
  ] as const)('carry every transfer: %s', (_, version, mtu, config) => {
    const h = new Hosts({ mtu, config, configB: { synCookies: 2 } });
    const { client, server } = exchange(h, 200_000, 300_000, version);
    h.settle();
    expect([client.received, server.received, client.closed, server.closed]).toEqual([
      300_000,
      200_000,
      true,
      true,
    ]);
    expect([h.b.counters.TcpExtSyncookiesSent, h.b.counters.TcpExtSyncookiesRecv]).toEqual([1, 1]);
  });

  it.each([1, 2, 3, 4, 5])('carry it over a long link that duplicates packets: seed %i', (seed) => {
    const bad = { ...NO_IMPAIRMENTS, duplicate: 0.3, delay: 100_000 };
    const h = new Hosts({ seed, link: { in: bad, out: bad }, configB: { synCookies: 2 } });
    const { client, server } = exchange(h, 50_000, 50_000);
    h.settle();
    expect([client.received, server.received]).toEqual([50_000, 50_000]);
  });
});

it('observers are notified of cookies sent and accepted', () => {
  const heard: string[] = [];
  const hear = new Proxy({} as StackObserver, {
    get:
      (_, name: string) =>
      (...args: unknown[]) => {
        if (name === 'strayArrived' || name === 'straySent') heard.push(args[2] as string);
        if (name !== 'noted') return;
        const note = args[1] as Note;
        if (note.note === 'syn-cookie') heard.push(`noted ${note.cookie} ${note.mss}`);
      },
  });
  const { w } = flooded({}, { observer: hear });
  const [synAck] = w.tcp({ flags: SYN, seq: 1000, options: MSS });
  w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1 });
  expect(heard).toEqual(['syn-cookie-sent', 'syn-cookie', `noted ${synAck!.seq} 1460`]);
});

it('a flood allocates only a few numbers for each SYN, and leaks no memory', () => {
  const device = new Sink();
  const stack = new Stack({
    device,
    addresses: [Prefix.parse('198.18.0.2/24')],
    random: new SeededRandom(1),
    secret: new Uint8Array(16),
    config: { synCookies: 2 },
  });
  stack.listen({ port: 80, user: { tcpAccept: () => true } });
  const bytes = buildPacket({ version: 4, flags: TCP_SYN, timestamps: true });
  // The addresses of the builder are those of other tests: 198.18.0.1 to 198.18.0.2.
  bytes.set([198, 18, 0, 1, 198, 18, 0, 2], 12);
  const rx = new RxPacket();
  rx.slab = new Slab(bytes);
  rx.length = bytes.length;
  rx.checksumValid = true;
  bytes.set([0, 0], 10);
  const sum = headerSum(bytes);
  bytes.set([sum >> 8, sum & 255], 10);
  const send = (n: number): void => {
    for (let i = 0; i < n; i++) {
      // Another peer each time, with a correct IP header checksum, which does not cover the port.
      bytes[20] = (i >> 8) & 255;
      bytes[21] = i & 255;
      stack.packet(rx, i);
    }
  };
  send(100_000); // compiled by now
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  gc();
  const before = process.memoryUsage();
  // For each batch; the median, because the engine sometimes allocates for itself.
  const bytesEach = Array.from({ length: 5 }, () => {
    const start = process.memoryUsage().heapUsed;
    send(20_000);
    return (process.memoryUsage().heapUsed - start) / 20_000;
  }).sort((a, b) => a - b);
  gc();
  const after = process.memoryUsage();
  expect(device.counters.txPackets).toBe(200_000);
  // A connection would take some 2,500 bytes, a four-tuple as an object 200.
  expect(bytesEach[2]).toBeLessThan(120);
  expect([stack.tcp.connectionCount, stack.nextTimeout()]).toEqual([0, NEVER]);
  expect(after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers).toBeLessThan(
    100_000,
  );
});

const TCP_SYN = 2;

function headerSum(b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += b[i]! * 256 + b[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** A device that counts its packets. */
class Sink implements Device {
  readonly name = 'sink';
  readonly mtu = 1500;
  readonly offload = NO_OFFLOAD;
  readonly counters = { rxPackets: 0, rxBytes: 0, txPackets: 0, txBytes: 0, txDropped: 0 };
  private readonly tx = new TxPacket();

  constructor() {
    this.tx.slab = new Slab(new Uint8Array(TX_ROOM));
  }

  attach(): void {}
  packet(): TxPacket {
    this.tx.clear();
    return this.tx;
  }
  transmit(): void {
    this.counters.txPackets++;
  }
  flush(): void {}
  nextTimeout(): number {
    return NEVER;
  }
  onTimeout(): void {}
  close(): void {}
}

it('covers our address: the cookie of one of our addresses is invalid for another', () => {
  const addresses = ['198.18.0.2/24', '198.18.0.3/24'].map((a) => Prefix.parse(a));
  const { w, accepted } = flooded({ synCookies: 2 }, { addresses });
  const [synAck] = w.tcp({ flags: SYN, to: '198.18.0.3', seq: 1000, options: MSS });
  expect(w.tcp({ flags: ACK, seq: 1001, ack: synAck!.seq + 1 })).toMatchObject([{ flags: RST }]);
  expect(w.tcp({ flags: ACK, to: '198.18.0.3', seq: 1001, ack: synAck!.seq + 1 })).toEqual([]);
  expect(entryOf(accepted[0]!).local.toString()).toBe('198.18.0.3');
});
