/**
 * The effect of each timer's expiry, and the cases without an effect. All times here are calculated
 * by the RFC's rules.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../src/base/time.js';
import type { FastOpenMemory } from '../../src/tcp/fast-open.js';
import { FastOpen } from '../../src/tcp/fast-open.js';
import { armRto } from '../../src/tcp/recovery/rto.js';
import { ack, inFlight, MSS, numbers, RTT } from './flight.js';
import { Peer, type Sent } from './peer.js';

type Options = NonNullable<Parameters<typeof Peer.established>[0]>;

/** When the segments were sent, in seconds after `start`. */
const seconds = (sent: Sent[], start: number): number[] => sent.map((x) => (x.at - start) / SECOND);

/**
 * A connection without SACK (so without loss probes) whose handshake took `rtt`. RFC 6298 2.2: RTO
 * = SRTT + 4 RTTVAR = rtt + 4 (rtt / 2), which is three round trips if the variance term is above
 * its minimum of 200 ms.
 */
function measured(rtt: number, o: Options = {}): Peer {
  const s = Peer.listen(o);
  s.send({ flags: 'S', mss: 1460 });
  s.wait(rtt);
  s.send({ flags: '.', seq: 1, ack: 1 });
  expect(s.conn.snd.rtt.rto).toBe(rtt + Math.max(2 * rtt, s.conn.config.minRto));
  return s;
}

/** The peer shrinks its window to zero while data is in flight. */
const shut = { flags: '.', seq: 1, ack: 1, win: 0 };

describe('R2 for SYN and SYN,ACK (RFC 9293 section 3.8.3)', () => {
  const syn: Options = { config: { synLinearTimeouts: 0, synRetries: 2 } };

  it('MUST-23: after its retries SYN is still retransmitted until its minimum time has passed', () => {
    const s = Peer.connect({ config: { ...syn.config, synTimeout: 3 * MINUTE } });
    const start = s.now;
    s.wait(10 * MINUTE);
    expect(seconds(s.got, start)).toEqual([0, 1, 3, 7, 15, 31, 63, 127]);
    expect(s.transitions.at(-1)).toBe(`${start + 247 * SECOND} SYN-SENT -> CLOSED: syn-timeout`);
  });

  it('MUST-23: the minimum time has passed at exactly that time', () => {
    const s = Peer.connect({ config: { ...syn.config, synTimeout: 7 * SECOND } });
    const start = s.now;
    s.wait(10 * MINUTE);
    expect(seconds(s.got, start)).toEqual([0, 1, 3]);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('MUST-22: the minimum time applies to SYN, not to SYN,ACK', () => {
    const s = Peer.listen({ config: { synTimeout: 3 * MINUTE, synAckRetries: 2 } });
    const start = s.now;
    s.send({ flags: 'S' });
    s.wait(10 * MINUTE);
    expect(seconds(s.got, start)).toEqual([0, 1, 3]);
    expect(s.state).toBe('CLOSED');
  });

  it('each timeout is counted, and the last one is counted as the end', () => {
    const s = Peer.connect(syn);
    s.wait(SECOND);
    expect(s.env.counters).toMatchObject({ TcpExtTCPTimeouts: 1, TcpExtTCPAbortOnTimeout: 0 });
    s.wait(MINUTE);
    expect(s.env.counters).toMatchObject({ TcpExtTCPTimeouts: 2, TcpExtTCPAbortOnTimeout: 1 });
  });
});

describe('R2 for data (RFC 9293 section 3.8.3)', () => {
  it('ends the connection at the first timeout after R2, and counts that', () => {
    const s = measured(100 * MILLISECOND, { config: { retries2: 1 } }); // 0.2 + 0.4 s
    const start = s.now;
    s.write(10);
    expect(seconds(s.wait(MINUTE), start)).toEqual([0.3]);
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect(s.transitions.at(-1)).toMatch(`${start + 0.9 * SECOND} ESTABLISHED -> CLOSED`);
    expect(s.env.counters).toMatchObject({ TcpExtTCPTimeouts: 1, TcpExtTCPAbortOnTimeout: 1 });
  });

  it('MUST-21: even a short user timeout ends the connection only after one retransmission', () => {
    const s = measured(100 * MILLISECOND);
    s.conn.setUserTimeout(200 * MILLISECOND);
    const start = s.now;
    s.write(10);
    expect(seconds(s.wait(SECOND), start)).toEqual([0.3]);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('SHLD-17, MUST-37: after its window shrank to zero, a peer counts as dead after twice the maximum RTO of silence since its last segment', () => {
    const s = measured(100 * MILLISECOND, { config: { retries2: 1, maxRto: 4 * SECOND } });
    const start = s.now;
    s.write(10);
    s.wait(400 * MILLISECOND);
    s.send(shut);
    s.wait(MINUTE);
    // Timeouts at 0.3, 0.9, 2.1, 4.5 and 8.5 s: R2's 0.6 s have passed at the second, and the fifth
    // finds 8.1 s of silence.
    expect(
      seconds(
        s.got.filter((x) => x.at > start),
        start,
      ),
    ).toEqual([0.3, 0.9, 2.1, 4.5]);
    expect(s.transitions.at(-1)).toMatch(`${start + 8.5 * SECOND} ESTABLISHED -> CLOSED`);
  });

  it('MUST-21: a user timeout ends the connection even if a peer with a zero window still answers (RFC 5482); its answers do not speed up retransmissions', () => {
    const s = measured(100 * MILLISECOND);
    s.conn.setUserTimeout(5 * SECOND);
    const start = s.now;
    s.write(10);
    s.send(shut);
    s.wait(4 * SECOND);
    s.send(shut);
    s.wait(10 * SECOND);
    // 0.3, 0.6 ... s apart; the last wait ends five seconds after the transmission of the segment
    // that timed out first.
    const times = seconds(
      s.got.filter((x) => x.at > start && x.len > 0),
      start,
    );
    expect(times).toEqual([0.3, 0.9, 2.1, 4.5]);
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect(s.transitions.at(-1)).toMatch(`${start + 5 * SECOND} ESTABLISHED -> CLOSED`);
  });

  it('SHLD-17: a peer with an open window counts as dead after R2, even if it sends other segments', () => {
    const s = measured(100 * MILLISECOND, { config: { retries2: 1 } });
    s.write(10);
    s.wait(500 * MILLISECOND);
    s.send({ ...shut, win: 1000 });
    s.wait(SECOND);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });
});

describe('arming the retransmission timer', () => {
  it('limits it to the time at which the user timeout ends the connection, but not to a past time', () => {
    const s = measured(100 * MILLISECOND);
    s.write(10);
    s.wait(500 * MILLISECOND); // one timeout, at 0.3 s
    const since = s.conn.snd.retransmittingSince;
    s.conn.setUserTimeout(SECOND);
    armRto(s.conn.snd, 10 * SECOND, s.now);
    expect(s.now + s.timer('rto')).toBe(since + SECOND);
    s.conn.setUserTimeout(100 * MILLISECOND); // already passed
    armRto(s.conn.snd, 10 * SECOND, s.now);
    expect(s.timer('rto')).toBe(1);
  });
});

describe('R1 and a path that drops large segments (tcp_mtu_probing)', () => {
  const probing: Options = { config: { mtuProbing: 1 } };

  it('is suspected after retransmissions for exactly R1', () => {
    const s = measured(500 * MILLISECOND, probing);
    s.write(5000);
    s.wait(1500 * MILLISECOND);
    expect(s.last).toMatchObject({ seq: 1, len: 1460 });
    // the second timeout, 3 s = (1 + 2 + 4 + 8) 0.2 s after the first retransmission
    s.wait(3 * SECOND);
    expect(s.last).toMatchObject({ seq: 1, len: 1024 });
  });

  it('is not suspected before R1', () => {
    const s = measured(400 * MILLISECOND, probing);
    s.write(5000);
    s.wait(3.6 * SECOND); // timeouts at 1.2 and 3.6 s
    expect(s.last).toMatchObject({ seq: 1, len: 1460 });
    s.wait(4.8 * SECOND); // and at 8.4
    expect(s.last).toMatchObject({ seq: 1, len: 1024 });
  });

  it('is not suspected at the first timeout of a segment, even if fast retransmit began long before', () => {
    const s = measured(1500 * MILLISECOND, {
      config: { ...probing.config, initialRto: 3 * SECOND },
    }); // RTO 4.5 s, and R1's time is 3
    s.write(6 * 1460);
    for (let i = 0; i < 3; i++) s.send({ flags: '.', seq: 1, ack: 1 });
    expect(s.last).toMatchObject({ seq: 1, len: 1460 });
    s.wait(4.5 * SECOND);
    expect(s.env.counters.TcpExtTCPTimeouts).toBe(1);
    expect(s.last).toMatchObject({ seq: 1, len: 1460 });
  });
});

describe('orphans beyond the limit (tcp_max_orphans)', () => {
  /** One orphan out of one is more than half. */
  const crowded: Options = { config: { maxOrphans: 1 } };

  it('data in flight is retransmitted once; at the next timeout the connection ends with a RST', () => {
    const s = measured(100 * MILLISECOND, crowded);
    const start = s.now;
    s.write(10);
    s.release();
    const sent = s.wait(MINUTE);
    expect(sent).toMatchObject([
      { flags: 'P.', seq: 1, len: 10 },
      { flags: 'R.', seq: 12 },
    ]);
    expect(seconds(sent, start)).toEqual([0.3, 0.9]);
    expect(s.env.counters).toMatchObject({
      TcpExtTCPAbortOnMemory: 1,
      TcpExtTCPTimeouts: 1,
      TcpExtTCPAbortOnTimeout: 0,
    });
    expect(s.env.memory.orphans).toBe(0);
  });

  it('a connection with a user stays', () => {
    const s = measured(100 * MILLISECOND, crowded);
    s.env.memory.orphans = 1; // another connection
    s.write(10);
    s.wait(SECOND);
    expect(s.state).toBe('ESTABLISHED');
  });

  it('one whose peer keeps its window at zero is probed once; at the next probe it ends', () => {
    const s = measured(100 * MILLISECOND, crowded);
    const start = s.now;
    s.send(shut);
    s.write(10);
    s.release();
    const sent = s.wait(MINUTE);
    expect(sent).toMatchObject([
      { flags: '.', seq: 0, len: 0 },
      { flags: 'R.', seq: 1 },
    ]);
    expect(seconds(sent, start)).toEqual([0.3, 0.9]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPAbortOnMemory: 1, TcpExtTCPWinProbe: 1 });
    expect(s.conn.owed.probe).toBe(false);
  });

  it('below the limit it is retransmitted as usual', () => {
    const s = measured(100 * MILLISECOND);
    s.write(10);
    s.release();
    expect(s.wait(SECOND)).toHaveLength(2);
    expect(s.state).toBe('FIN-WAIT-1');
  });
});

describe('Fast Open and timeouts (RFC 7413 section 4.1.3, tcp_fastopen_blackhole_timeout_sec)', () => {
  /** A connection with a cookie, and the times at which a black hole was reported. */
  function opening(o: Options = {}): { s: Peer; heard: number[] } {
    const heard: number[] = [];
    const memory: FastOpenMemory = {
      learn: () => {},
      blackhole: (now) => heard.push(now),
      worked: () => {},
    };
    const fastOpen = new FastOpen({ cookie: new Uint8Array(8), experimental: false, memory });
    return { s: Peer.connect({ ...o, fastOpen }), heard };
  }

  it('the third timeout of SYN reports a black hole', () => {
    const { s, heard } = opening();
    const start = s.now;
    s.wait(MINUTE);
    expect(heard).toEqual([start + 3 * SECOND]);
  });

  it('the last timeout of SYN does so, if there are fewer', () => {
    const { s, heard } = opening({ config: { synLinearTimeouts: 0, synRetries: 1 } });
    const start = s.now;
    s.wait(MINUTE);
    expect(heard).toEqual([start + 3 * SECOND]);
  });

  it('the third timeout of the first data does so', () => {
    const { s, heard } = opening({ config: { tlp: false } });
    s.wait(100 * MILLISECOND);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    const start = s.now;
    s.write(10);
    s.wait(MINUTE);
    expect(heard).toEqual([start + 2.1 * SECOND]); // 0.3, 0.9 and 2.1 s
  });
});

describe("the loss probe's timer (RFC 8985 section 7)", () => {
  it('while a probe is in flight no second one is sent: the retransmission timer takes over, for the rest of RTO since the first segment was sent', () => {
    const s = inFlight(1); // at 0; RTO 300 ms
    const start = s.now;
    s.wait(150 * MILLISECOND);
    s.write(1000); // the probe's timer is no later than RTO: 300 ms
    expect(numbers(s.wait(150 * MILLISECOND))).toEqual([1]);
    expect(s.now).toBe(start + 300 * MILLISECOND);
    s.wait(10 * MILLISECOND);
    s.send(ack(1));
    // 310 ms: SRTT = 100 + 210 / 8 = 126.25 ms, RTTVAR = 50 + (210 - 50) / 4 = 90 ms, RTO = 486.25
    // ms.
    expect(s.conn.snd.rtt.rto).toBe(486_250);
    expect(s.timer('tlp')).toBe(2 * 126_250 + 200_000);
    const { length } = s.got;
    s.wait(s.timer('tlp'));
    expect(s.got).toHaveLength(length);
    // The probe was the segment's last transmission.
    expect(s.timer('rto')).toBe(start + 300_000 + 486_250 - s.now);
    expect(numbers(s.wait(s.timer('rto')))).toEqual([1]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPLossProbes: 1, TcpExtTCPTimeouts: 1 });
  });

  it('the retransmission timer takes over at once if RTO has already passed', () => {
    const s = inFlight(4);
    s.wait(202 * MILLISECOND); // the probe: retransmits 3
    s.wait(48 * MILLISECOND);
    s.send(ack(1));
    // 250 ms: SRTT = 100 + 150 / 8, so the next probe's time is at 250 + 2 * 118.75 + 2 ms; RTTVAR
    // = 75 ms, and RTO = 418.75 ms is over by then.
    expect(s.timer('tlp')).toBe(239_500);
    expect(numbers(s.wait(239_500))).toEqual([]);
    expect(numbers(s.wait(1))).toEqual([1]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPLossProbes: 1, TcpExtTCPTimeouts: 1 });
  });
});

describe('the reordering timer (RFC 8985 section 6.2 step 5)', () => {
  it('segments that it marks lost are retransmitted, and the retransmission timer is armed for a whole RTO', () => {
    const s = inFlight(4);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    expect(numbers(s.wait(s.timer('reorder')))).toEqual([0]);
    expect([s.timer('rto'), s.timer('tlp')]).toEqual([s.conn.snd.rtt.rto, Infinity]);
  });

  it('if the first segment in flight was retransmitted before, the timer is armed for the rest of its RTO', () => {
    const s = inFlight(12);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    // late by one: from here on the margin is a quarter of the round trip and two timer ticks
    s.send(ack(2));
    s.wait(RTT);
    s.send(ack(2, [3, 4]));
    expect(numbers(s.wait(27 * MILLISECOND))).toEqual([2]);
    const resentAt = s.now;
    expect(s.timer('rto')).toBe(s.conn.snd.rtt.rto);
    s.send(ack(2, [5, 6], [3, 4]));
    expect(s.timer('rto')).toBe(Infinity); // replaced by the reordering timer
    expect(numbers(s.wait(27 * MILLISECOND))).toEqual([4]);
    expect(s.timer('rto')).toBe(Math.ceil(resentAt + s.conn.snd.rtt.rto) - s.now);
  });

  it("is replaced after recovery by the loss probe's timer for later segments", () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(0, [1, 4]));
    s.wait(10 * MILLISECOND);
    s.write(3 * MSS);
    s.send(ack(0, [1, 10]));
    s.wait(95 * MILLISECOND);
    s.write(MSS);
    s.wait(5 * MILLISECOND);
    s.send(ack(0, [1, 11]));
    s.wait(90 * MILLISECOND);
    s.write(2 * MSS);
    s.wait(10 * MILLISECOND);
    s.send(ack(13));
    s.wait(5 * MILLISECOND);
    s.send(ack(14));
    const probe = s.timer('tlp');
    expect([probe < SECOND, s.timer('reorder')]).toEqual([true, Infinity]);
    expect(numbers(s.wait(probe))).toContain(15);
    expect(s.env.counters.TcpExtTCPLossProbes).toBe(1);
  });

  it('the retransmission timer is also armed while pacing delays lost segments', () => {
    // a segment in 20 ms
    const s = inFlight(7, { config: { pacing: true, maxPacingRate: 50_000 } });
    s.wait(120 * MILLISECOND);
    expect(numbers(s.got)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    s.send(ack(0, [1, 2]));
    // 127 ms: a round trip, a quarter of it, and two ticks
    expect(s.wait(7 * MILLISECOND)).toEqual([]);
    expect(s.notes).toContain('fast-retransmit');
    expect(s.timer('pacing')).toBe(13 * MILLISECOND);
    expect(s.timer('rto')).toBe(s.conn.snd.rtt.rto - 127 * MILLISECOND);
    expect(numbers(s.wait(13 * MILLISECOND))).toEqual([0]);
    expect(s.timer('rto')).toBe(s.conn.snd.rtt.rto);
  });
});

describe("the delayed ACK's timer (RFC 9293 section 3.8.6.3)", () => {
  it('is counted when its expiry sends an ACK', () => {
    const s = Peer.established({ config: { delayedAckMax: 40 * MILLISECOND } });
    s.conn.setQuickAck(false);
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 100 });
    expect(s.wait(SECOND)).toMatchObject([{ flags: '.', ack: 101 }]);
    expect(s.env.counters.TcpExtDelayedACKs).toBe(1);
  });

  it('stops when data carries the ACK', () => {
    const s = Peer.established();
    s.conn.setQuickAck(false);
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 100 });
    expect(s.write(100)).toMatchObject([{ flags: 'P.', ack: 101 }]);
    expect(s.timer('delayed-ack')).toBe(Infinity);
    expect(s.env.counters.TcpExtDelayedACKs).toBe(0);
  });
});

describe('zero-window probes (RFC 9293 section 3.8.6.1)', () => {
  it('the connection ends when the timer expires after the last allowed retry', () => {
    const s = measured(100 * MILLISECOND, { config: { retries2: 3 } });
    const start = s.now;
    s.send(shut);
    s.write(10);
    expect(seconds(s.wait(MINUTE), start)).toEqual([0.3, 0.9, 2.1]);
    expect(s.transitions.at(-1)).toMatch(`${start + 4.5 * SECOND} ESTABLISHED -> CLOSED`);
    expect(s.env.counters).toMatchObject({ TcpExtTCPWinProbe: 3, TcpExtTCPAbortOnTimeout: 1 });
  });
});

describe('keep-alive (RFC 9293 section 3.8.4)', () => {
  /** Keep-alive from now on: a probe after `idle` seconds, and then each `interval`. */
  function kept(idle: number, interval: number, probes: number, o: Options = {}): Peer {
    const s = measured(100 * MILLISECOND, o);
    s.conn.setKeepAlive(true, s.now, idle * SECOND, interval * SECOND, probes);
    return s;
  }

  it('sends a probe each interval and counts it; then the connection ends with a RST', () => {
    const s = kept(10, 5, 2);
    const start = s.now;
    const sent = s.wait(MINUTE);
    expect(sent).toMatchObject([
      { flags: '.', seq: 0, len: 0 },
      { flags: '.', seq: 0, len: 0 },
      { flags: 'R.', seq: 1 },
    ]);
    expect(seconds(sent, start)).toEqual([10, 15, 20]);
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect(s.env.counters).toMatchObject({ TcpExtTCPKeepAlive: 2, TcpExtTCPAbortOnTimeout: 1 });
  });

  it('a segment of the peer postpones the probe until the peer was silent for the whole idle time', () => {
    const s = kept(10, 5, 2);
    const start = s.now;
    s.wait(4 * SECOND);
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect(seconds(s.wait(10 * SECOND), start)).toEqual([14]);
  });

  it('MUST-26: no probe while data is in flight; the idle time is checked again', () => {
    const s = kept(1, 1, 2, { config: { minRto: 30 * SECOND } });
    s.write(10);
    expect(s.wait(5 * SECOND)).toEqual([]);
    s.send({ flags: '.', seq: 1, ack: 11 });
    s.wait(500 * MILLISECOND);
    expect(s.timer('keep-alive')).toBe(500 * MILLISECOND);
    expect(s.env.counters.TcpExtTCPKeepAlive).toBe(0);
  });

  it('MUST-26: no probe while data waits for the window, because window probes are sent then', () => {
    const s = kept(1, 1, 2);
    const start = s.now;
    s.send(shut);
    s.write(10);
    expect(seconds(s.wait(4 * SECOND), start)).toEqual([0.3, 0.9, 2.1]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPWinProbe: 3, TcpExtTCPKeepAlive: 0 });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('the user timeout replaces the number of probes: the connection ends when the next probe after it is due', () => {
    const s = kept(10, 5, 1);
    s.conn.setUserTimeout(20 * SECOND);
    const start = s.now;
    const sent = s.wait(MINUTE);
    expect(seconds(sent, start)).toEqual([10, 15, 20]);
    expect(sent.map((x) => x.flags)).toEqual(['.', '.', 'R.']);
  });

  it('at least one probe is sent, even if the user timeout is shorter than the idle time or the probe count is 0', () => {
    const short = kept(10, 5, 9);
    short.conn.setUserTimeout(SECOND);
    const none = kept(10, 5, 0);
    for (const s of [short, none]) {
      const start = s.now;
      const sent = s.wait(MINUTE);
      expect(seconds(sent, start)).toEqual([10, 15]);
      expect(sent.map((x) => x.flags)).toEqual(['.', 'R.']);
    }
  });

  it('sends nothing when it is switched off', () => {
    const s = kept(10, 5, 2);
    s.wait(SECOND);
    s.conn.setKeepAlive(false, s.now);
    expect(s.wait(10 * MINUTE)).toEqual([]);
  });
});
