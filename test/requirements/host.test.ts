/**
 * Requirements that show only with a whole stack: addresses, checksums, ICMP, several connections.
 * RFC 9293 sections 3.1, 3.4 and 3.9.
 */
import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../src/base/time.js';
import { Address, Prefix } from '../../src/ip/address.js';
import { entryOf } from '../../src/stack/tcp/entry.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { TcpUser } from '../../src/tcp/connection.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { checksumHolds, RawHost } from '../stack/raw-host.js';
import { naiveSum, buildPacket } from '../device/packets.js';
import { ACK, FIN, type Out, PEER, RST, SYN, US, Wire } from './wire.js';

const remote = Address.parse(PEER);
const nobody: TcpUser = { tcpEvents: () => undefined };

/** The same IPv6 packet between other addresses, with its checksum corrected. */
function withAddresses(packet: Uint8Array, from: string | null, to: string | null): Uint8Array {
  const p = packet.slice();
  const put = (address: string, at: number): void => {
    const { w0, w1, w2, w3 } = Address.parse(address);
    const view = new DataView(p.buffer, p.byteOffset);
    [w0, w1, w2, w3].forEach((word, i) => view.setInt32(at + 4 * i, word));
  };
  if (from !== null) put(from, 8);
  if (to !== null) put(to, 24);
  p.set([0, 0], 56);
  const sum = ~naiveSum(p.slice(40), naiveSum(p.slice(8, 40), 6 + p.length - 40)) & 0xffff;
  p.set([sum >> 8, sum & 255], 56);
  return p;
}

/** A connection that we accepted and then closed: our FIN is out. */
function inFinWait1(): { w: Wire; accepted: Connection[]; synAck: Out } {
  const w = new Wire();
  const accepted = w.listen();
  const synAck = w.open();
  accepted[0]!.shutdown(w.now);
  w.stack.wake(accepted[0]!);
  w.take();
  return { w, accepted, synAck };
}

/** Records the events that it gets. */
function listener(): TcpUser & { events: number } {
  return {
    events: 0,
    tcpEvents(_conn, events) {
      this.events |= events;
    },
  };
}

describe('checksums', () => {
  it('MUST-2: every segment sent has a correct checksum: handshake, data, FIN, RST, and segments sent without a connection', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open();
    accepted[0]!.send(Uint8Array.of(1, 2, 3));
    accepted[0]!.shutdown(w.now);
    w.stack.wake(accepted[0]!);
    const out = [synAck, ...w.take()];
    out.push(...w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 5 }));
    // again: TIME-WAIT answers
    out.push(...w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 5 }));
    out.push(...w.tcp({ flags: SYN, dport: 81 })); // no listener: RST
    expect(out.map((x) => x.flags & (SYN | FIN | RST))).toEqual([SYN, FIN, 0, 0, RST]);
    expect(out.map((x) => x.checksumRight)).toEqual([true, true, true, true, true]);
  });

  it('MUST-2: a segment whose payload is in several pieces of odd length has a correct checksum', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open();
    const [conn] = accepted;
    conn!.send(Uint8Array.of(1));
    w.stack.wake(conn!);
    w.take();
    conn!.sendZeroCopy(Uint8Array.of(21, 22, 23));
    conn!.send(Uint8Array.of(31, 32, 33, 34, 35));
    const [data] = w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 2 });
    expect(data).toMatchObject({ checksumRight: true, payload: [21, 22, 23, 31, 32, 33, 34, 35] });
  });

  it('MUST-2: with checksum offload, the checksum field holds the sum of the pseudo-header, to which the device adds the rest', () => {
    const w = new Wire({ offload: true });
    w.listen();
    const [synAck] = w.tcp({ flags: SYN });
    const segment = synAck!.bytes.slice(20);
    const addresses = synAck!.bytes.slice(12, 20);
    expect(segment[16]! * 256 + segment[17]!).toBe(naiveSum(addresses, 6 + segment.length));
  });

  it('MUST-2: every segment sent over IPv6 has a correct checksum', () => {
    const host = new RawHost();
    host.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    for (const port of [80, 81]) {
      const [reply] = host.send(buildPacket({ version: 6, flags: SYN, destinationPort: port }));
      expect(reply!.payload[13]! & (SYN | RST)).toBe(port === 80 ? SYN : RST);
      expect(checksumHolds(reply!)).toBe(true);
    }
  });

  it('MUST-3: a segment with a wrong checksum is dropped, without an answer', () => {
    const w = new Wire();
    w.listen();
    expect(w.tcp({ flags: SYN, badChecksum: true })).toEqual([]);
    expect(w.stack.dropsByName()).toEqual({ tcpBadChecksum: 1 });
    expect(w.tcp({ flags: SYN })).toHaveLength(1);
  });

  it('MUST-3: a segment with a wrong checksum that arrives in fragments is dropped', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open();
    const data = {
      flags: ACK,
      seq: 101,
      ack: synAck.seq + 1,
      payload: [1, 2, 3, 4, 5, 6, 7, 8],
      cutAt: 24,
    };
    w.tcp({ ...data, badChecksum: true });
    expect(accepted[0]!.receiveQueued).toBe(0);
    expect(w.stack.dropsByName()).toEqual({ tcpBadChecksum: 1 });
    w.tcp(data);
    expect(accepted[0]!.receiveQueued).toBe(8);
  });

  it('MUST-3: over IPv6 a segment with a wrong checksum is dropped', () => {
    const host = new RawHost();
    host.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    const good = buildPacket({ version: 6, flags: SYN });
    const bad = good.slice();
    bad[40 + 17]! ^= 1;
    expect(host.send(bad)).toEqual([]);
    expect(host.drops).toEqual({ tcpBadChecksum: 1 });
    expect(host.send(good)).toHaveLength(1);
  });
});

describe('the window field', () => {
  it('MUST-1: is unsigned, both in segments received and in segments sent', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open({ wnd: 0x8000 });
    expect(synAck.wnd, 'ours').toBeGreaterThan(0x7fff);
    expect(accepted[0]!.snd.wnd).toBe(0x8000);
    w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 1, wnd: 0xffff });
    expect(accepted[0]!.snd.wnd).toBe(0xffff);
  });
});

describe('initial sequence numbers', () => {
  const iss = (w: Wire, localPort = 4000): number => {
    const conn = w.stack.connect({ remote, remotePort: 80, localPort, user: nobody }, w.now);
    const { iss } = conn;
    conn.abort(w.now);
    w.stack.wake(conn);
    w.take();
    return iss;
  };

  it('MUST-8: rise with a clock of 4 microseconds', () => {
    const w = new Wire();
    const first = iss(w);
    w.wait(4_000_000);
    expect((iss(w) - first) | 0).toBe(1_000_000);
  });

  it('MUST-8: those of passive opens rise with the same clock', () => {
    const w = new Wire();
    w.listen();
    const [first] = w.tcp({ flags: SYN });
    w.tcp({ flags: RST, seq: 1 });
    w.wait(4_000_000);
    const [second] = w.tcp({ flags: SYN });
    expect((second!.seq - first!.seq) | 0).toBe(1_000_000);
  });

  it('MUST-9: depend on the secret', () => {
    const secrets = [1, 2, 3].map((n) => new Uint8Array(16).fill(n));
    expect(new Set(secrets.map((secret) => iss(new Wire({ secret })))).size).toBe(3);
  });

  it('SHLD-1: of two four-tuples are unrelated', () => {
    const w = new Wire();
    const all = [4000, 4001, 4002, 4003].map((port) => iss(w, port));
    const steps = all.slice(1).map((n, i) => (n - all[i]!) | 0);
    expect(steps.every((step) => Math.abs(step) > 1000)).toBe(true);
    expect(new Set(steps).size).toBe(3);
  });
});

describe('initial sequence numbers, one part of the four-tuple changed', () => {
  const SECOND_ADDRESS = '198.18.0.3';
  const addresses = [US, SECOND_ADDRESS].map((a) => new Prefix(Address.parse(a), 24));
  const same = { local: US, localPort: 4000, to: PEER, remotePort: 80 };

  it.each([
    ['local address', { ...same, local: SECOND_ADDRESS }],
    ['local port', { ...same, localPort: 4001 }],
    ['remote address', { ...same, to: '198.18.0.9' }],
    ['remote port', { ...same, remotePort: 81 }],
  ])('SHLD-1: are unrelated after a change of the %s', (_what, other) => {
    const [one, two] = [same, other].map(({ local, localPort, to, remotePort }) => {
      const w = new Wire({ addresses });
      return w.stack.connect(
        {
          local: Address.parse(local),
          localPort,
          remote: Address.parse(to),
          remotePort,
          user: nobody,
        },
        w.now,
      ).iss;
    });
    expect(Math.abs((one! - two!) | 0)).toBeGreaterThan(1000);
  });
});

describe('TIME-WAIT', () => {
  /** A connection that our side closed first and that is in TIME-WAIT. */
  function closed(
    o: ConstructorParameters<typeof Wire>[0] = {},
    options: number[] = [],
  ): { w: Wire; nxt: number } {
    const w = new Wire(o);
    const accepted = w.listen();
    const synAck = w.open({ options });
    if (options.length > 0) w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 1, options });
    accepted[0]!.shutdown(w.now);
    w.stack.wake(accepted[0]!);
    w.take();
    w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 2, options });
    expect(w.stack.tcp.timeWait.size).toBe(1);
    return { w, nxt: synAck.seq + 2 };
  }

  it.each([
    ['linux', MINUTE],
    ['rfc', 4 * MINUTE],
  ] as const)('MUST-13: lasts for 2 MSL in profile %s', (profile, msl2) => {
    const { w } = closed({ profile });
    w.wait(msl2 - 1);
    expect(w.stack.tcp.timeWait.size).toBe(1);
    w.wait(1);
    expect(w.stack.tcp.timeWait.size).toBe(0);
  });

  it('MUST-13: a retransmitted FIN is acknowledged again and restarts the 2 MSL', () => {
    const { w, nxt } = closed();
    w.wait(MINUTE - 1);
    expect(w.tcp({ flags: ACK | FIN, seq: 101, ack: nxt })).toMatchObject([
      { flags: ACK, seq: nxt, ack: 102 },
    ]);
    w.wait(MINUTE - 1);
    expect(w.stack.tcp.timeWait.size).toBe(1);
    w.wait(1);
    expect(w.stack.tcp.timeWait.size).toBe(0);
  });

  it('MUST-13: also follows a simultaneous close', () => {
    const { w, accepted, synAck } = inFinWait1();
    w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 1 });
    expect(accepted[0]!.stateName).toBe('CLOSING');
    w.tcp({ flags: ACK, seq: 102, ack: synAck.seq + 2 });
    w.wait(MINUTE - 1);
    expect(w.stack.tcp.timeWait.size).toBe(1);
    w.wait(1);
    expect(w.stack.tcp.timeWait.size).toBe(0);
  });

  it('MUST-13: an active open cannot use the four-tuple of a connection in TIME-WAIT', () => {
    const { w } = closed();
    const again = { remote, remotePort: 50_000, localPort: 80, user: nobody };
    expect(() => w.stack.connect(again, w.now)).toThrow(/EADDRNOTAVAIL/);
    w.wait(MINUTE);
    expect(w.stack.connect(again, w.now).stateName).toBe('SYN-SENT');
  });

  it('MAY-2: a SYN with a larger sequence number opens a new connection, an older one does not', () => {
    const { w } = closed();
    expect(w.tcp({ flags: SYN, seq: 50 })).toMatchObject([{ flags: ACK, ack: 102 }]);
    expect(w.tcp({ flags: SYN, seq: 5000 })).toMatchObject([{ flags: SYN | ACK, ack: 5001 }]);
  });

  it.each([0, 100 * SECOND])(
    'MAY-2: the new initial sequence number is larger than any used before: after %i us',
    (wait) => {
      const { w, nxt } = closed({ profile: 'rfc' });
      w.wait(wait);
      const [synAck] = w.tcp({ flags: SYN, seq: 5000 });
      expect(synAck!.flags).toBe(SYN | ACK);
      expect((synAck!.seq - (nxt - 1)) | 0).toBeGreaterThan(0);
    },
  );

  /**
   * As above, then a SYN reopens it, and the RST for our SYN,ACK tells that the SYN was an old
   * duplicate.
   */
  function reopened(
    profile: 'linux' | 'rfc',
    answer: 'RST' | 'none' | 'ACK, then RST',
  ): { w: Wire; nxt: number } {
    const { w, nxt } = closed({ profile });
    const [synAck] = w.tcp({ flags: SYN, seq: 5000 });
    expect(w.stack.tcp.timeWait.size).toBe(0);
    if (answer === 'none') w.wait(2 * MINUTE);
    if (answer === 'ACK, then RST') w.tcp({ flags: ACK, seq: 5001, ack: synAck!.seq + 1 });
    if (answer !== 'none') w.tcp({ flags: RST, seq: 5001 });
    expect(w.stack.tcp.connectionCount).toBe(0);
    return { w, nxt };
  }

  it.each(['RST', 'none'] as const)(
    'MAY-2: returns to TIME-WAIT when the SYN was an old duplicate: the answer to our SYN,ACK is %s',
    (answer) => {
      const { w, nxt } = reopened('rfc', answer);
      expect(w.stack.tcp.timeWait.size).toBe(1);
      expect(w.tcp({ flags: ACK | FIN, seq: 101, ack: nxt })).toMatchObject([
        { flags: ACK, seq: nxt, ack: 102 },
      ]);
      w.wait(4 * MINUTE);
      expect(w.stack.tcp.timeWait.size).toBe(0);
    },
  );

  it('MAY-2: does not return to TIME-WAIT once the new connection was established, nor in profile linux', () => {
    expect(reopened('rfc', 'ACK, then RST').w.stack.tcp.timeWait.size).toBe(0);
    expect(reopened('linux', 'RST').w.stack.tcp.timeWait.size).toBe(0);
  });

  it('SHLD-4: a SYN with a newer timestamp reopens the connection, whatever its sequence number', () => {
    const stamp = (value: number): number[] => [
      1,
      1,
      8,
      10,
      0,
      0,
      value >> 8,
      value & 255,
      0,
      0,
      0,
      0,
    ];
    const { w } = closed({}, stamp(1000));
    for (const value of [999, 1000]) {
      expect(
        w.tcp({ flags: SYN, seq: 50, options: stamp(value) }),
        `${value} is not newer`,
      ).toMatchObject([{ flags: ACK }]);
      w.wait(SECOND / 2); // invalid segments get at most one answer in that time
    }
    expect(w.tcp({ flags: SYN, seq: 50, options: stamp(1001) })).toMatchObject([
      { flags: SYN | ACK, ack: 51 },
    ]);
  });
});

describe('what a user sets on a connection', () => {
  it('MUST-17, MUST-21, MUST-24: applies to this connection only: the next one starts with the configured values', () => {
    const w = new Wire();
    const accepted = w.listen();
    w.open();
    const [one] = accepted;
    one!.setNoDelay(true);
    one!.setUserTimeout(SECOND);
    one!.setKeepAlive(true, w.now);
    w.open({ sport: 50_001 });
    const of = (c: Connection): unknown[] => [c.snd.noDelay, c.userTimeout, c.keepAlive];
    expect(of(one!)).toEqual([true, SECOND, true]);
    expect(of(accepted[1]!)).toEqual([false, 0, false]);
  });
});

describe('OPEN', () => {
  it('MUST-41: closing a listener does not affect the connections of its port', () => {
    const w = new Wire();
    const accepted = w.listen();
    const synAck = w.open();
    for (const sport of [50_001, 50_002]) w.tcp({ flags: SYN, sport });
    w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 1, payload: [1, 2, 3] });
    expect(accepted[0]!.receiveQueued).toBe(3);
    expect(accepted[0]!.stateName).toBe('ESTABLISHED');
  });

  it('MUST-41: a new listener does not affect them either, even when their own listener is closed', () => {
    const w = new Wire();
    const accepted: Connection[] = [];
    const user = { tcpAccept: (conn: Connection): boolean => accepted.push(conn) > 0 };
    const first = w.stack.listen({ port: 80, user });
    const synAck = w.open();
    w.tcp({ flags: SYN, sport: 50_001 });
    w.stack.listen({ port: 81, user });
    first.close(w.now);
    w.stack.listen({ port: 80, user });
    w.tcp({ flags: ACK, seq: 101, ack: synAck.seq + 1, payload: [1, 2, 3] });
    expect([accepted[0]!.stateName, accepted[0]!.receiveQueued]).toEqual(['ESTABLISHED', 3]);
  });

  it('MUST-41: a second listener on the port is an error, and the first one goes on', () => {
    const w = new Wire();
    const accepted = w.listen();
    expect(() => w.listen()).toThrow(/EADDRINUSE/);
    w.open();
    expect(accepted).toHaveLength(1);
  });

  it('MUST-41: a listener on another address does not affect the first listener of the port', () => {
    const w = new Wire({ addresses: two });
    for (const { address } of two)
      w.stack.listen({ port: 80, address, user: { tcpAccept: () => true } });
    for (const to of [US, '10.0.0.2'])
      expect(w.tcp({ flags: SYN, to })).toMatchObject([{ flags: SYN | ACK, from: to }]);
  });

  it('MUST-42: a port can be listened on while a connection from it is in SYN-SENT or SYN-RECEIVED', () => {
    const w = new Wire();
    const conn = w.stack.connect({ remote, remotePort: 9, localPort: 80, user: nobody }, w.now);
    w.take();
    expect(conn.stateName).toBe('SYN-SENT');
    w.listen();
    expect(w.tcp({ flags: SYN })).toMatchObject([{ flags: SYN | ACK }]);
    expect(conn.stateName).toBe('SYN-SENT');
  });

  it('MUST-42: a port can be listened on while a simultaneous open from it is in SYN-RECEIVED', () => {
    const w = new Wire();
    const conn = w.stack.connect({ remote, remotePort: 9, localPort: 80, user: nobody }, w.now);
    w.take();
    w.tcp({ flags: SYN, sport: 9 });
    expect(conn.stateName).toBe('SYN-RECEIVED');
    w.listen();
    expect(w.tcp({ flags: SYN })).toMatchObject([{ flags: SYN | ACK, dport: 50_000 }]);
    expect(conn.stateName).toBe('SYN-RECEIVED');
  });

  const two = [new Prefix(Address.parse(US), 24), new Prefix(Address.parse('10.0.0.2'), 8)];

  it('MUST-43: takes a local address', () => {
    const w = new Wire({ addresses: two });
    w.stack.connect(
      { remote, remotePort: 80, local: Address.parse('10.0.0.2'), user: nobody },
      w.now,
    );
    expect(w.take()).toMatchObject([{ flags: SYN, from: '10.0.0.2' }]);
  });

  it('MUST-43: a passive OPEN takes a local address, and then accepts SYNs to that address only', () => {
    const w = new Wire({ addresses: two });
    w.stack.listen({
      port: 80,
      address: Address.parse('10.0.0.2'),
      user: { tcpAccept: () => true },
    });
    expect(w.tcp({ flags: SYN })).toMatchObject([{ flags: RST | ACK, from: US }]);
    expect(w.tcp({ flags: SYN, to: '10.0.0.2' })).toMatchObject([
      { flags: SYN | ACK, from: '10.0.0.2' },
    ]);
  });

  it.each([
    [PEER, US],
    ['10.9.9.9', '10.0.0.2'],
    ['203.0.113.1', US],
  ])('MUST-44: without a local address IP chooses it: to %s from %s', (to, from) => {
    const w = new Wire({ addresses: two });
    w.stack.connect({ remote: Address.parse(to), remotePort: 80, user: nobody }, w.now);
    expect(w.take()).toMatchObject([{ flags: SYN, from, to }]);
  });

  it('MUST-45: the local address stays the same for a connection', () => {
    const w = new Wire({ addresses: two });
    const accepted = w.listen();
    const synAck = w.open({ to: '10.0.0.2' });
    accepted[0]!.send(Uint8Array.of(1));
    accepted[0]!.shutdown(w.now);
    w.stack.wake(accepted[0]!);
    const out = [synAck, ...w.take(), ...w.wait(SECOND)];
    expect(out.length).toBeGreaterThan(2);
    expect(new Set(out.map((x) => x.from))).toEqual(new Set(['10.0.0.2']));
  });

  it('MUST-45: the local address that IP chose for an active open stays the same, up to the last ACK of TIME-WAIT', () => {
    const w = new Wire({ addresses: two });
    const peer = '10.9.9.9';
    const conn = w.stack.connect(
      { remote: Address.parse(peer), remotePort: 9, localPort: 80, user: nobody },
      w.now,
    );
    const out = [...w.take(), ...w.wait(SECOND)];
    const from = { from: peer, to: '10.0.0.2', sport: 9 };
    out.push(...w.tcp({ ...from, flags: SYN | ACK, seq: 100, ack: conn.iss + 1 }));
    conn.shutdown(w.now);
    w.stack.wake(conn);
    out.push(...w.take());
    const fin = { ...from, flags: ACK | FIN, seq: 101, ack: conn.iss + 2 };
    for (let i = 0; i < 2; i++) out.push(...w.tcp(fin));
    expect(w.stack.tcp.timeWait.size).toBe(1);
    expect(out.map((x) => x.flags)).toEqual([SYN, SYN, ACK, ACK | FIN, ACK, ACK]);
    expect(new Set(out.map((x) => x.from))).toEqual(new Set(['10.0.0.2']));
  });

  it.each(['224.0.0.1', '239.1.2.3', '255.255.255.255', '198.18.0.255', 'ff02::1'])(
    'MUST-46: to %s is refused, since it is not a unicast address',
    (to) => {
      const addresses = [...two, new Prefix(Address.parse('fd00::2'), 64)];
      const w = new Wire({ addresses });
      expect(() =>
        w.stack.connect({ remote: Address.parse(to), remotePort: 80, user: nobody }, w.now),
      ).toThrow(/ENETUNREACH|host/);
      expect(w.take()).toEqual([]);
    },
  );
});

describe('ICMP', () => {
  /** An established connection with a segment in flight. */
  function inFlight(w: Wire, user: TcpUser | null = null): { conn: Connection; data: Out } {
    const accepted = w.listen(user);
    w.open();
    accepted[0]!.send(Uint8Array.of(1, 2, 3));
    w.stack.wake(accepted[0]!);
    return { conn: accepted[0]!, data: w.take()[0]! };
  }

  it('MUST-54: reaches the connection that it quotes, and no other', () => {
    const w = new Wire();
    const one = w.stack.connect({ remote, remotePort: 1, user: nobody }, w.now);
    const [syn] = w.take();
    const other = w.stack.connect({ remote, remotePort: 2, user: nobody }, w.now);
    w.take();
    w.icmp(3, 1, syn!);
    expect([one.error, other.error]).toEqual(['EHOSTUNREACH', null]);
  });

  it('MUST-54: over IPv6, too', () => {
    const host = new RawHost();
    const to = { remote: Address.parse('fd74:6370:6c61:62::1'), user: nobody };
    const [one, other] = [1, 2].map((remotePort) =>
      host.stack.connect({ ...to, remotePort }, host.now),
    );
    const [syn] = host.take();
    // Destination unreachable, no route, about the first SYN.
    const quote = [...syn!.bytes];
    const error = [1, 0, 0, 0, 0, 0, 0, 0, ...quote];
    const header = [0x60, 0, 0, 0, 0, error.length, 58, 64, ...syn!.destination, ...syn!.source];
    const sum =
      ~naiveSum(
        Uint8Array.from(error),
        naiveSum(Uint8Array.from(header.slice(8)), 58 + error.length),
      ) & 0xffff;
    error.splice(2, 2, sum >> 8, sum & 255);
    host.send(Uint8Array.from([...header, ...error]));
    expect([one!.error, other!.error]).toEqual(['ENETUNREACH', null]);
  });

  it('MUST-54: is ignored unless it quotes a segment in flight', () => {
    const w = new Wire();
    const { conn, data } = inFlight(w);
    w.icmp(3, 1, data, data.seq + 100);
    expect(conn.softError).toBeNull();
    w.icmp(3, 1, data);
    expect(conn.softError).toBe('EHOSTUNREACH');
  });

  it('MUST-55: Source Quench is ignored', () => {
    const w = new Wire();
    const user = listener();
    const { conn, data } = inFlight(w, user);
    const { cwnd } = conn.snd.congestion;
    user.events = 0;
    const opening = w.stack.connect({ remote, remotePort: 1, user: nobody }, w.now);
    w.icmp(4, 0, w.take()[0]!);
    expect([opening.stateName, opening.softError], 'an attempt continues').toEqual([
      'SYN-SENT',
      null,
    ]);
    expect(w.icmp(4, 0, data)).toEqual([]);
    expect([conn.stateName, conn.softError, conn.snd.congestion.cwnd, user.events]).toEqual([
      'ESTABLISHED',
      null,
      cwnd,
      0,
    ]);
  });

  it.each([
    [3, 0],
    [3, 1],
    [3, 5],
    [11, 0],
    [12, 0],
  ])('MUST-56: type %i code %i ends no connection', (type, code) => {
    const w = new Wire();
    const { conn, data } = inFlight(w);
    w.icmp(type, code, data);
    expect([conn.stateName, conn.error]).toEqual(['ESTABLISHED', null]);
    const strict = new Wire({ profile: 'rfc' });
    const opening = strict.stack.connect({ remote, remotePort: 1, user: nobody }, strict.now);
    strict.icmp(type, code, strict.take()[0]!);
    expect([opening.stateName, opening.error], 'an attempt in profile rfc continues').toEqual([
      'SYN-SENT',
      null,
    ]);
  });

  it.each([
    [3, 0],
    [3, 1],
    [3, 5],
    [11, 0],
    [12, 0],
  ])(
    'MUST-56: type %i code %i does not end a half-open connection in profile rfc',
    (type, code) => {
      const w = new Wire({ profile: 'rfc' });
      w.listen();
      const [synAck] = w.tcp({ flags: SYN });
      w.icmp(type, code, synAck!);
      expect(w.stack.tcp.connectionCount).toBe(1);
      w.icmp(3, 3, synAck!);
      expect(w.stack.tcp.connectionCount, 'a hard error ends it').toBe(0);
    },
  );

  it.each([
    [3, 0, 'ENETUNREACH'],
    [3, 1, 'EHOSTUNREACH'],
    [3, 5, 'EOPNOTSUPP'],
    [11, 0, 'EHOSTUNREACH'],
    [11, 1, 'EHOSTUNREACH'],
    [12, 0, 'EPROTO'],
  ])('SHLD-25: type %i code %i is reported to the user as %s', (type, code, errno) => {
    const w = new Wire();
    const user = listener();
    const { conn, data } = inFlight(w, user);
    user.events = 0;
    w.icmp(type, code, data);
    expect([user.events, conn.softError]).toEqual([TcpEvent.softError, errno]);
  });

  it('MUST-47, SHLD-25: a soft error is reported to the user, with its kind', () => {
    const w = new Wire();
    const user = listener();
    const { conn, data } = inFlight(w, user);
    user.events = 0;
    w.icmp(3, 0, data);
    expect(user.events & TcpEvent.softError).not.toBe(0);
    expect(conn.softError).toBe('ENETUNREACH');
  });

  it('SHLD-20: reports of soft errors can be switched off', () => {
    const w = new Wire();
    const user = listener();
    const { conn, data } = inFlight(w, user);
    user.events = 0;
    conn.setSoftErrorReports(false);
    w.icmp(3, 0, data);
    expect([user.events, conn.softError]).toEqual([0, 'ENETUNREACH']);
    conn.setSoftErrorReports(true);
    w.icmp(3, 1, data);
    expect(user.events).toBe(TcpEvent.softError);
  });

  it.each([2, 3])(
    'SHLD-26: unreachable code %i ends an attempt, but no established connection (RFC 5927 section 5.2)',
    (code) => {
      const strict = new Wire({ profile: 'rfc' });
      const opening = strict.stack.connect({ remote, remotePort: 1, user: nobody }, strict.now);
      strict.icmp(3, code, strict.take()[0]!);
      expect(opening.stateName).toBe('CLOSED');
      const w = new Wire();
      const { conn, data } = inFlight(w);
      w.icmp(3, code, data);
      expect(conn.stateName).toBe('ESTABLISHED');
    },
  );
});

describe('the time to live', () => {
  it.each([1, 64, 255])(
    'MUST-49: of the segments of a connection is the one of its entry: %i',
    (ttl) => {
      const w = new Wire();
      const conn = w.stack.connect({ remote, remotePort: 1, user: nobody }, w.now);
      const entry = entryOf(conn);
      expect(entry.ttl, 'by default').toBe(64);
      entry.ttl = ttl;
      expect(w.take().map((x) => x.ttl)).toEqual([ttl]);
      expect(
        w.wait(SECOND).map((x) => x.ttl),
        'also when it is retransmitted',
      ).toEqual([ttl]);
    },
  );
});

describe('the configured time to live', () => {
  it('MUST-49: is in all segments, also in those sent without a connection', () => {
    const ttl = 7;
    const w = new Wire({ config: { ttl } });
    const accepted = w.listen();
    w.stack.connect({ remote, remotePort: 1, user: nobody }, w.now);
    const out = w.take();
    const synAck = w.open();
    accepted[0]!.shutdown(w.now);
    w.stack.wake(accepted[0]!);
    out.push(synAck, ...w.take());
    for (let i = 0; i < 2; i++)
      out.push(...w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 2 }));
    out.push(...w.tcp({ flags: SYN, dport: 81 }));
    expect(out.map((x) => x.flags)).toEqual([SYN, SYN | ACK, ACK | FIN, ACK, ACK, RST | ACK]);
    expect(out.map((x) => x.ttl)).toEqual(out.map(() => ttl));
  });

  it("MUST-49: a listener's connections and SYN cookies have the listener's time to live", () => {
    for (const synCookies of [0, 2] as const) {
      const w = new Wire({ config: { synCookies } });
      w.stack.listen({ port: 80, config: { ttl: 9 }, user: { tcpAccept: () => true } });
      expect(w.tcp({ flags: SYN })).toMatchObject([{ flags: SYN | ACK, ttl: 9 }]);
    }
  });
});

describe('the MSS option', () => {
  const mssOf = (x: Out): number | null => {
    const at = x.options.indexOf(2);
    return at < 0 ? null : x.options[at + 2]! * 256 + x.options[at + 3]!;
  };

  it.each([576, 1500, 9000])(
    'MUST-67: is a datagram of %i bytes less the headers, in SYN and SYN,ACK',
    (mtu) => {
      const w = new Wire({ mtu });
      w.listen();
      w.stack.connect({ remote, remotePort: 1, user: nobody }, w.now);
      const [syn] = w.take();
      const [synAck] = w.tcp({ flags: SYN });
      expect([mssOf(syn!), mssOf(synAck!)]).toEqual([mtu - 40, mtu - 40]);
    },
  );

  it('MUST-67: accounts for the longer header of IPv6', () => {
    const host = new RawHost(1500);
    host.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    const [reply] = host.send(buildPacket({ version: 6, flags: SYN }));
    expect([...reply!.payload.slice(20, 24)]).toEqual([2, 4, 1440 >> 8, 1440 & 255]);
  });

  it('SHLD-5, MAY-3: is in every SYN,ACK, also in a SYN cookie', () => {
    for (const synCookies of [0, 2] as const) {
      const w = new Wire({ config: { synCookies }, mtu: 576 });
      w.listen();
      expect(w.tcp({ flags: SYN }).map(mssOf)).toEqual([536]);
    }
  });

  it('MUST-65: is in no RST and in no ACK from TIME-WAIT', () => {
    const { w, accepted, synAck } = inFinWait1();
    w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 2 });
    const out = w.tcp({ flags: ACK | FIN, seq: 101, ack: synAck.seq + 2 });
    out.push(...w.tcp({ flags: ACK, dport: 81 }), ...w.tcp({ flags: SYN, dport: 81 }));
    w.open({ sport: 50_001 });
    accepted[1]!.abort(w.now);
    w.stack.wake(accepted[1]!);
    out.push(...w.take());
    expect(out.map((x) => x.flags)).toEqual([ACK, RST, RST | ACK, RST | ACK]);
    expect(out.map(mssOf)).toEqual([null, null, null, null]);
  });
});

describe('a batch of segments', () => {
  it('MUST-59: is processed completely, for every connection, before an ACK is sent', () => {
    const w = new Wire();
    w.listen();
    const first = w.open();
    const second = w.open({ sport: 50_001 });
    const bytes = Array<number>(100).fill(1);
    const data = (sport: number, synAck: Out, n: number): Parameters<Wire['tcp']>[0] => ({
      sport,
      flags: ACK,
      seq: 101 + 100 * n,
      ack: synAck.seq + 1,
      payload: bytes,
    });
    const out = w.batch(
      ...[0, 1, 2].flatMap((n) => [data(50_000, first, n), data(50_001, second, n)]),
    );
    expect(out.map((x) => [x.dport, x.ack])).toEqual([
      [50_000, 401],
      [50_001, 401],
    ]);
  });
});

describe('addresses of incoming packets', () => {
  it('MUST-50: a SYN with IP options is accepted', () => {
    const w = new Wire();
    w.listen();
    // An unknown option, and a record route with no room left.
    expect(w.tcp({ flags: SYN, ipOptions: [0x9e, 4, 1, 2, 7, 3, 4, 0] })).toMatchObject([
      { flags: SYN | ACK },
    ]);
  });

  it.each([
    ['broadcast', '255.255.255.255'],
    ['broadcast', '198.18.0.255'],
    ['multicast', '224.0.0.1'],
    ['multicast', '239.1.2.3'],
  ])('MUST-57: a SYN to the %s address %s is dropped silently', (_kind, to) => {
    const w = new Wire();
    w.listen();
    expect(w.tcp({ flags: SYN, to })).toEqual([]);
    expect(w.tcp({ flags: SYN, to, dport: 81 }), 'no RST without a listener').toEqual([]);
    expect(Object.values(w.stack.dropsByName())).toEqual([2]);
    expect(w.stack.tcp.connectionCount).toBe(0);
  });

  it('MUST-57: a SYN to an IPv6 multicast group is dropped silently', () => {
    const host = new RawHost();
    host.stack.listen({ port: 80, user: { tcpAccept: () => true } });
    expect(
      host.send(withAddresses(buildPacket({ version: 6, flags: SYN }), null, 'ff02::1')),
    ).toEqual([]);
    expect(host.drops).toEqual({ tcpToMulticast: 1 });
  });

  it.each(['::', '::1', 'ff02::2', '::ffff:198.18.0.1', 'fd74:6370:6c61:62::2'])(
    'MUST-63: in IPv6 a SYN from %s is ignored',
    (from) => {
      const host = new RawHost();
      host.stack.listen({ port: 80, user: { tcpAccept: () => true } });
      expect(host.send(withAddresses(buildPacket({ version: 6, flags: SYN }), from, null))).toEqual(
        [],
      );
      expect(host.drops).toEqual({ ipBadSource: 1 });
    },
  );

  it.each(['255.255.255.255', '198.18.0.255', '224.0.0.1', '0.0.0.0', '127.0.0.1', US])(
    'MUST-63: a SYN from %s, which is not a valid address of another host, is ignored',
    (from) => {
      const w = new Wire();
      w.listen();
      expect(w.tcp({ flags: SYN, from })).toEqual([]);
      expect(w.stack.dropsByName()).toEqual({ ipBadSource: 1 });
    },
  );
});
