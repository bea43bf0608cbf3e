/** TIME-WAIT: assassination (RFC 1337), and floods of closed connections. */
import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../src/base/time.js';
import type { Connection } from '../../src/tcp/connection.js';
import type { StackOptions } from '../../src/stack/stack.js';
import { ACK, FIN, RST, Wire } from '../requirements/wire.js';

/**
 * Closes first, so that the connection from `sport` is in TIME-WAIT. Returns SND.NXT; RCV.NXT is
 * 102.
 */
function timeWait(w: Wire, accepted: Connection[], sport: number, from?: string): number {
  const peer = from === undefined ? { sport } : { sport, from };
  const { seq } = w.open(peer);
  const conn = accepted.at(-1)!;
  conn.shutdown(w.now);
  w.stack.wake(conn);
  w.take();
  w.tcp({ ...peer, flags: ACK | FIN, seq: 101, ack: seq + 2 });
  return seq + 2;
}

function listening(o: Partial<StackOptions> = {}): { w: Wire; accepted: Connection[] } {
  const w = new Wire(o);
  return { w, accepted: w.listen() };
}

describe('TIME-WAIT assassination (RFC 1337)', () => {
  it.each([
    ['linux', undefined, 0],
    ['linux', true, 1],
    ['rfc', undefined, 1],
    ['rfc', false, 0],
  ] as const)(
    'ATK-14: profile %s, tcp_rfc1337 %s: after a RST at RCV.NXT %i connections remain',
    (profile, rfc1337, left) => {
      const config = rfc1337 === undefined ? {} : { rfc1337 };
      const { w, accepted } = listening({ profile: profile, config });
      timeWait(w, accepted, 1000);
      expect(w.tcp({ flags: RST, sport: 1000, seq: 102 })).toEqual([]);
      expect(w.stack.tcp.timeWait.size).toBe(left);
    },
  );

  it("RFC 1337's figure 1: an old duplicate is acknowledged, the closed peer answers with a RST, and TIME-WAIT stays", () => {
    const { w, accepted } = listening({ profile: 'rfc' });
    const nxt = timeWait(w, accepted, 1000);
    const [ack] = w.tcp({ flags: ACK, sport: 1000, seq: 101, ack: nxt, payload: [1] });
    expect(ack).toMatchObject({ flags: ACK, seq: nxt, ack: 102 });
    // <SEQ=SEG.ACK><CTL=RST>
    w.tcp({ flags: RST, sport: 1000, seq: ack!.ack });
    w.wait(8 * MINUTE - SECOND - 4 * MINUTE);
    expect(w.stack.tcp.timeWait.size).toBe(1);
    w.wait(4 * MINUTE);
    expect(w.stack.tcp.timeWait.size).toBe(0);
  });
});

describe('one host in TIME-WAIT', () => {
  it('ATK-21: has a limited share: further connections skip TIME-WAIT and are counted, and other hosts are not affected', () => {
    const { w, accepted } = listening({ config: { maxTimeWaitPerHost: 3 } });
    for (let i = 0; i < 5; i++) timeWait(w, accepted, 1000 + i);
    expect([w.stack.tcp.timeWait.size, w.stack.counters.TcplabTimeWaitHostLimit]).toEqual([3, 2]);
    timeWait(w, accepted, 1000, '198.18.0.9');
    expect(w.stack.tcp.timeWait.size).toBe(4);
    // Its share is free again after 2 MSL.
    w.wait(MINUTE);
    expect(w.stack.tcp.timeWait.size).toBe(0);
    timeWait(w, accepted, 2000);
    expect([w.stack.tcp.timeWait.size, w.stack.counters.TcplabTimeWaitHostLimit]).toEqual([1, 2]);
    expect(w.stack.counters.TcpExtTCPTimeWaitOverflow).toBe(0);
  });
});
