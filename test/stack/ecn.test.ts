/** Two stacks with a router between them that marks packets instead of dropping them (RFC 3168). */
import { describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../src/base/time.js';
import { NO_IMPAIRMENTS } from '../../src/device/link/link-options.js';
import { exchange, Hosts } from './hosts.js';

const congested = { ...NO_IMPAIRMENTS, mark: 0.02, delay: 10 * MILLISECOND };

describe.each([4, 6] as const)('ECN from end to end over IPv%i', (version) => {
  it('makes the senders slow down, and no data is lost', () => {
    const h = new Hosts({
      offload: true,
      link: { in: congested, out: congested },
      config: { ecn: 1 },
    });
    const { client, server } = exchange(h, 2_000_000, 2_000_000, version);
    h.settle();
    expect([client.received, server.received, client.error, server.error]).toEqual([
      2_000_000,
      2_000_000,
      null,
      null,
    ]);
    const { in: inbound, out } = h.link!;
    // SYN, SYN,ACK, bare ACKs and FIN are not ECN-capable, so a router drops them.
    for (const [lane, stack] of [
      [inbound, h.b],
      [out, h.a],
    ] as const) {
      expect(lane.counters.marked).toBeGreaterThan(5);
      expect(stack.counters.IpExtInCEPkts).toBe(lane.counters.marked);
      expect(stack.counters.IpExtInECT0Pkts).toBeGreaterThan(500);
      expect(stack.counters.IpExtInECT1Pkts).toBe(0);
      expect(stack.counters.TcpExtTCPFastRetrans).toBe(0);
      expect(
        stack.counters.IpExtInNoECTPkts +
          stack.counters.IpExtInECT0Pkts +
          stack.counters.IpExtInCEPkts,
      ).toBe(lane.counters.delivered);
    }
  });

  it('survives a SYN cookie, in a bit of the timestamp', () => {
    const h = new Hosts({ config: { ecn: 1, synCookies: 2 } });
    const { client, server } = exchange(h, 50_000, 50_000, version);
    h.settle();
    expect([client.received, server.received]).toEqual([50_000, 50_000]);
    expect(h.b.counters.TcpExtSyncookiesRecv).toBe(1);
    expect([h.a.counters.IpExtInECT0Pkts, h.b.counters.IpExtInECT0Pkts].every((n) => n > 20)).toBe(
      true,
    );
  });

  it('is not used without a request, so that the router drops instead of marking', () => {
    const h = new Hosts({ offload: true, link: { in: congested, out: congested } });
    const { client, server } = exchange(h, 500_000, 500_000, version);
    h.settle();
    expect([client.received, server.received]).toEqual([500_000, 500_000]);
    expect(h.link!.in.counters.marked + h.link!.out.counters.marked).toBe(0);
    expect(h.a.counters.IpExtInECT0Pkts + h.b.counters.IpExtInECT0Pkts).toBe(0);
    expect(h.a.counters.TcpRetransSegs + h.b.counters.TcpRetransSegs).toBeGreaterThan(5);
  });
});
