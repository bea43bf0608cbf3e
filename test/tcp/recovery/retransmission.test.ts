import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../../src/base/time.js';
import { RttEstimator } from '../../../src/tcp/send/rtt.js';
import { Peer } from '../peer.js';
import { setWindow } from '../congestion/set-window.js';

/** A connection with a measured round trip of `rtt`. */
function measured(rtt: number, o: Parameters<typeof Peer.established>[0] = {}): Peer {
  const s = Peer.established(o);
  s.write(100);
  s.wait(rtt);
  s.send({ flags: '.', seq: 1, ack: 101 });
  return s;
}

describe('MUST-18: the retransmission timeout, RFC 6298', () => {
  const estimator = (): RttEstimator => new RttEstimator(SECOND, 200 * MILLISECOND, 120 * SECOND);

  it('MUST-18: is 1 s before any sample', () => {
    expect(estimator().rto).toBe(SECOND);
  });

  it('MUST-18: takes SRTT and RTTVAR from the first sample', () => {
    const e = estimator();
    e.sample(400_000);
    expect([e.srtt, e.rttvar, e.rto]).toEqual([400_000, 200_000, 400_000 + 800_000]);
  });

  it('MUST-18: updates RTTVAR by 1/4 with the old SRTT, then SRTT by 1/8', () => {
    const e = estimator();
    e.sample(400_000);
    e.sample(800_000);
    expect([e.rttvar, e.srtt]).toEqual([
      0.75 * 200_000 + 0.25 * 400_000,
      0.875 * 400_000 + 0.125 * 800_000,
    ]);
  });

  it('MUST-18: has a minimum for the variance term, and a maximum', () => {
    const e = estimator();
    for (let i = 0; i < 100; i++) e.sample(1000);
    expect(e.rto).toBeCloseTo(201_000, -3);
    e.backoff = 30;
    expect(e.rto).toBe(120 * SECOND);
  });

  it('MUST-18: Karn: a retransmitted segment gives no sample without timestamps', () => {
    const s = measured(50 * MILLISECOND);
    const { srtt } = s.conn.snd.rtt;
    s.write(100);
    s.wait(2 * SECOND);
    expect(s.last.seq).toBe(101);
    s.send({ flags: '.', seq: 1, ack: 201 });
    expect(s.conn.snd.rtt.srtt).toBe(srtt);
    expect(s.conn.snd.rtt.backoff).toBeGreaterThan(0); // the backoff stays until a sample arrives
  });

  it('MUST-18: with timestamps the echo identifies the acknowledged transmission', () => {
    const s = Peer.established({}, { ts: [1, 0] });
    s.write(100);
    s.wait(1500 * MILLISECOND);
    const again = s.last;
    expect(again.seq).toBe(1);
    const before = s.conn.snd.rtt.srtt;
    s.wait(30 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 101, ts: [50, again.ts![0]] });
    expect(s.conn.snd.rtt.srtt).not.toBe(before);
    expect(s.conn.snd.rtt.backoff).toBe(0);
  });

  it('MUST-18: after a lost SYN without a sample, data starts with an RTO of 3 s (5.7)', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1460 });
    s.wait(1500 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect(s.conn.snd.rtt.rto).toBe(3 * SECOND);
  });

  it("MUST-18: profile rfc has the RFC's minimum of 1 s (2.4), and starts with 1 s (2.1)", () => {
    const s = Peer.connect({ profile: 'rfc' });
    expect(s.timer('rto')).toBe(SECOND);
    s.wait(MILLISECOND);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect(s.conn.snd.rtt.rto).toBeGreaterThanOrEqual(SECOND);
  });

  it('MUST-18: the timer restarts when new data is acknowledged, and stops when all data is', () => {
    const s = measured(100 * MILLISECOND);
    const { rto } = s.conn.snd.rtt;
    s.write(1000);
    s.wait(Math.floor(rto) - 1000);
    s.send({ flags: '.', seq: 1, ack: 501 });
    expect(s.timer('rto')).toBe(Math.ceil(s.conn.snd.rtt.rto));
    s.send({ flags: '.', seq: 1, ack: 1101 });
    expect(s.timer('rto')).toBe(Infinity);
  });
});

describe('retransmission on timeout', () => {
  it('MUST-19: backs off exponentially, sends the first segment only, with cwnd of one segment', () => {
    const s = measured(100 * MILLISECOND);
    s.write(5 * 1460);
    const from = s.got.length;
    const { rto } = s.conn.snd.rtt;
    s.wait(7 * rto + 1000);
    const times = s.got.slice(from).map((x) => x.at);
    expect(s.got.slice(from).map((x) => x.seq)).toEqual([101, 101, 101]);
    expect(times[1]! - times[0]!).toBeCloseTo(2 * rto, -1);
    expect(times[2]! - times[1]!).toBeCloseTo(4 * rto, -1);
    expect(s.conn.snd.congestion.cwnd).toBe(1);
  });

  it('retransmits the other losses as cwnd opens again', () => {
    const s = measured(100 * MILLISECOND);
    s.write(6 * 1460);
    s.wait(s.conn.snd.rtt.rto + 1);
    const next = s.send({ flags: '.', seq: 1, ack: 101 + 1460 });
    expect(next.map((x) => x.seq)).toEqual([101 + 1460, 101 + 2 * 1460]);
  });

  it('does not retransmit data that the ACK of the first retransmission covers', () => {
    const s = measured(100 * MILLISECOND);
    s.write(4 * 1460);
    s.wait(s.conn.snd.rtt.rto + 1);
    expect(s.send({ flags: '.', seq: 1, ack: 101 + 4 * 1460 })).toEqual([]);
    expect(s.wait(10 * MINUTE)).toEqual([]);
  });

  it('SHLD-11, MUST-20: R2 is at least 100 s; then the connection ends with ETIMEDOUT and, as in Linux, without a RST', () => {
    const s = measured(MILLISECOND);
    s.write(10);
    s.wait(100 * SECOND);
    expect(s.state).toBe('ESTABLISHED');
    const start = s.now - 100 * SECOND;
    while (s.state !== 'CLOSED' && s.now < start + 30 * MINUTE) s.wait(SECOND);
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect(s.last.flags).toBe('P.');
    expect((s.now - start) / SECOND).toBeGreaterThan(924); // tcp_retries2 = 15
    expect((s.now - start) / SECOND).toBeLessThan(1100);
  });

  it('MUST-20, SHLD-9, SHLD-10: R1 notifies the user after three retransmissions, and the connection continues', () => {
    const s = measured(MILLISECOND);
    s.write(10);
    s.takeEvents();
    s.wait(1300 * MILLISECOND); // timeouts at 0.2 and 0.6 s
    expect(s.takeEvents()).toEqual([]);
    s.wait(300 * MILLISECOND); // and at 1.4 s
    expect(s.takeEvents()).toEqual(['softError']);
    expect(s.state).toBe('ESTABLISHED');
  });

  it('MUST-21: the user timeout replaces R2 for one connection', () => {
    const s = measured(MILLISECOND);
    s.conn.setUserTimeout(5 * SECOND);
    s.write(10);
    const start = s.now;
    while (s.state !== 'CLOSED' && s.now < start + MINUTE) s.wait(10 * MILLISECOND);
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect((s.now - start) / SECOND).toBeCloseTo(5, 1);
  });

  it('MUST-21: the user timeout may also be longer than R2, or infinite', () => {
    const hour = 60 * MINUTE;
    for (const limit of [hour, Infinity]) {
      const s = measured(MILLISECOND);
      s.conn.setUserTimeout(limit);
      s.write(10);
      s.wait(hour - MINUTE);
      expect(s.state).toBe('ESTABLISHED');
      s.wait(2 * MINUTE);
      expect(s.state).toBe(limit === hour ? 'CLOSED' : 'ESTABLISHED');
    }
  });

  it('never gives up when R2 is off', () => {
    const s = measured(MILLISECOND, { config: { retries2: Infinity } });
    s.write(10);
    s.wait(1000 * MINUTE);
    expect(s.state).toBe('ESTABLISHED');
  });
});

describe('fast retransmit and NewReno', () => {
  /** Ten segments in flight. */
  function tenInFlight(): Peer {
    const s = Peer.established({ config: { congestionControl: 'reno' } });
    expect(s.write(20 * 1460)).toHaveLength(10);
    return s;
  }
  const dup = { flags: '.', seq: 1, ack: 1 };

  it('MUST-19: retransmits on the third duplicate ACK, not before, and halves the flight', () => {
    const s = tenInFlight();
    expect(s.send(dup).map((x) => x.seq)).toEqual([10 * 1460 + 1]); // limited transmit, RFC 3042
    expect(s.send(dup).map((x) => x.seq)).toEqual([11 * 1460 + 1]);
    expect(s.send(dup).map((x) => x.seq)).toEqual([1]);
    expect(s.conn.snd.congestion.ssthresh).toBe(5);
    // twelve sent, three arrived, one lost and retransmitted
    expect(s.conn.snd.sent.inFlight).toBe(9);
  });

  it('RFC 9937: sends one segment for two that arrived, until ssthresh are in flight', () => {
    const s = tenInFlight();
    for (let i = 0; i < 3; i++) s.send(dup);
    const sent = [];
    for (let i = 0; i < 6; i++) sent.push(...s.send(dup).map((x) => x.seq));
    expect(sent).toEqual([12, 13].map((n) => n * 1460 + 1));
    expect(s.conn.snd.sent.inFlight).toBe(5);
  });

  it('RFC 6582: a partial ACK retransmits the next hole as soon as PRR allows it; a full ACK ends recovery', () => {
    const s = tenInFlight();
    for (let i = 0; i < 3; i++) s.send(dup);
    s.send({ flags: '.', seq: 1, ack: 1 + 3 * 1460 });
    expect(s.send({ flags: '.', seq: 1, ack: 1 + 3 * 1460 }).map((x) => x.seq)).toEqual([
      1 + 3 * 1460,
    ]);
    expect(s.conn.snapshot(s.now).congestion.state).toBe('Recovery');
    s.send({ flags: '.', seq: 1, ack: 1 + 12 * 1460 });
    // Section 6: until later data is acknowledged.
    expect(s.conn.snapshot(s.now).congestion.state).toBe('Recovery');
    s.send({ flags: '.', seq: 1, ack: 1 + 13 * 1460 });
    expect(s.conn.snapshot(s.now).congestion.state).toBe('Open');
    expect(s.conn.snd.congestion.cwnd).toBe(s.conn.snd.congestion.ssthresh);
  });

  it('does not count an ACK with data, FIN or a changed window as a duplicate', () => {
    const s = tenInFlight();
    s.send({ ...dup, win: 60_000 });
    s.send({ ...dup, win: 59_000 });
    s.send({ ...dup, win: 59_000, len: 10 });
    s.send({ ...dup, win: 59_000, seq: 11, len: 10 });
    expect(s.conn.stats.duplicateAcksIn).toBe(0);
    expect(s.got.filter((x) => x.seq === 1 && x.len > 0)).toHaveLength(1);
  });

  it('does not enter recovery again for duplicate ACKs of losses before the timeout', () => {
    const s = tenInFlight();
    s.wait(2 * SECOND);
    const { ssthresh } = s.conn.snd.congestion;
    for (let i = 0; i < 5; i++) s.send(dup);
    expect(s.conn.snapshot(s.now).congestion.state).toBe('Loss');
    expect(s.conn.snd.congestion.ssthresh).toBe(ssthresh);
  });
});

describe('congestion window', () => {
  it('MUST-19: slow start: starts with ten segments and grows by the acknowledged segments', () => {
    const s = Peer.established({ config: { congestionControl: 'reno' } });
    expect(s.write(100 * 1460)).toHaveLength(10);
    expect(s.send({ flags: '.', seq: 1, ack: 1 + 2 * 1460 })).toHaveLength(4);
  });

  it('MUST-19: congestion avoidance: one segment for each window acknowledged', () => {
    const s = Peer.established({ config: { congestionControl: 'reno' } }, { wscale: 7 });
    const cc = s.conn.snd.congestion;
    setWindow(cc, { ssthresh: cc.cwnd });
    s.write(100 * 1460);
    for (let i = 1; i <= 5; i++) s.send({ flags: '.', seq: 1, ack: 1 + i * 2 * 1460 });
    expect(cc.cwnd).toBe(11);
  });

  it('MUST-19: slow start of the default congestion control', () => {
    const s = Peer.established();
    expect(s.conn.snd.congestion.name).toBe('cubic');
    expect(s.write(100 * 1460)).toHaveLength(10);
    expect(s.send({ flags: '.', seq: 1, ack: 1 + 2 * 1460 })).toHaveLength(4);
  });

  it('MUST-19: congestion avoidance of the default congestion control', () => {
    const s = Peer.established({}, { wscale: 7 });
    const cc = s.conn.snd.congestion;
    setWindow(cc, { ssthresh: cc.cwnd });
    s.write(100 * 1460);
    for (let i = 1; i <= 5; i++) s.send({ flags: '.', seq: 1, ack: 1 + i * 2 * 1460 });
    expect(cc.cwnd).toBeLessThanOrEqual(11);
  });

  it('does not grow while it is not used', () => {
    const s = Peer.established();
    for (let i = 0; i < 20; i++) {
      s.write(100);
      s.send({ flags: '.', seq: 1, ack: 101 + 100 * i });
    }
    expect(s.conn.snd.congestion.cwnd).toBe(10);
  });

  it('RFC 5681 4.1: returns to the initial window after an idle RTO', () => {
    const s = Peer.established({ config: { sendBufferBytes: 1 << 20 } });
    s.write(60 * 1460);
    s.send({ flags: '.', seq: 1, ack: 1 + 10 * 1460 });
    s.send({ flags: '.', seq: 1, ack: 1 + 30 * 1460 });
    s.send({ flags: '.', seq: 1, ack: 1 + 60 * 1460 });
    expect(s.conn.snd.congestion.cwnd).toBeGreaterThan(10);
    s.wait(MINUTE);
    s.write(1);
    expect(s.conn.snd.congestion.cwnd).toBe(10);
  });

  it('MAY-18: can be replaced by another congestion control', () => {
    const s = Peer.established({ config: { congestionControl: 'none' } });
    expect(s.write(40 * 1460)).toHaveLength(40);
  });
});
