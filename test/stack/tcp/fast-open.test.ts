/** Fast Open (RFC 7413) between two stacks: cookies, limits, and the client's cache. */
import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../src/base/time.js';
import { DropRule } from '../../../src/device/link/drop-rules.js';
import { Address } from '../../../src/ip/address.js';
import { FastOpenCache } from '../../../src/stack/tcp/fast-open-cache.js';
import { PROFILES, type TcpConfig } from '../../../src/tcp/config.js';
import type { Connection } from '../../../src/tcp/connection.js';
import { TcpCounters } from '../../../src/tcp/counters.js';
import { type FastOpen, FastOpenMode } from '../../../src/tcp/fast-open.js';
import { State } from '../../../src/tcp/state.js';
import { TcpEvent } from '../../../src/tcp/events.js';
import { A4, B4, B6, Hosts, type HostsOptions } from '../hosts.js';

const BOTH = FastOpenMode.client | FastOpenMode.server;

interface Talk {
  /** The data that the server read, and its state then. */
  heard: string;
  heardIn: string;
  /** The data that the client read. */
  answer: string;
  conn: Connection;
}

class FastHosts extends Hosts {
  readonly served: Connection[] = [];
  private heard = '';
  private heardIn = '';

  constructor(o: HostsOptions & { most?: number } = {}) {
    super({ ...o, config: { fastOpen: BOTH, ...o.config } });
    this.b.listen({
      port: 80,
      fastOpen: o.most ?? 10,
      user: {
        tcpAccept: (conn) => {
          this.served.push(conn);
          conn.user = { tcpEvents: (c, events) => this.serve(c, events) };
          return true;
        },
      },
    });
  }

  /** Answers all data, and closes when the peer does. */
  private serve(conn: Connection, events: number): void {
    for (let piece = conn.receive(); piece !== null; piece = conn.receive()) {
      this.heard += Buffer.from(piece).toString();
      this.heardIn = conn.stateName;
      conn.send(Buffer.from(`heard ${piece.length}`));
    }
    if (events & TcpEvent.endOfStream) conn.shutdown(this.time.now);
    this.b.wake(conn);
  }

  /** One connection with Fast Open, until no event is left. */
  talk(text: string, version: 4 | 6 = 4): Talk {
    this.heard = '';
    this.heardIn = '';
    let answer = '';
    const conn = this.a.connect(
      {
        remote: version === 4 ? B4 : B6,
        remotePort: 80,
        fastOpen: true,
        user: {
          tcpEvents: (c) => {
            for (let piece = c.receive(); piece !== null; piece = c.receive())
              answer += Buffer.from(piece).toString();
          },
        },
      },
      this.time.now,
    );
    conn.send(Buffer.from(text));
    this.a.wake(conn);
    this.a.run(this.time.now);
    this.settle(20 * SECOND);
    conn.shutdown(this.time.now);
    this.a.wake(conn);
    this.settle(2 * MINUTE);
    return { heard: this.heard, heardIn: this.heardIn, answer, conn };
  }
}

describe.each([4, 6] as const)('over IPv%i', (version) => {
  it('the first connection gets a cookie, the next ones are answered before the handshake ends', () => {
    const h = new FastHosts();
    expect(h.talk('first', version)).toMatchObject({
      heard: 'first',
      heardIn: 'ESTABLISHED',
      answer: 'heard 5',
    });
    expect(h.b.counters).toMatchObject({
      TcpExtTCPFastOpenCookieReqd: 1,
      TcpExtTCPFastOpenPassive: 0,
    });
    for (let n = 1; n <= 3; n++) {
      expect(h.talk('again', version)).toMatchObject({
        heard: 'again',
        heardIn: 'SYN-RECEIVED',
        answer: 'heard 5',
      });
      expect(h.b.counters.TcpExtTCPFastOpenPassive).toBe(n);
      expect(h.a.counters.TcpExtTCPFastOpenActive).toBe(n);
    }
    expect(h.a.counters.TcpRetransSegs + h.b.counters.TcpRetransSegs).toBe(0);
    expect(h.a.tcp.connectionCount + h.b.tcp.connectionCount).toBe(0);
  });
});

describe('the server', () => {
  it("sends a new cookie if the client's is wrong, and accepts the data after the handshake", () => {
    const h = new FastHosts();
    h.talk('first');
    h.b.tcp.fastOpenCookies.setKeys(new Uint8Array(16).fill(7));
    const wrong = h.talk('wrong');
    expect(wrong).toMatchObject({ heard: 'wrong', heardIn: 'ESTABLISHED', answer: 'heard 5' });
    expect(h.b.counters).toMatchObject({
      TcpExtTCPFastOpenPassiveFail: 1,
      TcpExtTCPFastOpenPassive: 0,
    });
    expect(h.a.counters.TcpExtTCPFastOpenActiveFail).toBe(1);
    expect(h.talk('right')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
    expect(h.b.counters.TcpExtTCPFastOpenPassiveFail).toBe(1);
  });

  it('accepts a cookie of the previous key, and sends a new one', () => {
    const h = new FastHosts();
    const [one, two] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
    h.b.tcp.fastOpenCookies.setKeys(one);
    h.talk('first');
    h.b.tcp.fastOpenCookies.setKeys(two, one);
    expect(h.talk('again')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
    expect(h.b.counters.TcpExtTCPFastOpenPassiveAltKey).toBe(1);
    h.b.tcp.fastOpenCookies.setKeys(two);
    expect(h.talk('new')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
    expect(h.b.counters).toMatchObject({
      TcpExtTCPFastOpenPassiveAltKey: 1,
      TcpExtTCPFastOpenPassive: 2,
    });
  });

  it.each([
    ['the bit is off', { configB: { fastOpen: FastOpenMode.client } }],
    ['its listener does not allow it', { most: 0 }],
  ])('does not use Fast Open if %s', (_why, o) => {
    const h = new FastHosts(o);
    for (const text of ['first', 'second'])
      expect(h.talk(text)).toMatchObject({ heard: text, heardIn: 'ESTABLISHED' });
    expect(h.a.counters.TcpExtTCPFastOpenActive).toBe(0);
  });

  it('has the key of net.ipv4.tcp_fastopen_key, also when it changes', () => {
    const configB = { fastOpen: BOTH, fastOpenKey: '1-2-3-4' };
    const h = new FastHosts({ configB });
    h.talk('first');
    expect(h.talk('again')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
    h.b.tcp.env.config.fastOpenKey = '5-6-7-8';
    expect(h.talk('wrong')).toMatchObject({ heardIn: 'ESTABLISHED' });
    h.b.tcp.env.config.fastOpenKey = '1-2-3-4,5-6-7-8';
    expect(h.talk('of the previous key')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
    expect(h.b.counters.TcpExtTCPFastOpenPassiveAltKey).toBe(1);
  });

  it('requires no cookie with bit 0x200, and the client sends none with bit 4', () => {
    const fastOpen = BOTH | FastOpenMode.clientWithoutCookie | FastOpenMode.serverWithoutCookie;
    const h = new FastHosts({ config: { fastOpen } });
    expect(h.talk('first')).toMatchObject({
      heard: 'first',
      heardIn: 'SYN-RECEIVED',
      answer: 'heard 5',
    });
    expect(h.b.counters).toMatchObject({
      TcpExtTCPFastOpenPassive: 1,
      TcpExtTCPFastOpenCookieReqd: 0,
    });
  });

  it('accepts data for every listener with bit 0x400', () => {
    const h = new Hosts({ config: { fastOpen: BOTH | FastOpenMode.everyListener } });
    const listener = h.b.listen({ port: 81, backlog: 7, user: { tcpAccept: () => true } });
    expect(listener.fastOpen!.most).toBe(7);
    expect(new Hosts().b.listen({ port: 81, user: { tcpAccept: () => true } }).fastOpen).toBeNull();
  });

  it('limits pending connections, and after a RST a place stays occupied for a minute', () => {
    // The SYN,ACKs are lost, so the handshakes do not end.
    const h = new FastHosts({ most: 2, link: {}, config: { fastOpenBlackholeTimeout: 0 } });
    h.talk('first');
    const rule = DropRule.parse('out:syn-ack:1-1000000');
    (h.link!.rules as DropRule[]).push(rule);
    const open = (): Connection => {
      const conn = h.a.connect(
        { remote: B4, remotePort: 80, fastOpen: true, user: { tcpEvents: () => undefined } },
        h.time.now,
      );
      conn.send(Buffer.from('x'));
      h.a.wake(conn);
      h.a.run(h.time.now);
      h.time.runUntil(() => false, 10_000);
      return conn;
    };
    const before = h.served.length;
    const opened = [open(), open(), open()];
    expect(h.served.length - before).toBe(2);
    expect(h.b.counters.TcpExtTCPFastOpenListenOverflow).toBe(1);
    const pending = h.served.slice(before);
    expect(pending.map((c) => c.state)).toEqual([State.synReceived, State.synReceived]);
    // The peer resets the first connection, as a host does whose address was forged.
    for (const conn of opened) {
      conn.abort(h.time.now);
      h.a.wake(conn);
    }
    h.a.run(h.time.now);
    pending[0]!.finish('ECONNRESET', 'rst', h.time.now);
    h.b.wake(pending[0]!);
    h.b.run(h.time.now);
    open();
    expect(h.served.length - before).toBe(2);
    h.time.pass(59 * SECOND);
    pending[1]!.abort(h.time.now);
    h.b.wake(pending[1]!);
    h.b.run(h.time.now);
    open();
    expect(h.served.length - before, 'the one without a RST frees its place at once').toBe(3);
    open();
    expect(h.served.length - before).toBe(3);
    h.time.pass(2 * SECOND);
    open();
    expect(h.served.length - before, 'the one with a RST after a minute').toBe(4);
  });
});

describe('the client', () => {
  it('gets an error if Fast Open is switched off', () => {
    const h = new Hosts({ config: { fastOpen: FastOpenMode.server } });
    const to = {
      remote: B4,
      remotePort: 80,
      fastOpen: true,
      user: { tcpEvents: (): void => undefined },
    };
    expect(() => h.a.connect(to, h.time.now)).toThrow(
      /EOPNOTSUPP: Fast Open is switched off for clients/,
    );
    expect(h.a.tcp.connectionCount).toBe(0);
  });

  it("sends at most the server's MSS with a SYN, less room for options", () => {
    const h = new FastHosts({ mtu: 1000 });
    h.talk('first');
    const long = 'x'.repeat(3000);
    expect(h.talk(long)).toMatchObject({ heard: long });
    expect(h.a.counters).toMatchObject({
      TcpExtTCPFastOpenActive: 1,
      TcpExtTCPFastOpenActiveFail: 0,
    });
    const sizes: number[] = [];
    const conn = h.a.connect(
      { remote: B4, remotePort: 80, fastOpen: true, user: { tcpEvents: () => undefined } },
      h.time.now,
    );
    conn.send(Buffer.from(long));
    h.a.wake(conn);
    h.a.run(h.time.now);
    sizes.push(conn.fastOpen!.synData);
    expect(sizes).toEqual([1000 - 40 - 40]);
  });

  it('requests a cookie with the experimental option once, if the new option was ignored, and then with the new one again', () => {
    const h = new Hosts({ config: { fastOpen: BOTH } });
    h.b.listen({ port: 80, user: { tcpAccept: () => true } });
    const forms: boolean[] = [];
    for (let n = 0; n < 4; n++) {
      const conn = h.a.connect(
        { remote: B4, remotePort: 80, fastOpen: true, user: { tcpEvents: () => undefined } },
        h.time.now,
      );
      h.a.run(h.time.now);
      forms.push(conn.fastOpen!.experimental);
      h.time.runUntil(() => false, SECOND);
      conn.abort(h.time.now);
      h.a.wake(conn);
      h.a.run(h.time.now);
    }
    expect(forms).toEqual([false, true, false, false]);
  });

  it('sends SYNs without data for a while to a server that the last SYN with data did not reach', () => {
    const h = new FastHosts({
      link: {},
      config: { fastOpenLossPause: PROFILES.rfc.fastOpenLossPause },
    });
    h.talk('first');
    (h.link!.rules as DropRule[]).push(DropRule.parse('in:syn:1'));
    const lost = h.talk('lost');
    expect(lost).toMatchObject({ heard: 'lost', heardIn: 'ESTABLISHED' });
    expect(h.talk('careful').conn.fastOpen!.cookie).toBeNull();
    h.time.pass(5 * MINUTE);
    expect(h.talk('again')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
  });

  it('ignores one such loss in the linux profile, as in Linux', () => {
    const h = new FastHosts({ link: {} });
    h.talk('first');
    (h.link!.rules as DropRule[]).push(DropRule.parse('in:syn:1'));
    expect(h.talk('lost')).toMatchObject({ heard: 'lost', heardIn: 'ESTABLISHED' });
    expect(h.talk('again')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
  });

  it('sends SYNs without data to all servers for an hour after a black hole', () => {
    const h = new FastHosts({
      link: {},
      config: { synRetries: 6, synLinearTimeouts: 0, fastOpenBlackholeTimeout: 60 * MINUTE },
    });
    h.talk('first');
    const rule = DropRule.parse('in:syn:1-3');
    (h.link!.rules as DropRule[]).push(rule);
    h.talk('swallowed');
    expect(h.a.counters.TcpExtTCPFastOpenBlackhole).toBe(1);
    h.time.pass(10 * MINUTE);
    expect(h.talk('careful').conn.fastOpen!.cookie).toBeNull();
    h.time.pass(60 * MINUTE);
    expect(h.talk('again')).toMatchObject({ heardIn: 'SYN-RECEIVED' });
  });

  it('caches a limited number of servers', () => {
    const cache = new FastOpenCache(PROFILES.linux, new TcpCounters());
    const plan = (n: number): FastOpen =>
      cache.plan(A4, Address.fromWords(0, 0, 0xffff, n), FastOpenMode.client, 1460, SECOND);
    const learn = (n: number): void =>
      plan(n).memory!.learn(
        {
          mss: 1000,
          cookie: Uint8Array.of(1, 2, 3, 4),
          experimental: false,
          synLost: false,
          notGranted: false,
        },
        SECOND,
      );
    for (let n = 0; n < 1024; n++) learn(n);
    expect(plan(0)).toMatchObject({ cookie: Uint8Array.of(1, 2, 3, 4), mostSynData: 960 });
    for (let n = 2000; n < 3000; n++) learn(n);
    expect(cache.size).toBe(1024);
    // The entry that was used again is still cached, the unused ones are not.
    expect(plan(0).cookie).toHaveLength(4);
    expect(plan(1).cookie).toHaveLength(0);
  });

  describe('black holes and losses, by the cache alone', () => {
    const OUTCOME = {
      mss: 1000,
      cookie: null,
      experimental: false,
      synLost: false,
      notGranted: false,
    };
    const COOKIE = Uint8Array.of(1, 2, 3, 4);
    const { client, clientWithoutCookie } = FastOpenMode;
    function known(config: TcpConfig): {
      cache: FastOpenCache;
      counters: TcpCounters;
      plan: Plan;
      ready: Ready;
    } {
      const counters = new TcpCounters();
      const cache = new FastOpenCache(config, counters);
      const plan: Plan = (now, bits = client, to = B4) => cache.plan(A4, to, bits, 1460, now);
      plan(SECOND).memory!.learn({ ...OUTCOME, cookie: COOKIE }, SECOND);
      return {
        cache,
        counters,
        plan,
        ready: (now, bits = client) => cache.isReady(A4, B4, bits, now),
      };
    }
    type Plan = (now: number, bits?: number, to?: Address) => FastOpen;
    type Ready = (now: number, bits?: number) => boolean;
    const OTHER = Address.fromWords(0, 0, 0xffff, 77);

    it('profile linux ignores a black hole', () => {
      const { plan, counters, ready } = known(PROFILES.linux);
      plan(SECOND).memory!.blackhole(SECOND);
      expect([plan(SECOND).cookie, ready(SECOND), plan(SECOND).afterPause]).toEqual([
        COOKIE,
        true,
        false,
      ]);
      expect(counters.TcpExtTCPFastOpenBlackhole).toBe(0);
    });

    it('profile rfc does not use Fast Open for an hour; later connections of any kind try it until one works', () => {
      const { plan, counters, ready } = known(PROFILES.rfc);
      expect(plan(SECOND).afterPause).toBe(false);
      plan(SECOND).memory!.blackhole(SECOND);
      expect(counters.TcpExtTCPFastOpenBlackhole).toBe(1);
      const during = SECOND + 60 * MINUTE - 1;
      expect([plan(during).cookie, plan(during).mostSynData, plan(during).afterPause]).toEqual([
        null,
        0,
        false,
      ]);
      expect([ready(during), ready(during, clientWithoutCookie)]).toEqual([false, false]);
      const after = during + 1;
      const tried = [plan(after), plan(after, clientWithoutCookie), plan(after, client, OTHER)];
      expect(tried.map((f) => [f.cookie, f.afterPause])).toEqual([
        [COOKIE, true],
        [null, true],
        [new Uint8Array(0), true],
      ]);
      expect([ready(after), ready(after, clientWithoutCookie)]).toEqual([true, true]);
      tried[0]!.memory!.worked();
      expect(plan(after).afterPause).toBe(false);
      // A success during the pause ends it.
      plan(after).memory!.blackhole(after);
      tried[1]!.memory!.worked();
      expect([plan(after).cookie, ready(after)]).toEqual([COOKIE, true]);
    });

    it('profile rfc does not use Fast Open for two minutes to a server that a SYN with data did not reach; a success ends that', () => {
      const { plan, ready } = known(PROFILES.rfc);
      const { memory } = plan(SECOND);
      memory!.learn({ ...OUTCOME, synLost: true }, SECOND);
      const last = SECOND + 2 * MINUTE - 1;
      expect([plan(last).cookie, ready(last)]).toEqual([null, false]);
      expect([plan(last + 1).cookie, ready(last + 1)]).toEqual([COOKIE, true]);
      expect(plan(last, client, OTHER).cookie).toHaveLength(0);
      memory!.learn({ ...OUTCOME, synLost: true }, last);
      memory!.learn(OUTCOME, last);
      expect([plan(last).cookie, ready(last)]).toEqual([COOKIE, true]);
    });
  });
});
