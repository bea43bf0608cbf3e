import { describe, expect, it } from 'vitest';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { exchange, Hosts } from './hosts.js';

describe('a transfer between two stacks', () => {
  for (const version of [4, 6] as const) {
    for (const offload of [false, true]) {
      for (const mtu of [1280, 1500, 9000]) {
        it(`arrives intact both ways over IPv${version}, MTU ${mtu}, offloads ${offload ? 'on' : 'off'}`, () => {
          const h = new Hosts({ offload, mtu });
          const { client, server } = exchange(h, 300_000, 500_000, version);
          h.settle();
          expect([client.received, server.received]).toEqual([500_000, 300_000]);
          expect([client.closed, server.closed, client.error, server.error]).toEqual([
            true,
            true,
            null,
            null,
          ]);
          expect(h.a.tcp.connectionCount + h.b.tcp.connectionCount).toBe(0);
          // On both sides a super-segment counts as the segments on the wire.
          expect(h.b.counters.TcpInSegs).toBe(h.a.counters.TcpOutSegs);
          expect(h.a.counters.TcpInSegs).toBe(h.b.counters.TcpOutSegs);
          expect(h.a.counters.TcpInSegs).toBeGreaterThan(500_000 / mtu);
          expect(h.a.tcp.timeWait.size + h.b.tcp.timeWait.size).toBe(0);
          expect(h.a.dropsByName()).toEqual({});
          expect(h.b.dropsByName()).toEqual({});
          expect(h.a.tcp.env.pool.lent + h.b.tcp.env.pool.lent).toBe(0);
        });
      }
    }
  }

  it('arrives intact over a bad link', () => {
    const bad = {
      ...NO_IMPAIRMENTS,
      loss: 0.2,
      reorder: 0.2,
      duplicate: 0.05,
      corrupt: 0.01,
      delay: 5000,
    };
    const h = new Hosts({
      offload: true,
      link: { in: bad, out: bad },
      config: { retries2: Infinity, synAckRetries: 50, synRetries: 50 },
    });
    const { client, server } = exchange(h, 200_000, 200_000);
    h.settle();
    expect([client.received, server.received]).toEqual([200_000, 200_000]);
  });
});
