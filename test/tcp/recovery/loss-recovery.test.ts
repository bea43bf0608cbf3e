/**
 * Recovery with SACK: RACK, PRR, tail loss probes, F-RTO and undo, packet by packet. Segments are
 * 1000 bytes, the round trip is 100 ms.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { ack, at, congestion, inFlight, MSS, numbers, RTT } from '../flight.js';
import type { Peer, Wire } from '../peer.js';
import { Timer as TimerOf } from '../../../src/tcp/timers.js';
import { setWindow } from '../congestion/set-window.js';

describe('RACK (RFC 8985) detects losses', () => {
  it('three SACKed segments above a hole: the hole is lost, without a reordering margin', () => {
    const s = inFlight(10);
    s.wait(RTT);
    expect(numbers(s.send(ack(0, [1, 2])))).toEqual([]);
    expect(numbers(s.send(ack(0, [1, 3])))).toEqual([]);
    expect(numbers(s.send(ack(0, [1, 4])))).toEqual([0]);
    expect(congestion(s)).toMatchObject({
      state: 'Recovery',
      sacked: 3,
      lost: 1,
      resent: 1,
      ssthresh: 7,
    });
  });

  it('one SACKed segment above a hole: the reordering timer marks the hole lost after a quarter of the round trip', () => {
    const s = inFlight(3);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    expect(s.timer('reorder')).toBe(RTT / 4 + 2 * MILLISECOND);
    expect(numbers(s.wait(RTT / 4))).toEqual([]);
    expect(numbers(s.wait(2 * MILLISECOND))).toEqual([0]);
    expect(congestion(s).state).toBe('Recovery');
  });

  it('a hole that is filled in time was reordering: nothing is retransmitted, and cwnd stays', () => {
    const s = inFlight(4);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    s.wait(RTT / 8);
    s.send(ack(2));
    expect(s.conn.snd.recovery.reorderSeen).toBe(1);
    s.send(ack(4));
    expect(s.wait(SECOND)).toEqual([]);
    expect(congestion(s)).toMatchObject({ state: 'Open', cwnd: 10 });
  });

  it('once reordering was seen, three SACKed segments are not sufficient, and the time margin decides', () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    s.send(ack(2)); // late by one
    s.write(4 * MSS);
    s.wait(RTT);
    s.send(ack(2, [3, 7]));
    expect(congestion(s).state).toBe('Disorder');
    expect(numbers(s.wait(RTT / 4 + 2 * MILLISECOND))).toContain(2);
  });

  it('detects a lost retransmission by later segments that were delivered', () => {
    const s = inFlight(20);
    s.wait(RTT);
    s.send(ack(0, [1, 4])); // retransmits 0
    for (let i = 5; i <= 9; i++) s.send(ack(0, [1, i]));
    const fresh = s.got.filter((x) => x.seq >= at(10));
    expect(fresh.length).toBeGreaterThan(1);
    s.wait(RTT);
    const again = s.send(ack(0, [1, 10], [10, 10 + fresh.length]));
    expect(numbers(again)).toContain(0);
    expect(s.env.counters.TcpExtTCPLostRetransmit).toBe(1);
  });

  /**
   * The hole at `n` is filled late, after the reordering timer retransmitted it. Then the
   * retransmission arrives and causes a D-SACK. Returns the next segment's number.
   */
  function tooQuick(s: Peer, n: number): number {
    s.write(4 * MSS);
    s.wait(RTT);
    s.send(ack(n, [n + 1, n + 4]));
    expect(numbers(s.wait(RTT))).toEqual([n]);
    s.send(ack(n + 4));
    s.send(ack(n + 4, [n, n + 1]));
    return n + 4;
  }

  it('D-SACKs widen the margin by a quarter of the smallest round trip for each round trip, and 16 recoveries without one narrow it again', () => {
    const s = inFlight(2);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    s.send(ack(2)); // reordering was seen
    let n = 2;
    for (const steps of [1, 2, 3]) {
      expect(s.conn.snd.rack.reoWndSteps).toBe(steps);
      n = tooQuick(s, n);
      s.write(MSS);
      s.send(ack(++n)); // the D-SACK takes effect with the next ACK that delivers data
    }
    expect(s.conn.snd.rack.reoWndSteps).toBe(4);
    // Holes that are losses.
    for (let i = 0; i < 17; i++) {
      expect(s.conn.snd.rack.reoWndSteps).toBe(4);
      s.write(2 * MSS);
      s.wait(RTT);
      s.send(ack(n, [n + 1, n + 2]));
      s.wait(2 * RTT);
      s.send(ack((n += 2)));
    }
    s.write(MSS);
    s.wait(RTT);
    s.send(ack(n + 1));
    expect(s.conn.snd.rack.reoWndSteps).toBe(1);
  });

  it('two D-SACKs in one round trip widen the margin once', () => {
    const s = inFlight(2);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    s.send(ack(2));
    s.write(8 * MSS);
    s.wait(RTT);
    s.send(ack(2, [3, 5], [6, 8]));
    expect(numbers(s.wait(RTT / 2))).toEqual([2]);
    expect(numbers(s.send(ack(5, [2, 3], [6, 8])))).toEqual([5]);
    expect(s.conn.snd.rack.reoWndSteps).toBe(2);
    // another D-SACK, with the original of 8, which was sent before the first
    s.send(ack(5, [2, 3], [6, 9]));
    expect([s.env.counters.TcpExtTCPDSACKOfoRecv, s.env.counters.TcpExtTCPDSACKRecv]).toEqual([
      1, 1,
    ]);
    s.send(ack(10));
    expect(s.conn.snd.rack.reoWndSteps).toBe(2);
  });

  it('D-SACKs without reordering do not widen the margin, because the network duplicates', () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(0, [1, 4]));
    s.wait(RTT);
    s.send(ack(10, [0, 1])); // 0 arrived twice
    expect([s.conn.snd.rack.reoWndSteps, s.conn.snd.rack.dsackSeen]).toEqual([1, false]);
  });
});

describe('PRR (RFC 9937)', () => {
  it('sends ssthresh/RecoverFS of the delivered data, then as much as is delivered', () => {
    const s = inFlight(30, { config: { congestionControl: 'reno' } });
    s.wait(RTT);
    const perAck: number[][] = [];
    for (let i = 2; i <= 10; i++) perAck.push(numbers(s.send(ack(0, [1, i]))));
    // cwnd 10, ssthresh 5. Limited transmit twice, the fast retransmit, then every second ACK a new
    // segment until five are in flight.
    expect(perAck).toEqual([[10], [11], [0], [], [12], [], [13], [], []]);
    expect(congestion(s).ssthresh).toBe(5);
    s.send(ack(14));
    // At ssthresh: congestion avoidance from here on.
    expect(congestion(s)).toMatchObject({ state: 'Open', cwnd: 6 });
  });

  it('never delays the first retransmission, and uses the slow-start bound if little is in flight', () => {
    const s = inFlight(10, { config: { congestionControl: 'reno' } });
    s.wait(RTT);
    // Only the last of ten arrived: nine are lost, nothing is in flight.
    expect(numbers(s.send(ack(0, [7, 10])))).toEqual([0, 1, 2]);
    s.wait(RTT);
    // One delivered, and SND.UNA advanced without a new loss: two are sent.
    expect(numbers(s.send(ack(1, [7, 10])))).toEqual([3, 4]);
    expect(numbers(s.send(ack(2, [7, 10])))).toEqual([5, 6]);
  });
});

describe('tail loss probe (RFC 8985 section 7)', () => {
  it('retransmits the last segment after two round trips, and its SACK starts recovery of the losses before it', () => {
    const s = inFlight(4);
    expect(s.timer('tlp')).toBe(2 * RTT + 2 * MILLISECOND);
    expect(s.timer('rto')).toBe(Infinity);
    expect(numbers(s.wait(2 * RTT + 2 * MILLISECOND))).toEqual([3]);
    expect(s.timer('rto')).toBe(3 * RTT);
    s.wait(RTT);
    expect(numbers(s.send(ack(0, [3, 4])))).toEqual([0]); // one arrived, one is sent (PRR)
    expect(congestion(s)).toMatchObject({ state: 'Recovery', lost: 3 });
    s.wait(RTT);
    expect(numbers(s.send(ack(1, [3, 4])))).toEqual([1, 2]);
    expect(s.env.counters.TcpExtTCPTimeouts).toBe(0);
  });

  it('sends new data if there is any', () => {
    const s = inFlight(4);
    setWindow(s.conn.snd.congestion, { cwnd: 4 });
    s.write(MSS);
    expect(numbers(s.wait(2 * RTT + 2 * MILLISECOND))).toEqual([4]);
  });

  it('retransmits the last segment if new data waits for the window, and the retransmission timer continues', () => {
    const s = inFlight(2);
    s.send({ flags: '.', seq: 1, ack: 1, win: (2 * MSS) >> 7 });
    expect(numbers(s.write(5 * MSS))).toEqual([]);
    expect(numbers(s.wait(2 * RTT + 2 * MILLISECOND))).toEqual([1]);
    expect(s.timer('rto')).toBe(3 * RTT);
    expect(s.conn.checkInvariants()).toBeNull();
  });

  it('waits longer for a single segment, because the peer may delay its ACK', () => {
    const s = inFlight(1);
    expect(Math.max(s.timer('tlp'), 0)).toBe(3 * RTT); // capped by the retransmission timer
  });

  it('a probe that repaired a loss causes one reduction; a probe that was a duplicate causes none', () => {
    const s = inFlight(4);
    s.wait(2 * RTT + 2 * MILLISECOND); // retransmits 3
    s.wait(RTT / 2);
    s.send(ack(4));
    s.write(2 * MSS);
    s.wait(RTT);
    s.send(ack(6));
    expect(s.env.counters.TcpExtTCPLossProbeRecovery).toBe(1);
    expect(congestion(s).cwnd).toBe(7);

    const t = inFlight(4);
    t.wait(2 * RTT + 2 * MILLISECOND);
    t.wait(RTT / 2);
    t.send(ack(4));
    t.send(ack(4, [3, 4]));
    t.write(2 * MSS);
    t.wait(RTT);
    t.send(ack(6));
    expect(t.env.counters.TcpExtTCPLossProbeRecovery).toBe(0);
    expect(congestion(t).cwnd).toBe(10);
  });

  it('is sent once at most; then the retransmission timer follows', () => {
    const s = inFlight(4);
    expect(numbers(s.wait(SECOND))).toEqual([3, 0]);
    expect(s.env.counters.TcpExtTCPLossProbes).toBe(1);
  });
});

describe('needless reductions are undone', () => {
  it('F-RTO (RFC 5682): after a spurious timeout new data is sent first, and its ACK restores cwnd', () => {
    const s = inFlight(20, { config: { tlp: false } });
    s.wait(4 * RTT); // timeout: retransmits 0
    expect(congestion(s)).toMatchObject({ state: 'Loss', cwnd: 1 });
    expect(numbers(s.send(ack(1)))).toEqual([10, 11]); // the original's ACK, late
    s.send(ack(2));
    expect(congestion(s)).toMatchObject({ state: 'Open', lost: 0 });
    expect(congestion(s).cwnd).toBeGreaterThanOrEqual(10);
    expect(s.env.counters.TcpExtTCPSpuriousRTOs).toBe(1);
    expect(numbers(s.got).filter((n) => n === 1)).toHaveLength(1); // not retransmitted
  });

  it('F-RTO: a duplicate ACK after the new data means that the loss was real', () => {
    const s = inFlight(20, { config: { tlp: false } });
    s.wait(4 * RTT);
    s.send(ack(1));
    expect(numbers(s.send(ack(1, [10, 11])))).toContain(1);
    expect(congestion(s).state).toBe('Loss');
    expect(s.env.counters.TcpExtTCPSpuriousRTOs).toBe(0);
  });

  it('Eifel (RFC 4015): the ACK of the retransmission echoes a timestamp from before it', () => {
    const s = inFlight(10, { mss: MSS + 12 }, { mss: MSS + 12, ts: [1, 0] });
    const original = s.last.ts![0];
    s.wait(RTT);
    const withEcho = (w: Wire, echo: number): Wire => ({ ...w, ts: [100, echo] });
    s.send(withEcho(ack(0, [1, 4]), original)); // retransmits 0
    expect(congestion(s).state).toBe('Recovery');
    s.wait(5 * MILLISECOND);
    s.send(withEcho(ack(4), original)); // the original was only late
    s.send(withEcho(ack(10), original));
    // Slow start continues.
    expect(congestion(s)).toMatchObject({ state: 'Open', cwnd: 17, ssthresh: Infinity });
  });

  it('D-SACK (RFC 3708): every retransmission is reported as a duplicate', () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(0, [1, 4])); // retransmits 0
    s.wait(5 * MILLISECOND);
    s.send(ack(4));
    expect(congestion(s).state).toBe('Recovery');
    s.wait(RTT);
    s.send(ack(4, [0, 1]));
    expect(s.env.counters.TcpExtTCPDSACKUndo).toBe(1);
    expect(congestion(s).cwnd).toBe(10);
  });

  it('D-SACK: with super-segments, segments are counted, not transmissions', () => {
    const s = inFlight(10, { gsoBytes: 64_000 });
    s.wait(RTT);
    s.send(ack(0, [6, 10])); // retransmits 0 to 5, as far as cwnd allows
    s.wait(5 * MILLISECOND);
    s.send(ack(10)); // they were only late
    const again = s.conn.stats.retransmissions;
    expect(again).toBeGreaterThan(1);
    expect(s.env.counters.TcpRetransSegs).toBe(again);
    s.wait(RTT);
    s.send(ack(10, [0, again]));
    expect([s.env.counters.TcpExtTCPDSACKUndo, congestion(s).cwnd]).toEqual([1, 10]);
  });

  it('F-RTO: undoes a spurious timeout with super-segments, too', () => {
    const s = inFlight(20, { gsoBytes: 64_000, config: { tlp: false } });
    s.wait(4 * RTT);
    expect(congestion(s).state).toBe('Loss');
    s.send(ack(1));
    s.send(ack(2));
    expect([congestion(s).state, s.env.counters.TcpExtTCPSpuriousRTOs]).toEqual(['Open', 1]);
  });

  it('cwnd stays reduced if the ACK that started recovery carried ECE, because that reduction was justified', () => {
    const s = inFlight(10, { config: { ecn: 1, congestionControl: 'reno' } }, { flags: 'SEW' });
    expect(s.conn.snd.ecnAgreed).toBe(true);
    s.wait(RTT);
    s.send({ ...ack(0, [1, 4]), flags: '.E' }); // retransmits 0
    s.wait(5 * MILLISECOND);
    s.send(ack(4));
    s.wait(RTT);
    s.send(ack(4, [0, 1]));
    expect(congestion(s).cwnd).toBeLessThan(10);
  });

  it('D-SACKs of data that was not retransmitted are ignored', () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(4, [0, 1]));
    expect(s.conn.snd.rack.dsackSeen).toBe(false);
    expect(s.conn.snd.rack.reoWndSteps).toBe(1);
  });
});

describe('RFC 2018 section 8: a peer that reneges', () => {
  it('gets everything again if its cumulative ACK stops at data that it had SACKed', () => {
    const s = inFlight(5);
    s.wait(RTT);
    s.send(ack(0, [1, 5])); // retransmits 0
    s.wait(RTT);
    s.send(ack(2)); // 2, 3, 4 were SACKed and are not covered
    s.wait(2 * SECOND);
    expect(s.env.counters.TcpExtTCPSACKReneging).toBe(1);
    expect(numbers(s.send(ack(3)))).toEqual([3, 4]);
  });

  it('a later SACK of the same block is processed again', () => {
    const s = inFlight(10);
    s.wait(RTT);
    s.send(ack(0, [1, 4], [5, 10]));
    s.wait(RTT);
    s.send(ack(1)); // 1 was SACKed: it reneged
    s.wait(SECOND);
    expect(congestion(s)).toMatchObject({ state: 'Loss', sacked: 0 });
    s.send(ack(4));
    s.send(ack(4, [5, 10]));
    expect(congestion(s).sacked).toBe(5);
  });
});

describe('a timeout', () => {
  it('marks only segments lost that are older than a round trip (RFC 8985 section 6.3)', () => {
    const s = inFlight(3, { config: { tlp: false } });
    const rto = s.timer('rto');
    s.wait(rto - 10 * MILLISECOND);
    s.write(2 * MSS); // 3 and 4, ten milliseconds before
    s.wait(10 * MILLISECOND);
    expect(congestion(s)).toMatchObject({ state: 'Loss', lost: 3 });
  });

  it('that follows another for the same data does not reduce ssthresh again (RFC 5681 section 3.1)', () => {
    const s = inFlight(10, { config: { tlp: false, congestionControl: 'reno' } });
    s.wait(4 * RTT);
    const { ssthresh } = congestion(s);
    s.wait(SECOND);
    expect([congestion(s).ssthresh, s.conn.snd.timeouts]).toEqual([ssthresh, 2]);
  });

  it('in Disorder, with at least three SACKed, means that reordering was overestimated', () => {
    const s = inFlight(10, { config: { tlp: false } });
    s.wait(RTT);
    s.send(ack(0, [5, 6]));
    s.send(ack(6)); // 0 came five segments late
    expect(congestion(s).reordering).toBeGreaterThan(3);
    s.write(10 * MSS);
    s.wait(RTT);
    s.send(ack(6, [7, 10]));
    expect(congestion(s)).toMatchObject({ state: 'Disorder', sacked: 3 });
    s.conn.setTimer(TimerOf.rto, s.now + 1, s.now);
    s.wait(1);
    expect(congestion(s)).toMatchObject({ state: 'Loss', reordering: 3 });
  });

  it('stops the reordering timer, which would reduce the window again', () => {
    const s = inFlight(3);
    s.wait(RTT);
    s.send(ack(0, [1, 2]));
    expect(s.timer('reorder')).toBeLessThan(RTT);
    s.conn.setTimer(TimerOf.rto, s.now + 1, s.now);
    s.wait(1);
    expect([congestion(s).state, s.timer('reorder')]).toEqual(['Loss', Infinity]);
  });

  it('does not start F-RTO while a path MTU probe is in flight, because the probe may be the loss', () => {
    const frto = (probeSize: number): boolean => {
      const s = inFlight(10, { config: { tlp: false } });
      s.conn.size.probeSize = probeSize;
      s.wait(4 * RTT);
      return s.conn.snd.recovery.frto;
    };
    expect([frto(0), frto(1500)]).toEqual([true, false]);
  });
});

describe('invalid SACK blocks', () => {
  it.each<[string, [number, number][]]>([
    ['beyond SND.NXT', [[5, 12]]],
    ['with its edges swapped', [[6, 2]]],
    ['empty', [[3, 3]]],
  ])('one %s changes nothing and is counted', (_name, sack) => {
    const s = inFlight(10);
    s.wait(RTT);
    expect(s.send(ack(0, ...sack))).toEqual([]);
    expect(congestion(s)).toMatchObject({ sacked: 0, lost: 0 });
    expect(s.env.counters.TcpExtTCPSACKDiscard).toBe(1);
  });

  it('one that covers parts of segments marks only complete segments', () => {
    const s = inFlight(10);
    s.send({ flags: '.', seq: 1, ack: 1, win: 10_000, sack: [[at(1) + 10, at(3) + 10]] });
    expect(congestion(s).sacked).toBe(1);
  });
});

describe('super-segments', () => {
  it('are split at the edges of SACK blocks, and only the lost part is retransmitted', () => {
    const s = inFlight(10, { gsoBytes: 64_000 });
    expect(s.last).toMatchObject({ seq: 1, len: 10 * MSS, gsoSize: MSS });
    s.wait(RTT);
    const again = s.send(ack(2, [4, 8]));
    expect(again.map((x) => [(x.seq - 1) / MSS, x.len])).toEqual([[2, 2 * MSS]]);
    expect(congestion(s)).toMatchObject({ sacked: 4, lost: 2, resent: 2 });
    s.send(ack(10));
    expect(congestion(s)).toMatchObject({ sacked: 0, lost: 0, resent: 0, inFlight: 0 });
  });
});

describe('pacing', () => {
  it.each([
    ['slow start, twice', 100, 2],
    ['from half of ssthresh on, 1.2 times', 12, 1.2],
  ])(
    'is faster than one cwnd per round trip, so that cwnd can be filled and grow: %s',
    (_, ssthresh, ratio) => {
      const s = inFlight(2, { config: { pacing: true, congestionControl: 'reno' } });
      setWindow(s.conn.snd.congestion, { ssthresh });
      s.wait(RTT);
      s.send(ack(2));
      const { cwnd, pacingRate } = congestion(s);
      expect(pacingRate).toBeCloseTo((ratio * cwnd * MSS) / 0.1, 0);
    },
  );

  it('spreads a window over the round trip, with one deadline and at least two segments each time', () => {
    const s = inFlight(0, { config: { pacing: true, congestionControl: 'reno' } });
    setWindow(s.conn.snd.congestion, { ssthresh: 10 });
    s.write(10 * MSS);
    const times = [...s.got, ...s.wait(RTT)].filter((x) => x.len > 0).map((x) => x.at);
    expect(new Set(times).size).toBeGreaterThan(3);
    expect(times.at(-1)! - times[0]!).toBeLessThan(RTT);
  });
});
