/** Segments without a connection, listeners and their backlog, and errors of OPEN. */
import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../../src/base/time.js';
import { Address, Prefix } from '../../../src/ip/address.js';
import { entryOf } from '../../../src/stack/tcp/entry.js';
import { FIRST_EPHEMERAL, LAST_EPHEMERAL } from '../../../src/stack/tcp/ports.js';
import type { Connection } from '../../../src/tcp/connection.js';
import type { TcpUser } from '../../../src/tcp/connection.js';
import { TcpEvent } from '../../../src/tcp/events.js';
import { ACK, FIN, PEER, RST, SYN, US, Wire } from '../../requirements/wire.js';

const remote = Address.parse(PEER);
const nobody: TcpUser = { tcpEvents: () => undefined };
const PSH = 8;
/** A user that leaves connections in the accept queue. */
const later = { tcpAccept: () => false };

describe('a segment to a port without a listener', () => {
  it.each([
    ['linux', []],
    ['rfc', [8, 10, 0, 0, 0, 0, 0, 0, 0, 9]],
  ] as const)(
    '%s: whether the RST echoes a timestamp (RFC 7323 section 5.2): %j',
    (profile, expected) => {
      const w = new Wire({ profile });
      const [rst] = w.tcp({
        flags: ACK,
        seq: 1,
        ack: 5,
        options: [1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 3],
      });
      expect(rst).toMatchObject({ flags: RST, seq: 5 });
      expect(rst!.options.slice(expected.length > 0 ? 2 : 0)).toEqual(expected); // after two nops
    },
  );

  it.each([
    ['a SYN', { flags: SYN, seq: 1000 }, { flags: RST | ACK, seq: 0, ack: 1001 }],
    [
      'a SYN with data',
      { flags: SYN, seq: 1000, payload: [1, 2, 3, 4] },
      { flags: RST | ACK, seq: 0, ack: 1005 },
    ],
    [
      'a FIN with data',
      { flags: FIN, seq: 1000, payload: [1, 2, 3, 4] },
      { flags: RST | ACK, seq: 0, ack: 1005 },
    ],
    [
      'no flags and no data',
      { flags: 0, seq: 0xffff_ffff, payload: [1] },
      { flags: RST | ACK, seq: 0, ack: 0 },
    ],
    ['an ACK', { flags: ACK, seq: 1000, ack: 77 }, { flags: RST, seq: 77, ack: 0 }],
    ['a SYN,ACK', { flags: SYN | ACK, seq: 1000, ack: 77 }, { flags: RST, seq: 77, ack: 0 }],
    [
      'data',
      { flags: ACK | PSH, seq: 1000, ack: 0, payload: [1, 2] },
      { flags: RST, seq: 0, ack: 0 },
    ],
  ])(
    'is answered by a RST that is valid for its sender (RFC 9293 section 3.5.2): %s',
    (_, segment, rst) => {
      const w = new Wire();
      expect(w.tcp(segment)).toMatchObject([
        {
          ...rst,
          from: US,
          to: PEER,
          sport: 80,
          dport: 50_000,
          options: [],
          payload: [],
          checksumRight: true,
        },
      ]);
      expect(w.stack.dropsByName()).toEqual({ tcpNoSuchPort: 1 });
      expect(w.stack.counters.TcpOutRsts).toBe(1);
    },
  );

  it.each([RST, RST | ACK, RST | SYN])('is not answered if it is a RST: flags %i', (flags) => {
    const w = new Wire();
    expect(w.tcp({ flags, seq: 1, ack: 1 })).toEqual([]);
    expect(w.stack.dropsByName()).toEqual({ tcpNoSuchPort: 1 });
  });
});

describe('a segment to a listener', () => {
  it.each([
    ['a RST is ignored', RST, []],
    ['a RST,ACK is ignored', RST | ACK, []],
    ['an ACK gets a RST', ACK, [{ flags: RST, seq: 77 }]],
    ['a SYN,ACK, too', SYN | ACK, [{ flags: RST, seq: 77 }]],
    ['a SYN,FIN is ignored', SYN | FIN, []],
    ['a FIN is ignored', FIN, []],
    ['a segment without flags is ignored', 0, []],
  ])('(RFC 9293 section 3.10.7.2): %s', (_, flags, answer) => {
    const w = new Wire();
    w.listen();
    expect(w.tcp({ flags, seq: 5, ack: 77 })).toMatchObject(answer);
    expect(w.stack.tcp.connectionCount).toBe(0);
    if (answer.length === 0) expect(w.stack.dropsByName()).toEqual({ tcpBadFlags: 1 });
  });
});

describe("a listener's backlog", () => {
  // With SYN cookies no peer is rejected; see test/attacks/syn-flood.test.ts.
  const config = { synCookies: 0 } as const;

  it('bounds half-open connections', () => {
    const w = new Wire({ config });
    const listener = w.stack.listen({ port: 80, backlog: 2, user: later });
    // As in Linux, one more than the backlog.
    for (const sport of [1, 2, 3]) expect(w.tcp({ flags: SYN, sport })).toHaveLength(1);
    expect(w.tcp({ flags: SYN, sport: 4 })).toEqual([]);
    expect(w.stack.dropsByName()).toEqual({ tcpSynQueueFull: 1 });
    expect(w.stack.counters.TcpExtListenDrops).toBe(1);
    expect([listener.queue.halfOpenCount, w.stack.tcp.connectionCount]).toEqual([3, 3]);
    // A RST ends one of them, and there is room.
    w.tcp({ flags: RST, sport: 2, seq: 1 });
    expect(w.tcp({ flags: SYN, sport: 4 })).toHaveLength(1);
    // The others time out.
    w.wait(10 * MINUTE);
    expect([listener.queue.halfOpenCount, w.stack.tcp.connectionCount]).toEqual([0, 0]);
    expect(w.tcp({ flags: SYN, sport: 5 })).toHaveLength(1);
  });

  it('bounds the accept queue; a further peer must retransmit, and is accepted afterwards', () => {
    const w = new Wire({ config });
    const listener = w.stack.listen({ port: 80, backlog: 2, user: later });
    const iss = [1, 2, 3, 4].map((sport) => w.tcp({ flags: SYN, sport, seq: 100 })[0]?.seq ?? null);
    // As in Linux, three may be half open; the fourth SYN is dropped.
    expect(iss.map((n) => n !== null)).toEqual([true, true, true, false]);
    const finish = (sport: number, seq: number): void => {
      expect(w.tcp({ flags: ACK, sport, seq: 101, ack: seq + 1 })).toEqual([]);
    };
    finish(1, iss[0]!);
    finish(2, iss[1]!);
    const [fourth] = w.tcp({ flags: SYN, sport: 4, seq: 100 });
    finish(3, iss[2]!);
    expect(listener.queue.establishedCount).toBe(3);
    finish(4, fourth!.seq);
    expect(listener.queue.establishedCount, 'full: its ACK was dropped').toBe(3);
    expect(w.stack.dropsByName()).toEqual({ tcpSynQueueFull: 1, tcpListenOverflow: 1 });
    expect(w.tcp({ flags: SYN, sport: 5 })).toEqual([]);
    expect([w.stack.counters.TcpExtListenOverflows, w.stack.counters.TcpExtListenDrops]).toEqual([
      2, 3,
    ]);
    const again = w.wait(2 * SECOND);
    expect(again).toMatchObject([{ flags: SYN | ACK, dport: 4, seq: fourth!.seq }]);
    expect(entryOf(listener.accept()!).remotePort).toBe(1);
    finish(4, fourth!.seq);
    const accepted = [listener.accept(), listener.accept(), listener.accept()] as Connection[];
    expect(accepted.map((c) => [c.stateName, c.flow.remotePort])).toEqual([
      ['ESTABLISHED', 2],
      ['ESTABLISHED', 3],
      ['ESTABLISHED', 4],
    ]);
    expect(listener.accept()).toBeUndefined();
  });

  it('keeps a connection that is reset while queued: ACCEPT reports the reset, as in Linux', () => {
    const w = new Wire();
    const listener = w.stack.listen({ port: 80, backlog: 5, user: later });
    w.open();
    expect(listener.queue.establishedCount).toBe(1);
    w.tcp({ flags: RST, seq: 101 });
    expect(w.stack.tcp.connectionCount).toBe(0);
    expect(listener.accept()).toMatchObject({ error: 'ECONNRESET' });
  });
});

describe('a listener', () => {
  const two = [new Prefix(Address.parse(US), 24), new Prefix(Address.parse('10.0.0.2'), 8)];

  it('that closes resets its accept queue, drops half-open connections silently, and keeps accepted ones', () => {
    const w = new Wire();
    const taken: Connection[] = [];
    let take = true;
    const user = { tcpAccept: (c: Connection) => take && taken.push(c) > 0 };
    const listener = w.stack.listen({ port: 80, user });
    w.open({ sport: 1 });
    take = false;
    const waits = w.open({ sport: 2 });
    const [half] = w.tcp({ flags: SYN, sport: 3, seq: 100 });
    listener.close(w.now);
    const out = w.take();
    expect(out.map((x) => [x.dport, x.flags & RST, x.seq])).toEqual([[2, RST, waits.seq + 1]]);
    expect(taken.map((c) => c.stateName)).toEqual(['ESTABLISHED']);
    expect(w.stack.tcp.connectionCount).toBe(1);
    // The handshake's last ACK finds no connection.
    expect(w.tcp({ flags: ACK, sport: 3, seq: 101, ack: half!.seq + 1 })).toMatchObject([
      { flags: RST, seq: half!.seq + 1 },
    ]);
    expect(w.tcp({ flags: SYN, sport: 4 })).toMatchObject([{ flags: RST | ACK }]);
    expect(w.stack.listen({ port: 80, user: later }).port).toBe(80);
  });

  it('at an address only accepts connections to it', () => {
    const w = new Wire({ addresses: two });
    w.stack.listen({ port: 80, address: Address.parse('10.0.0.2'), user: later });
    expect(w.tcp({ flags: SYN, to: '10.0.0.2' })).toMatchObject([
      { flags: SYN | ACK, from: '10.0.0.2' },
    ]);
    expect(w.tcp({ flags: SYN, to: US })).toMatchObject([{ flags: RST | ACK, from: US }]);
    // Another address, the same port.
    w.stack.listen({ port: 80, address: Address.parse(US), user: later });
    expect(w.tcp({ flags: SYN, to: US })).toMatchObject([{ flags: SYN | ACK }]);
  });

  it.each([
    ['everywhere, everywhere', null, null],
    ['all addresses, then one', null, US],
    ['one address, then all', US, null],
    ['the same address twice', US, US],
  ])('does not share its port: %s is EADDRINUSE', (_, first, second) => {
    const w = new Wire({ addresses: two });
    const at = (a: string | null): Address | null => (a === null ? null : Address.parse(a));
    w.stack.listen({ port: 80, address: at(first), user: later });
    expect(() => w.stack.listen({ port: 80, address: at(second), user: later })).toThrow(
      /EADDRINUSE.*80/,
    );
  });

  it("at an address that is not the stack's is EADDRNOTAVAIL", () => {
    const w = new Wire();
    expect(() => w.stack.listen({ port: 80, address: remote, user: later })).toThrow(
      /EADDRNOTAVAIL.*198\.18\.0\.1/,
    );
  });

  it('of port 0 gets an ephemeral port', () => {
    const w = new Wire();
    const ports = Array.from({ length: 50 }, () => w.stack.listen({ port: 0, user: later }).port);
    expect(new Set(ports).size).toBe(50);
    for (const port of ports) expect(port >= FIRST_EPHEMERAL && port <= LAST_EPHEMERAL).toBe(true);
  });

  it('of port 0 gets no port that an active open uses, until it ends', () => {
    const w = new Wire();
    const conn = w.stack.connect({ remote, remotePort: 9, localPort: 40_000, user: nobody }, w.now);
    for (let port = FIRST_EPHEMERAL; port <= LAST_EPHEMERAL; port++) {
      if (port !== 40_000) w.stack.listen({ port, user: later });
    }
    expect(() => w.stack.listen({ port: 0, user: later })).toThrow(
      /EADDRINUSE: every ephemeral port/,
    );
    conn.abort(w.now);
    w.stack.wake(conn);
    w.take();
    expect(w.stack.listen({ port: 0, user: later }).port).toBe(40_000);
  });
});

describe('OPEN', () => {
  const open = (w: Wire, o: object = {}): Connection =>
    w.stack.connect({ remote, remotePort: 9, user: nobody, ...o }, w.now);

  it('of the same four-tuple is EADDRNOTAVAIL, also while it is in TIME-WAIT', () => {
    const w = new Wire();
    const conn = open(w, { localPort: 4000 });
    expect(() => open(w, { localPort: 4000 })).toThrow(/EADDRNOTAVAIL/);
    const [syn] = w.take();
    w.tcp({ flags: SYN | ACK, sport: 9, dport: 4000, seq: 7, ack: syn!.seq + 1 });
    conn.shutdown(w.now);
    w.stack.wake(conn);
    w.take();
    w.tcp({ flags: FIN | ACK, sport: 9, dport: 4000, seq: 8, ack: syn!.seq + 2 });
    expect(w.stack.tcp.timeWait.size).toBe(1);
    expect(() => open(w, { localPort: 4000 })).toThrow(/EADDRNOTAVAIL/);
    expect(open(w, { localPort: 4000, remotePort: 10 }).stateName, 'another four-tuple').toBe(
      'SYN-SENT',
    );
    w.wait(MINUTE);
    expect(open(w, { localPort: 4000 }).stateName).toBe('SYN-SENT');
  });

  it('without a port uses ephemeral ones, each once per destination, and none that has a listener', () => {
    const w = new Wire();
    for (let port = FIRST_EPHEMERAL; port <= LAST_EPHEMERAL; port++) {
      if (port % 1000 !== 0) w.stack.listen({ port, user: later });
    }
    const free = Array.from({ length: 28 }, (_, i) => 33_000 + 1000 * i);
    const picked = free.map(() => open(w).flow.localPort);
    expect(picked.sort((a, b) => a - b)).toEqual(free);
    expect(() => open(w)).toThrow(/EADDRNOTAVAIL: every ephemeral port/);
    expect(free).toContain(open(w, { remotePort: 10 }).flow.localPort);
    expect(() => w.stack.listen({ port: 0, user: later })).toThrow(
      /EADDRINUSE: every ephemeral port/,
    );
  });

  it.each([
    [
      'a foreign local address',
      { local: Address.parse('198.18.0.77') },
      /EADDRNOTAVAIL.*198\.18\.0\.77/,
    ],
    ['a family without a local address', { remote: Address.parse('fd00::1') }, /ENETUNREACH.*IPv6/],
    ['a local address of the other family', { local: Address.parse('::1') }, /EINVAL.*IPv6.*IPv4/],
    ['loopback to another host', { local: Address.parse('127.0.0.1') }, /EINVAL.*127\.0\.0\.1/],
  ])('rejects %s without leaving a connection', (_, o, error) => {
    const w = new Wire();
    expect(() => open(w, o)).toThrow(error);
    expect([w.take(), w.stack.tcp.connectionCount]).toEqual([[], 0]);
  });
});

describe('loopback', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.9.8.7', '127.9.8.7'],
    ['::1', '::1'],
    [US, US],
    ['fd00::2', 'fd00::2'],
  ])('to %s from %s: the stack talks to itself, and no packet reaches the wire', (to, from) => {
    const w = new Wire({ addresses: [US, 'fd00::2'].map((a) => Prefix.parse(a)) });
    let heard = '';
    const hear: TcpUser = {
      tcpEvents(conn) {
        for (let piece = conn.receive(); piece !== null; piece = conn.receive())
          heard += Buffer.from(piece).toString();
      },
    };
    const accepted = w.listen(hear);
    const conn = w.stack.connect(
      { remote: Address.parse(to), remotePort: 80, user: nobody },
      w.now,
    );
    expect(w.take()).toEqual([]);
    expect([conn.stateName, accepted[0]!.stateName]).toEqual(['ESTABLISHED', 'ESTABLISHED']);
    expect(entryOf(accepted[0]!).remote.toString()).toBe(from);
    conn.send(Buffer.from('hello'));
    conn.shutdown(w.now);
    w.stack.wake(conn);
    expect(w.take()).toEqual([]);
    expect(heard).toBe('hello');
    accepted[0]!.shutdown(w.now);
    w.stack.wake(accepted[0]!);
    expect(w.wait(MINUTE)).toEqual([]);
    expect([w.stack.tcp.connectionCount, w.stack.tcp.timeWait.size]).toEqual([0, 0]);
    expect(w.stack.dropsByName()).toEqual({});
  });

  it('to a port without a listener is refused', () => {
    const w = new Wire();
    const conn = w.stack.connect(
      { remote: Address.parse('127.0.0.1'), remotePort: 80, user: nobody },
      w.now,
    );
    expect(w.take()).toEqual([]);
    expect([conn.stateName, conn.error]).toEqual(['CLOSED', 'ECONNREFUSED']);
  });
});

describe('TIME-WAIT in the stack', () => {
  /** Our side closes connections from ports `from` on first, so that all are in TIME-WAIT. */
  function closed(w: Wire, from: number, count: number): number[] {
    const accepted: Connection[] = [];
    w.stack.listen({ port: 80, user: { tcpAccept: (c) => accepted.push(c) > 0 } });
    return Array.from({ length: count }, (_, i) => {
      const { seq } = w.open({ sport: from + i });
      accepted[i]!.shutdown(w.now);
      w.stack.wake(accepted[i]!);
      w.take();
      w.tcp({ flags: ACK | FIN, sport: from + i, seq: 101, ack: seq + 2 });
      return seq + 2;
    });
  }

  it('is bounded: the oldest is evicted and counted', () => {
    const w = new Wire({ timeWaitLimit: 3 });
    const nxt = closed(w, 1000, 5);
    expect([w.stack.tcp.timeWait.size, w.stack.tcp.connectionCount]).toEqual([3, 0]);
    expect(w.stack.counters.TcpExtTW).toBe(5);
    expect(w.stack.counters.TcpExtTCPTimeWaitOverflow).toBe(2);
    const answers = nxt.map(
      (ack, i) => w.tcp({ flags: ACK | FIN, sport: 1000 + i, seq: 101, ack })[0]!.flags,
    );
    expect(answers).toEqual([RST, RST, ACK, ACK, ACK]);
  });

  it('a RST ends it only if its number is exactly RCV.NXT (RFC 5961)', () => {
    const w = new Wire();
    const [nxt] = closed(w, 1000, 1);
    for (const seq of [101, 103]) expect(w.tcp({ flags: RST, sport: 1000, seq })).toEqual([]);
    expect(w.stack.tcp.timeWait.size).toBe(1);
    expect(w.stack.dropsByName()).toEqual({ tcpTimeWait: 2 });
    expect(w.tcp({ flags: ACK, sport: 1000, seq: 102, ack: nxt! }), 'a duplicate ACK').toEqual([]);
    expect(w.tcp({ flags: RST, sport: 1000, seq: 102 })).toEqual([]);
    expect(w.stack.tcp.timeWait.size).toBe(0);
  });

  it('applies to a SYN to a port without a listener', () => {
    const w = new Wire();
    const conn = w.stack.connect({ remote, remotePort: 9, localPort: 4000, user: nobody }, w.now);
    const [syn] = w.take();
    const peer = { sport: 9, dport: 4000 };
    w.tcp({ ...peer, flags: SYN | ACK, seq: 7, ack: syn!.seq + 1 });
    conn.shutdown(w.now);
    w.stack.wake(conn);
    w.take();
    w.tcp({ ...peer, flags: FIN | ACK, seq: 8, ack: syn!.seq + 2 });
    expect(w.tcp({ ...peer, flags: SYN, seq: 5000 })).toMatchObject([
      { flags: ACK, seq: syn!.seq + 2, ack: 9 },
    ]);
    expect(w.stack.tcp.timeWait.size).toBe(1);
  });
});

describe('a segment that a connection rejects', () => {
  it.each([
    ['tcpUnacceptable', { flags: ACK, seq: 101 - 70_000, payload: [1] }, 0],
    ['tcpBadAck', { flags: ACK, seq: 101 }, 5],
    ['tcpOldAck', { flags: ACK, seq: 101 }, -200_000],
    ['tcpNoAck', { flags: 0, seq: 101, payload: [1] }, 0],
    ['tcpRstOutsideWindow', { flags: RST, seq: 101 - 1 }, 0],
    ['tcpRstChallenge', { flags: RST, seq: 101 + 1 }, 0],
    ['tcpSynChallenge', { flags: SYN, seq: 101 + 1 }, 0],
    ['tcpSynChallenge', { flags: SYN | ACK, seq: 100 }, 0],
  ])('is counted by its reason and does not affect the connection: %s', (name, segment, ack) => {
    const w = new Wire();
    const accepted = w.listen();
    const { seq } = w.open();
    w.tcp({ ...segment, ack: seq + 1 + ack });
    expect(w.stack.dropsByName()).toEqual({ [name]: 1 });
    const conn = accepted[0]!;
    expect([conn.stateName, conn.rcv.nxt, conn.snd.una, conn.receiveQueued]).toEqual([
      'ESTABLISHED',
      101,
      (seq + 1) | 0,
      0,
    ]);
  });

  it('is counted if it is to a multicast or broadcast address', () => {
    for (const to of ['224.0.0.1', '198.18.0.255', '255.255.255.255']) {
      const w = new Wire();
      w.listen();
      expect([w.tcp({ flags: SYN, to }), w.tcp({ flags: ACK, to })]).toEqual([[], []]);
      expect(w.stack.dropsByName()).toEqual({ tcpToMulticast: 2 });
    }
  });
});

describe('an ICMP error about a SYN', () => {
  it.each([
    ['host unreachable', 3, 1, 'CLOSED', 'EHOSTUNREACH'],
    ['port unreachable', 3, 3, 'CLOSED', 'ECONNREFUSED'],
    ['time exceeded', 11, 0, 'CLOSED', 'EHOSTUNREACH'],
    ['too big, which does not apply to a SYN', 3, 4, 'SYN-SENT', null],
    ['source quench', 4, 0, 'SYN-SENT', null],
  ])('has the same effect as in Linux: %s', (_, type, code, state, error) => {
    const w = new Wire();
    const conn = w.stack.connect({ remote, remotePort: 9, user: nobody }, w.now);
    const [syn] = w.take();
    w.icmp(type, code, syn!, syn!.seq + 1);
    expect(conn.stateName, 'it quotes a segment that was not sent').toBe('SYN-SENT');
    w.icmp(type, code, syn!);
    expect([conn.stateName, conn.error]).toEqual([state, error]);
    expect(w.stack.tcp.connectionCount).toBe(state === 'CLOSED' ? 0 : 1);
  });
});

describe('the end of the stack', () => {
  it('sends a RST to every peer, and closes all listeners', () => {
    const w = new Wire();
    const user = {
      events: 0,
      tcpEvents: (_: Connection, events: number) => void (user.events |= events),
    };
    w.listen(user);
    const { seq } = w.open();
    w.stack.close(w.now);
    expect(w.take()).toMatchObject([{ flags: RST | ACK, seq: seq + 1, dport: 50_000 }]);
    expect(user.events & TcpEvent.closed).not.toBe(0);
    expect([w.stack.tcp.connectionCount, w.stack.nextTimeout()]).toEqual([0, Infinity]);
    expect(w.tcp({ flags: SYN, sport: 7 })).toMatchObject([{ flags: RST | ACK }]);
  });
});
