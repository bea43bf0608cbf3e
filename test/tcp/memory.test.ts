import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../src/base/time.js';
import { TcpCounters } from '../../src/tcp/counters.js';
import { MemoryShare, TcpMemory } from '../../src/tcp/memory.js';
import { exchange, Hosts } from '../stack/hosts.js';
import { pattern, Peer } from './peer.js';

const limits = { low: 60_000, pressure: 80_000, high: 100_000 };
const data = (s: Peer, seq: number, len = 1000): string[] => {
  const drops = s.drops.length;
  s.send({ flags: '.', seq, ack: 1, len });
  return s.drops.slice(drops);
};
/** Another connection that uses this much memory. */
function other(s: Peer, bytes: number): MemoryShare {
  const share = new MemoryShare(s.env.memory, 4096, 4096);
  share.settle(bytes);
  return share;
}

describe('the memory of a stack (tcp_mem)', () => {
  it('pressure begins above the second limit and ends below the first', () => {
    const counters = new TcpCounters();
    const all = new TcpMemory(limits, counters);
    const one = new MemoryShare(all, 4096, 4096);
    one.settle(80_000);
    expect(all.isPressed).toBe(false);
    one.settle(80_001);
    expect(all.isPressed).toBe(true);
    one.settle(60_001);
    expect(all.isPressed).toBe(true);
    one.settle(60_000);
    expect(all.isPressed).toBe(false);
    one.settle(90_000);
    expect(counters.TcpExtTCPMemoryPressures).toBe(2);
  });

  it('under pressure a connection may grow up to its fair share, but not beyond', () => {
    const all = new TcpMemory(limits, new TcpCounters());
    const rich = new MemoryShare(all, 4096, 4096);
    const poor = new MemoryShare(all, 4096, 4096);
    rich.settle(82_000);
    poor.settle(5000);
    expect([rich.mayReceive(1000), poor.mayReceive(1000), poor.maySend(1000)]).toEqual([
      false,
      true,
      true,
    ]);
    expect(poor.mayReceive(20_000), 'beyond the hard limit').toBe(false);
  });

  it('data in order is dropped if other data is queued before it, and accepted otherwise', () => {
    const s = Peer.established({ config: { memory: limits } });
    other(s, 99_500);
    expect(data(s, 1)).toEqual([]);
    expect(data(s, 1001)).toEqual(['tcpMemory']);
    expect(s.last).toMatchObject({ flags: '.', ack: 1001 });
    expect(s.env.counters.TcpExtTCPRcvQDrop).toBe(1);
    s.read();
    expect(data(s, 1001)).toEqual([]);
  });

  it('out-of-order data is evicted first', () => {
    const s = Peer.established({ config: { memory: limits } });
    data(s, 1);
    data(s, 2001);
    data(s, 3001);
    const rest = other(s, 96_000);
    expect(data(s, 4001)).toEqual(['tcpMemory']);
    expect(data(s, 1001)).toEqual([]); // fills the hole and evicts the data beyond it
    expect(s.env.counters.TcpExtOfoPruned).toBe(1);
    expect(s.conn.rcv.outOfOrder.isEmpty).toBe(true);
    rest.settle(0);
    expect(data(s, 2001)).toEqual([]);
    s.read();
    expect(s.readBytes).toEqual(pattern(3000));
  });

  it('under pressure the window does not grow', () => {
    const s = Peer.established({ config: { memory: limits } });
    other(s, 85_000);
    const edge = s.conn.rcv.window.edge;
    for (let i = 0; i < 20; i++) {
      data(s, 1 + 1000 * i);
      s.read();
    }
    expect(s.conn.rcv.window.edge).toBe(edge);
  });

  it('a writer waits, and gets an event when its data is acknowledged', () => {
    const s = Peer.established({ config: { memory: limits } });
    const rest = other(s, 99_000);
    expect(s.conn.send(pattern(20_000)), 'tcp_wmem[0] is always allowed').toBe(4096);
    s.poll();
    expect(s.conn.send(pattern(20_000))).toBe(0);
    rest.settle(0);
    s.takeEvents();
    s.send({ flags: '.', seq: 1, ack: 4097 });
    expect(s.takeEvents()).toContain('writable');
    expect(s.conn.send(pattern(20_000))).toBeGreaterThan(4096);
  });

  it('closing with unsent data beyond the hard limit resets', () => {
    const s = Peer.established({ config: { memory: limits } });
    s.write(100);
    other(s, 100_000);
    expect(s.release()).toMatchObject([{ flags: 'R.' }]);
    expect(s.env.counters.TcpExtTCPAbortOnMemory).toBe(1);
  });

  it('returns to 0 after any history of a connection: seed 20261123', () => {
    const step = fc.oneof(
      fc.record({
        what: fc.constant('data' as const),
        at: fc.integer({ min: 0, max: 40 }),
        len: fc.integer({ min: 1, max: 1460 }),
      }),
      fc.record({
        what: fc.constantFrom('read' as const, 'write' as const, 'ack' as const, 'wait' as const),
      }),
    );
    const end = fc.constantFrom('reset', 'release', 'abort', 'fin');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), end, (steps, how) => {
        const s = Peer.established({
          config: { memory: { low: 5000, pressure: 10_000, high: 20_000 } },
        });
        const ack = (): number => (s.conn.snd.nxt - s.conn.iss) | 0;
        for (const x of steps) {
          if (x.what === 'data') s.send({ flags: '.', seq: 1 + 500 * x.at, ack: 1, len: x.len });
          else if (x.what === 'read') s.read();
          else if (x.what === 'write') s.write(3000);
          else if (x.what === 'ack') s.send({ flags: '.', seq: 1, ack: ack() });
          else s.wait(50 * MILLISECOND);
        }
        if (how === 'reset') s.send({ flags: 'R', seq: (s.conn.rcv.nxt - (s.peerIss | 0)) | 0 });
        else if (how === 'fin')
          s.send({ flags: 'F.', seq: (s.conn.rcv.nxt - (s.peerIss | 0)) | 0, ack: ack() });
        if (how === 'abort') s.abort();
        else s.release();
        if (s.state !== 'CLOSED') s.abort();
        expect([s.env.memory.allocated, s.env.memory.holders]).toEqual([0, 0]);
      }),
      { seed: 20261123, numRuns: 300 },
    );
  });

  it('a transfer both ways completes with little memory, and releases all of it', () => {
    const h = new Hosts({
      config: {
        memory: { low: 20_000, pressure: 30_000, high: 40_000 },
        congestionControl: 'reno',
      },
    });
    const x = exchange(h, 300_000, 300_000);
    h.settle();
    expect([x.client.received, x.server.received]).toEqual([300_000, 300_000]);
    for (const stack of [h.a, h.b]) {
      x.client.conn!.release(h.time.now);
      x.server.conn!.release(h.time.now);
      expect(stack.tcp.env.memory.allocated).toBe(0);
    }
  });
});
