/**
 * The restart after an idle period (RFC 5681 section 4.1), and which periods count as idle. Packet
 * scripts of test/scripts/persist test the rest.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND, type Micros } from '../../src/base/time.js';
import { pacingRateOf } from '../../src/tcp/send/pacing-rate.js';
import type { PeerOptions, Wire } from './peer.js';
import { pattern, Peer } from './peer.js';
import { setWindow } from './congestion/set-window.js';

const MSS = 1000;
/** Segments of 1000 bytes; a round trip of 100 ms, so RTO is 300 ms; cwnd is 40. */
function opened(o: PeerOptions = {}, win = 60_000): Peer {
  const s = Peer.listen({ mss: MSS, ...o, config: { noDelay: true, tlp: false, ...o.config } });
  s.send({ flags: 'S', mss: MSS, sackOk: true });
  s.wait(100 * MILLISECOND);
  s.send({ flags: '.', seq: 1, ack: 1, win });
  setWindow(s.conn.snd.congestion, { cwnd: 40 });
  return s;
}
const ack = (n: number, win = 60_000): Wire => ({ flags: '.', seq: 1, ack: n, win });
/**
 * What a cwnd of 40 becomes if it is not used for an RTO: halfway to the initial window
 * (cwnd-usage.ts). A restart leaves less.
 */
const UNUSED = 25;
const cwnd = (s: Peer): number => s.conn.snd.congestion.cwnd;

describe('cwnd after a pause', () => {
  it('restarts from the initial window with the first data', () => {
    const s = opened();
    s.wait(5 * SECOND);
    s.write(100);
    expect(cwnd(s)).toBe(10);
  });

  it.each(['copied', 'lent'] as const)(
    'a write (%s) into an empty queue checks for a pause, also while the window is zero',
    (how) => {
      const s = opened({}, 0);
      const write = (): void => {
        if (how === 'lent') expect(s.conn.sendZeroCopy(pattern(500))).toBe(true);
        else s.conn.send(pattern(500));
        s.poll();
      };
      s.wait(5 * SECOND);
      write();
      expect(cwnd(s)).toBe(10);
      // Not for data that already waits: the zero window says nothing about the path.
      setWindow(s.conn.snd.congestion, { cwnd: 40 });
      s.wait(5 * SECOND);
      write();
      expect(cwnd(s)).toBe(40);
    },
  );

  it('a new window without data to send does not check', () => {
    const s = opened();
    s.wait(5 * SECOND);
    s.send(ack(1, 50_000));
    expect(cwnd(s)).toBe(40);
  });

  it('a write into an empty queue while the last flight is out is not a pause', () => {
    const s = opened();
    s.write(2 * MSS);
    s.wait(190 * MILLISECOND);
    s.send(ack(1 + MSS));
    s.wait(250 * MILLISECOND);
    expect(s.now - s.conn.snd.lastSentAt).toBeGreaterThan(s.conn.snd.rtt.rto);
    setWindow(s.conn.snd.congestion, { cwnd: 40 });
    s.write(MSS);
    expect(cwnd(s)).toBe(UNUSED);
  });

  it('a pause no longer than RTO changes neither cwnd nor ssthresh', () => {
    const s = opened();
    s.write(MSS);
    s.wait(100 * MILLISECOND);
    s.send(ack(1 + MSS));
    Object.assign(s.conn.snd.congestion, { cwnd: 40, ssthresh: 4 });
    s.wait(150 * MILLISECOND);
    s.write(MSS);
    expect([cwnd(s), s.conn.snd.congestion.ssthresh]).toEqual([40, 4]);
  });

  it('BBR keeps cwnd, because it models the path', () => {
    const s = opened({ config: { congestionControl: 'bbr' } });
    s.wait(5 * SECOND);
    s.write(MSS);
    expect(cwnd(s)).toBe(40);
  });

  it('pacing follows cwnd', () => {
    const s = opened({ config: { pacing: true } });
    const before = (s.conn.snd.pacing.rate = pacingRateOf(s.conn.snd));
    s.wait(5 * SECOND);
    s.write(MSS);
    expect(s.conn.snd.pacing.rate).toBe(before / 4);
  });
});

describe('the congestion control is notified of a pause', () => {
  /** When it was notified, and since when nothing had been sent. */
  function listening(s: Peer): [since: Micros, now: Micros][] {
    const heard: [Micros, Micros][] = [];
    s.conn.snd.congestion.onSendAfterIdle = (since, _limited, now) => void heard.push([since, now]);
    return heard;
  }

  it('when new data is sent and nothing is in flight, with the time of the last data', () => {
    const s = opened();
    const heard = listening(s);
    const start = s.now;
    s.wait(10 * MILLISECOND);
    const first = s.now;
    s.write(MSS);
    s.wait(10 * MILLISECOND);
    s.write(MSS);
    const second = s.now;
    s.wait(100 * MILLISECOND);
    s.send(ack(1 + 2 * MSS));
    s.wait(SECOND);
    s.write(MSS);
    expect(heard).toEqual([
      [start, first],
      [second, s.now],
    ]);
  });

  it('not for a FIN without data', () => {
    const s = opened();
    const heard = listening(s);
    s.close();
    expect([s.last.flags, heard]).toEqual(['F.', []]);
  });

  it('also when everything outstanding is lost', () => {
    const s = opened();
    s.write(MSS);
    const heard = listening(s);
    s.conn.snd.sent.markLost(s.conn.snd.sent.first!);
    s.conn.snd.recovery.newDataFirst = true; // or the retransmission would be first
    s.write(MSS);
    expect(heard).toHaveLength(1);
  });
});

describe('the time of the last data sent (tcpi_last_data_sent)', () => {
  const last = (s: Peer): number => s.conn.tcpInfo(s.now).tcpi_last_data_sent;

  it('includes retransmissions of data, but neither FIN nor its retransmission', () => {
    const s = opened();
    s.write(MSS);
    s.wait(50 * MILLISECOND);
    expect(last(s)).toBe(50);
    s.wait(250 * MILLISECOND);
    expect([s.last.at, last(s)]).toEqual([s.now, 0]);
    s.send(ack(1 + MSS));
    s.wait(40 * MILLISECOND);
    s.close();
    expect([s.last.flags, last(s)]).toEqual(['F.', 40]);
    const { length } = s.got;
    s.wait(SECOND);
    expect(s.got.length).toBeGreaterThan(length);
    expect([s.last.flags, last(s)]).toEqual(['F.', 1040]);
  });
});
