/**
 * Each kind of memory has a bound. At the bound the oldest or least useful entry is evicted, or the
 * new one is refused, as docs/robustness.md says. A named counter counts it, and other connections
 * are not affected.
 */
import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../src/base/time.js';
import { DEFAULT_REASSEMBLY } from '../../src/ip/reassembly.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, FIN, type Out, RST, SYN, US, Wire } from '../requirements/wire.js';
import { ipv4 } from '../wire/build.js';

const OTHER = '198.18.0.99';
const bytes = (n: number): number[] => new Array<number>(n).fill(7);

/** A peer whose packets are built byte by byte, and our end of its connection. */
interface Peer {
  readonly conn: Connection;
  readonly sport: number;
  send(offset: number, length: number): Out[];
  /** An ACK up to `ack` of our sequence numbers, by default of all data sent, with this window. */
  ack(ack: number, wnd?: number): Out[];
  readonly iss: number;
}

/** A listener on `dport`, and a way to connect to it. */
function peers(w: Wire, dport = 80): (sport: number, from?: string) => Peer {
  const accepted = w.listen({ tcpEvents: () => undefined }, dport);
  return (sport, from = '198.18.0.1') => {
    const synAck = w.open({ sport, dport, from });
    const iss = synAck.seq + 1;
    const conn = accepted.at(-1)!;
    const to = { sport, dport, from };
    return {
      conn,
      sport,
      iss,
      send: (offset, n) =>
        w.tcp({ ...to, flags: ACK, seq: 101 + offset, ack: iss, payload: bytes(n) }),
      ack: (ack, wnd = 65_535) =>
        w.tcp({ ...to, flags: ACK, seq: conn.rcv.nxt, ack: iss + ack, wnd }),
    };
  };
}

/** Another connection, opened before the limit is reached; data must still flow both ways after. */
function bystander(w: Wire): () => void {
  const { conn, send, ack } = peers(w, 443)(1, OTHER);
  return () => {
    const said = send(0, 5);
    expect(conn.receive(), 'to another connection').toHaveLength(5);
    conn.send(Uint8Array.from([1, 2, 3]));
    w.stack.wake(conn);
    const answers = [...said, ...w.take()].filter((o) => o.to === OTHER);
    expect(
      answers.flatMap((o) => o.payload),
      'from another connection',
    ).toEqual([1, 2, 3]);
    ack(3);
  };
}

describe('the buffers of one connection', () => {
  it('receive (SO_RCVBUF): data beyond the window is dropped; there is room again when the user reads', () => {
    const w = new Wire({ config: { receiveBufferBytes: 10_000 } });
    const others = bystander(w);
    const { conn, send } = peers(w)(1);
    for (let i = 0; i < 20; i++) send(i * 1000, 1000);
    expect(conn.receiveQueued).toBe(10_000);
    // A segment at RCV.NXT is acceptable, although its text is not accepted (MUST-66).
    expect(w.stack.dropsByName()).toEqual({ tcpBeyondWindow: 1, tcpUnacceptable: 9 });
    others();
    while (conn.receive() !== null);
    w.stack.wake(conn);
    w.take(); // the window opens
    send(10_000, 1000);
    expect(conn.receiveQueued).toBe(1000);
  });

  it('send (SO_SNDBUF): accepts no more; the user gets an event when there is room', () => {
    const w = new Wire({ config: { sendBufferBytes: 10_000, initialWindow: 2 } });
    const others = bystander(w);
    const { conn, ack } = peers(w)(1);
    const taken = conn.send(new Uint8Array(100_000));
    expect([taken, conn.send(new Uint8Array(1)), conn.sendRoom]).toEqual([10_000, 0, 0]);
    w.stack.wake(conn);
    w.take();
    expect(conn.memory.held).toBeLessThanOrEqual(16_384 + conn.snd.sent.memory);
    others();
    let writable = false;
    conn.user = { tcpEvents: (_, events) => (writable ||= (events & 4) !== 0) };
    for (let n = 1; n <= 10 && !writable; n++) ack(n * 1000);
    expect([writable, conn.sendRoom > 0]).toEqual([true, true]);
  });

  it('out of order (outOfOrderPieces): the farthest data is evicted, and missing data is still accepted', () => {
    const w = new Wire({ config: { outOfOrderPieces: 16 } });
    const others = bystander(w);
    const { conn, send } = peers(w)(1);
    for (let i = 40; i > 0; i--) send(i * 1400, 700); // each between two holes
    expect(conn.rcv.outOfOrder.pieceCount).toBeLessThanOrEqual(16);
    expect(w.stack.counters.TcpExtOfoPruned).toBeGreaterThan(0);
    others();
    // The nearest pieces are kept: filling the holes between them delivers their data.
    for (let i = 0; i < 4; i++) send(i * 1400 + (i === 0 ? 0 : 700), i === 0 ? 1400 : 700);
    expect(conn.receiveQueued).toBe(4 * 1400 + 700);
  });

  it('out of order: at the limit data beyond all queued data is dropped with a reason', () => {
    const w = new Wire({ config: { outOfOrderPieces: 16 } });
    const others = bystander(w);
    const { conn, send } = peers(w)(1);
    for (let i = 1; i <= 40; i++) send(i * 1400, 700);
    expect(conn.rcv.outOfOrder.pieceCount).toBeLessThanOrEqual(16);
    expect(w.stack.dropsByName()['tcpOutOfOrderLimit']).toBeGreaterThan(0);
    others();
  });
});

describe('the buffers of all connections together (tcp_mem)', () => {
  const memory = { low: 60_000, pressure: 80_000, high: 100_000 };

  it('received: beyond `high` only the data that a connection needs to continue is accepted', () => {
    const w = new Wire({ config: { memory } });
    const others = bystander(w);
    const open = peers(w);
    const all = Array.from({ length: 30 }, (_, i) => open(i + 1));
    for (let i = 0; i < 10; i++) for (const { send } of all) send(i * 1000, 1000);
    const { env } = w.stack.tcp;
    expect(env.memory.allocated).toBeLessThanOrEqual(memory.high + all.length * 1000);
    const { TcpExtTCPMemoryPressures, TcpExtRcvPruned } = w.stack.counters;
    expect([TcpExtTCPMemoryPressures, TcpExtRcvPruned]).toEqual([
      1,
      w.stack.dropsByName()['tcpMemory'],
    ]);
    expect(TcpExtRcvPruned).toBeGreaterThan(100);
    others();
    for (const { conn } of all) conn.abort(w.now);
    expect([env.memory.allocated, env.memory.isPressed]).toEqual([0, false]);
  });

  it('out-of-order data is evicted first, because it may be discarded', () => {
    const w = new Wire({ config: { memory } });
    const others = bystander(w);
    const open = peers(w);
    const hole = open(1);
    for (let i = 1; i < 30; i++) hole.send(i * 1000, 1000);
    const rest = Array.from({ length: 20 }, (_, i) => open(i + 2));
    for (let i = 0; i < 5; i++) for (const { send } of rest) send(i * 1000, 1000);
    hole.send(0, 1000); // in order, and no room
    expect([hole.conn.receiveQueued, hole.conn.rcv.outOfOrder.bytes]).toEqual([1000, 0]);
    expect(w.stack.counters.TcpExtOfoPruned).toBe(1);
    others();
  });

  it('to send: beyond `high` each writer gets at most tcp_wmem[0]', () => {
    const w = new Wire({ config: { memory } });
    const others = bystander(w);
    const open = peers(w);
    const all = Array.from({ length: 60 }, (_, i) => open(i + 1));
    for (const { conn } of all) conn.send(new Uint8Array(50_000));
    const { env } = w.stack.tcp;
    expect(env.memory.allocated).toBeLessThanOrEqual(memory.high + all.length * 4096);
    expect(w.stack.counters.TcpExtTCPMemoryPressures).toBe(1);
    others();
  });
});

describe('connections before ACCEPT', () => {
  it('half-open (maxHalfOpen): the new one gets a SYN cookie, which needs no memory', () => {
    const w = new Wire({ config: { maxHalfOpen: 6 } });
    const others = bystander(w);
    w.listen();
    for (let sport = 1; sport <= 50; sport++) expect(w.tcp({ flags: SYN, sport })).toHaveLength(1);
    expect([w.stack.tcp.connectionCount, w.stack.counters.TcplabHalfOpenLimit]).toEqual([7, 44]);
    others();
  });

  it('half-open without cookies: the new one is dropped with a reason; the oldest ones expire', () => {
    const w = new Wire({ config: { maxHalfOpen: 6, synCookies: 0 } });
    const others = bystander(w);
    w.listen();
    for (let sport = 1; sport <= 50; sport++) w.tcp({ flags: SYN, sport });
    expect([w.stack.tcp.connectionCount, w.stack.dropsByName()]).toEqual([
      7,
      { tcpHalfOpenLimit: 44 },
    ]);
    others();
    w.wait(2 * MINUTE);
    expect(w.tcp({ flags: SYN, sport: 99 })).toMatchObject([{ flags: SYN | ACK }]);
  });

  it('established and not accepted (the backlog): the handshake of the new one is not completed', () => {
    const w = new Wire();
    const others = bystander(w);
    w.stack.listen({ port: 80, backlog: 3, user: { tcpAccept: () => false } });
    for (let sport = 1; sport <= 20; sport++)
      w.tcp({ flags: SYN, sport, seq: 1 }).forEach((o) =>
        w.tcp({ flags: ACK, sport, seq: 2, ack: o.seq + 1 }),
      );
    expect(w.stack.counters.TcpExtListenOverflows).toBe(16);
    expect(w.stack.dropsByName()).toEqual({ tcpListenOverflow: 16 });
    others();
  });
});

describe('connections without a user (orphans, TIME-WAIT)', () => {
  /** Our side closes first, and the peer agrees. */
  const end = (w: Wire, { conn, sport, iss }: Peer): void => {
    conn.release(w.now);
    w.stack.wake(conn);
    w.take();
    w.tcp({ sport, flags: FIN | ACK, seq: 101, ack: iss + 1 });
  };

  it('TIME-WAIT (timeWaitLimit): the oldest is evicted', () => {
    const w = new Wire({ timeWaitLimit: 3 });
    const others = bystander(w);
    const open = peers(w);
    const all = [1, 2, 3, 4, 5].map((sport) => open(sport));
    for (const peer of all) end(w, peer);
    expect([w.stack.tcp.timeWait.size, w.stack.counters.TcpExtTCPTimeWaitOverflow]).toEqual([3, 2]);
    // A retransmitted FIN: a connection still in the table gets an ACK, an evicted one a RST.
    const answers = all.map(
      ({ sport, iss }) => w.tcp({ sport, flags: FIN | ACK, seq: 101, ack: iss + 1 })[0]!.flags,
    );
    expect(answers).toEqual([RST, RST, ACK, ACK, ACK]);
    others();
  });

  /** An orphan with data for which the peer has no window. */
  const stuck = (w: Wire, peer: Peer): Out[] => {
    peer.ack(0, 0);
    peer.conn.send(new Uint8Array(5000));
    peer.conn.release(w.now);
    w.stack.wake(peer.conn);
    return w.take();
  };
  /** Probes are sent and answered with a zero window for this time. */
  const keepShut = (w: Wire, all: Peer[], time: number): Out[] => {
    const out: Out[] = [];
    for (const until = w.now + time; w.now < until;) {
      const now = w.wait(SECOND / 2);
      out.push(...now);
      for (const o of now)
        if (o.flags === ACK) all.find(({ sport }) => sport === o.dport)?.ack(0, 0);
    }
    return out;
  };

  it('orphans (tcp_max_orphans): the new one is reset', () => {
    const w = new Wire({ config: { maxOrphans: 3 } });
    const others = bystander(w);
    const open = peers(w);
    const all = [1, 2, 3, 4, 5].map((sport) => open(sport));
    const resets = all.map((peer) => stuck(w, peer).filter((o) => (o.flags & RST) !== 0).length);
    expect([resets, w.stack.counters.TcpExtTCPAbortOnMemory]).toEqual([[0, 0, 0, 1, 1], 2]);
    others();
  });

  it('orphans: from half of the limit on, those whose peer keeps its window at zero are evicted, and not before', () => {
    // Enough probes that none ends before by itself (tcp_orphan_retries).
    const w = new Wire({ config: { maxOrphans: 8, finTimeout: 60 * MINUTE, orphanRetries: 255 } });
    const others = bystander(w);
    const open = peers(w);
    const all = [1, 2, 3, 4].map((sport) => open(sport));
    for (const peer of all) stuck(w, peer);
    keepShut(w, all, 10 * MINUTE);
    expect([w.stack.tcp.env.memory.orphans, w.stack.counters.TcpExtTCPAbortOnMemory]).toEqual([
      4, 0,
    ]);
    // One more, whose peer accepts all data and has only not closed yet: it stays.
    const fifth = open(5);
    fifth.conn.release(w.now);
    w.stack.wake(fifth.conn);
    w.take();
    fifth.ack(1);
    const out = keepShut(w, all, 5 * MINUTE);
    expect(out.filter((o) => (o.flags & RST) !== 0).length).toBe(
      w.stack.counters.TcpExtTCPAbortOnMemory,
    );
    expect([w.stack.counters.TcpExtTCPAbortOnMemory, fifth.conn.stateName]).toEqual([
      1,
      'FIN-WAIT-2',
    ]);
    expect(w.stack.tcp.env.memory.orphans).toBe(4);
    others();
  });

  it('the count of orphans decreases for every kind of end', () => {
    const w = new Wire();
    const open = peers(w);
    const { memory } = w.stack.tcp.env;
    const all = [1, 2, 3, 4].map((sport) => open(sport));
    end(w, all[0]!); // a normal close
    stuck(w, all[1]!);
    expect(memory.orphans).toBe(1);
    w.tcp({ sport: 2, flags: RST, seq: 101 });
    expect(memory.orphans).toBe(0);
    stuck(w, all[2]!);
    all[2]!.conn.abort(w.now);
    stuck(w, all[3]!); // its peer vanishes
    all[3]!.conn.release(w.now); // a second release counts only once
    expect(memory.orphans).toBe(1);
    w.wait(60 * MINUTE);
    expect([memory.orphans, memory.allocated, w.stack.tcp.connectionCount]).toEqual([0, 0, 0]);
  });
});

describe('fragments (reassembly)', () => {
  const fragment = (id: number, offset: number, more: boolean): number[] => [
    ...ipv4({
      id,
      source: [198, 18, 0, 100 + id],
      destination: US.split('.').map(Number),
      protocol: 253, // unknown protocol: a complete datagram gets an ICMP error
      payload: bytes(more ? 1024 : 8),
      fragment: (offset >> 3) | (more ? 0x2000 : 0),
    }),
  ];

  it('of datagrams: the oldest is evicted', () => {
    const w = new Wire({ reassembly: { ...DEFAULT_REASSEMBLY, datagrams: 3 } });
    const others = bystander(w);
    for (let id = 1; id <= 5; id++) w.raw(fragment(id, 0, true));
    expect(w.stack.dropsByName()).toEqual({ fragmentLimit: 2 });
    others();
    // The fifth is still there: it is complete now.
    expect(w.raw(fragment(5, 1024, false))).toMatchObject([{ protocol: 1, to: '198.18.0.105' }]);
    expect(w.raw(fragment(1, 1024, false))).toEqual([]);
  });

  it('of bytes: the oldest is evicted', () => {
    const w = new Wire({ reassembly: { ...DEFAULT_REASSEMBLY, bytes: 10_000 } });
    const others = bystander(w);
    for (let id = 1; id <= 20; id++) w.raw(fragment(id, 0, true));
    expect(w.stack.dropsByName()['fragmentLimit']).toBeGreaterThan(10);
    others();
    expect(w.raw(fragment(20, 1024, false))).toMatchObject([{ protocol: 1 }]);
  });
});
