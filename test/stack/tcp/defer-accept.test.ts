/**
 * TCP_DEFER_ACCEPT: a listener is notified of a connection when it has data, or when the time limit
 * for data expires.
 */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { deferredSynAcks, deferredTime } from '../../../src/tcp/defer-accept.js';
import type { Connection } from '../../../src/tcp/connection.js';
import { B4, Hosts, StreamUser } from '../hosts.js';

/** A server that waits `wait` for data, and a client that sends `bytes`, by default none. */
function deferring(wait: number): {
  h: Hosts;
  accepted: Connection[];
  connect: (bytes: number) => Connection;
} {
  const h = new Hosts({});
  const accepted: Connection[] = [];
  const tcpAccept = (conn: Connection): boolean => accepted.push(conn) > 0;
  h.b.listen({ port: 7, user: { tcpAccept }, config: { deferAccept: wait } });
  const now = (): number => h.time.now;
  const silent = { tcpEvents: (): void => {} };
  const connect = (bytes: number): Connection =>
    h.a.connect(
      {
        remote: B4,
        remotePort: 7,
        user: bytes === 0 ? silent : new StreamUser(bytes, () => h.a, now),
      },
      now(),
    );
  return { h, accepted, connect };
}

describe('TCP_DEFER_ACCEPT', () => {
  it.each([
    [0, 0, 0],
    [1, 1, 1],
    [2, 2, 3],
    [3, 2, 3],
    [5, 3, 7],
    [130, 8, 247],
  ])('%i s are rounded to %i SYN,ACKs, which take %i s', (wait, count, time) => {
    expect([deferredSynAcks(wait * SECOND), deferredTime(wait * SECOND) / SECOND]).toEqual([
      count,
      time,
    ]);
  });

  it('a client that sends is accepted with its data', () => {
    const { h, accepted, connect } = deferring(3 * SECOND);
    const start = h.time.now;
    connect(100);
    h.time.runUntil(() => accepted.length === 1);
    expect(accepted[0]!.receiveQueued).toBe(100);
    expect(h.time.now).toBeLessThan(start + SECOND);
  });

  it('a silent client waits, and is accepted after the time limit', () => {
    const { h, accepted, connect } = deferring(3 * SECOND);
    const client = connect(0);
    h.time.runUntil(() => client.stateName === 'ESTABLISHED');
    const begun = h.time.now;
    h.time.runUntil(() => accepted.length === 1);
    expect((h.time.now - begun) / SECOND).toBeCloseTo(3, 0);
    expect(h.b.tcp.counters.TcpExtTCPDeferAcceptDrop).toBe(1);
  });
});
