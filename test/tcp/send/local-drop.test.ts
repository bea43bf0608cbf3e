/**
 * A queue on this machine drops all segments (`pfifo limit 0`): they are sent again each half
 * second, and do not count as losses of the path.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { inFlight } from '../flight.js';
import { Peer } from '../peer.js';

const RETRY = 500 * MILLISECOND;

describe('a queue before the device that drops everything', () => {
  it('new data is tried each half second without backoff, and sent once the queue accepts it', () => {
    const s = Peer.established();
    s.dropsAll = true;
    const cwnd = s.conn.snd.congestion.cwnd;
    expect(s.write(100)).toEqual([]);
    expect(s.conn.snd.nxt).toBe(s.conn.snd.una);
    s.wait(s.timer('persist') + 4 * RETRY);
    expect([s.conn.snd.probesUnanswered, s.conn.snd.probesSent, s.conn.snd.rtt.backoff]).toEqual([
      5, 0, 0,
    ]);
    expect(s.conn.snd.congestion.ssthresh, 'congestion, though not on the path').toBeLessThan(cwnd);
    s.dropsAll = false;
    expect(s.wait(RETRY)).toMatchObject([{ flags: 'P.', seq: 1, len: 100 }]);
    expect(s.conn.snd.probesUnanswered).toBe(0);
  });

  it('a user timeout ends the connection', () => {
    const s = Peer.established();
    s.conn.setUserTimeout(3 * SECOND);
    s.dropsAll = true;
    s.write(100);
    s.wait(s.timer('persist') + 3 * SECOND - 1);
    expect([s.state, s.conn.snd.probesUnanswered]).toEqual(['ESTABLISHED', 6]);
    s.wait(1);
    expect([s.state, s.conn.error]).toEqual(['CLOSED', 'ETIMEDOUT']);
  });

  it('a retransmission is tried each half second without doubling the timeout', () => {
    const s = inFlight(1);
    const { rto } = s.conn.snd.rtt;
    s.dropsAll = true;
    s.wait(2 * rto + 3 * RETRY);
    expect(s.env.counters.TcpExtTCPRetransFail).toBeGreaterThanOrEqual(3);
    expect(s.conn.snd.rtt.rto).toBe(rto);
    s.dropsAll = false;
    expect(s.wait(RETRY)).toMatchObject([{ seq: 1, len: 1000 }]);
  });

  it('a keep-alive probe that was dropped locally does not count against the peer', () => {
    const s = Peer.established();
    s.conn.setKeepAlive(true, s.now, SECOND, 60 * SECOND, 1);
    s.dropsAll = true;
    s.wait(5 * SECOND);
    expect([s.state, s.conn.keepAliveUnanswered]).toEqual(['ESTABLISHED', 0]);
    s.dropsAll = false;
    expect(s.wait(RETRY)).toMatchObject([{ flags: '.', seq: 0, len: 0 }]);
  });
});
