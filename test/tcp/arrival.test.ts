/**
 * SEGMENT ARRIVES, RFC 9293 section 3.10.7, step by step: which segments pass each check, the
 * replies, and where the processing of a segment ends.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { Segment } from '../../src/wire/tcp.js';
import { PROFILES } from '../../src/tcp/config.js';
import { FastOpen } from '../../src/tcp/fast-open.js';
import { fill, Peer, type Sent, type Wire } from './peer.js';
import { setWindow } from './congestion/set-window.js';

type Options = NonNullable<Parameters<typeof Peer.established>[0]>;

/**
 * How many segments have reached each step: SYN-SENT's own, then 1 (sequence number) to 8 (FIN);
 * the third is obsolete.
 */
const steps = (s: Peer): number[] => [...s.env.counters.steps];
/** Which steps a segment reaches. */
function reached(s: Peer, w: Wire): number[] {
  const before = steps(s);
  s.send(w);
  return steps(s).flatMap((n, step) => Array<number>(n - before[step]!).fill(step));
}
/** The reply to a segment, and the drop reason. */
function answer(s: Peer, w: Wire): { sent: Sent[]; drops: string[] } {
  const from = s.drops.length;
  const sent = s.send(w);
  return { sent, drops: s.drops.slice(from) };
}
/** The rate limit of replies to invalid segments (tcp_invalid_ratelimit) has passed. */
const rested = (s: Peer): Peer => {
  s.wait(SECOND / 2);
  return s;
};
const ACK = { flags: '.', seq: 1, ack: 1 };

describe('SYN-SENT (3.10.7.3)', () => {
  it('a RST with a bad ACK is dropped and not answered', () => {
    const s = Peer.connect();
    expect(answer(s, { flags: 'R.', ack: 7 })).toEqual({ sent: [], drops: ['tcpBadAck'] });
    expect(s.timer('rto')).toBe(SECOND); // no earlier retransmission
  });

  it('a RST without ACK is dropped: it cannot prove that it answers our SYN', () => {
    const s = Peer.connect();
    expect(answer(s, { flags: 'R' })).toEqual({ sent: [], drops: ['tcpBadFlags'] });
  });

  it('an ACK of our SYN without a SYN is dropped', () => {
    const s = Peer.connect();
    expect(answer(s, { flags: '.', seq: 1, ack: 1 })).toEqual({ sent: [], drops: ['tcpBadFlags'] });
    expect(s.state).toBe('SYN-SENT');
  });

  it('a segment with neither ACK nor SYN is dropped', () => {
    const s = Peer.connect();
    expect(answer(s, { flags: 'F', seq: 1 })).toEqual({ sent: [], drops: ['tcpBadFlags'] });
  });

  it('MUST-10: a SYN without ACK is answered with SYN,ACK alone', () => {
    const s = Peer.connect();
    expect(s.send({ flags: 'S' }).map((x) => x.flags)).toEqual(['S.']);
  });

  it('a SYN,ACK without text or FIN ends there', () => {
    const s = Peer.connect();
    expect(reached(s, { flags: 'S.', ack: 1 })).toEqual([0]);
    expect(s.env.counters).toMatchObject({ TcpPassiveOpens: 0, TcpActiveOpens: 1 });
  });

  it('a SYN,ACK with text continues with the sixth step, and the text is delivered', () => {
    const s = Peer.connect();
    expect(reached(s, { flags: 'S.', ack: 1, len: 10 })).toEqual([0, 6, 7, 8]);
    expect(s.last).toMatchObject({ flags: '.', ack: 11 });
    expect(s.read()).toBe(10);
  });

  it('a SYN,ACK with FIN continues there as well', () => {
    const s = Peer.connect();
    expect(reached(s, { flags: 'SF.', ack: 1 })).toEqual([0, 6, 7, 8]);
    expect(s.state).toBe('CLOSE-WAIT');
  });

  it('the SYN,ACK is acknowledged at once if queued data cannot carry the ACK because the window is zero', () => {
    const s = Peer.connect();
    s.write(10);
    expect(s.send({ flags: 'S.', ack: 1, win: 0 })).toMatchObject([
      { flags: '.', seq: 1, ack: 1, len: 0 },
    ]);
  });

  it('the window of a SYN,ACK is never scaled (RFC 7323 section 2.2)', () => {
    const s = Peer.connect();
    s.send({ flags: 'S.', ack: 1, win: 1000, wscale: 7 });
    expect(s.conn.snd.wnd).toBe(1000);
  });

  it('in a simultaneous open the windows of SYN and SYN,ACK are not scaled', () => {
    const s = Peer.connect();
    s.send({ flags: 'S', win: 2000, wscale: 7 });
    expect(s.conn.snd.wnd).toBe(2000);
    s.send({ flags: 'S.', ack: 1, win: 1000, wscale: 7 });
    expect([s.state, s.conn.snd.wnd]).toEqual(['ESTABLISHED', 1000]);
    s.send({ ...ACK, win: 1000 });
    expect(s.conn.snd.wnd).toBe(128_000);
  });
});

describe('SYN-RECEIVED', () => {
  const listening = (o: Options = {}, syn: Partial<Wire> = {}): Peer => {
    const s = Peer.listen(o);
    s.send({ flags: 'S', mss: 1460, ...syn });
    return s;
  };
  const simultaneous = (): Peer => {
    const s = Peer.connect();
    s.send({ flags: 'S' });
    return s;
  };

  it('only the ACK of our SYN establishes the connection; other ACKs get a RST with their number', () => {
    for (const bad of [0, 2]) {
      const s = listening();
      const { sent, drops } = answer(s, { flags: '.', seq: 1, ack: bad });
      expect(sent).toMatchObject([{ flags: 'R', seq: bad }]);
      expect(drops).toEqual(['tcpBadAck']);
      expect(s.state).toBe('SYN-RECEIVED');
    }
    const s = listening();
    expect(answer(s, ACK)).toEqual({ sent: [], drops: [] });
    expect(s.state).toBe('ESTABLISHED');
    expect(s.env.counters.TcpPassiveOpens).toBe(1);
  });

  it('its window is scaled', () => {
    const s = listening({}, { wscale: 7 });
    s.send({ ...ACK, win: 10 });
    expect(s.conn.snd.wnd).toBe(1280);
  });

  it('its timestamp becomes TS.Recent', () => {
    const s = listening({}, { ts: [100, 0] });
    s.send({ ...ACK, ts: [130, s.last.ts![0]] });
    expect(s.write(1)[0]!.ts![1]).toBe(130);
  });

  it('a retransmitted SYN is unacceptable and gets the SYN,ACK again, at most once in half a second', () => {
    const s = listening();
    expect(answer(s, { flags: 'S' })).toMatchObject({
      sent: [{ flags: 'S.', seq: 0, ack: 1 }],
      drops: ['tcpUnacceptable'],
    });
    expect(answer(s, { flags: 'S' })).toEqual({ sent: [], drops: ['tcpUnacceptable'] });
    expect(s.env.counters).toMatchObject({
      TcpExtTCPACKSkippedSynRecv: 1,
      TcpExtTCPACKSkippedSeq: 0,
    });
    expect(s.send({ flags: 'S' })).toEqual([]);
    rested(s);
    expect(s.send({ flags: 'S' })).toMatchObject([{ flags: 'S.' }]);
  });

  it('an older SYN, or another old segment, gets an ACK', () => {
    for (const old of [
      { flags: 'S', seq: -5 },
      { flags: '.', seq: 0, ack: 1 },
      { flags: 'S.', seq: -5, ack: 1 },
    ]) {
      const s = listening();
      expect(answer(s, old)).toMatchObject({
        sent: [{ flags: '.', seq: 1, ack: 1 }],
        drops: ['tcpUnacceptable'],
      });
      expect(s.state).toBe('SYN-RECEIVED');
    }
  });

  it('old data gets an ACK without D-SACK: the peer cannot have sent it on this connection', () => {
    const s = listening({}, { sackOk: true });
    const { sent } = answer(s, { flags: '.', seq: -10, ack: 1, len: 5 });
    expect(sent).toHaveLength(1);
    expect(sent[0]!.sack).toBeUndefined();
    expect(s.env.counters.TcpExtTCPDSACKOldSent).toBe(0);
  });

  it('a rate-limited reply is counted for this state', () => {
    const s = listening();
    s.send({ flags: '.', seq: 0, ack: 1 });
    expect(s.send({ flags: '.', seq: 0, ack: 1 })).toEqual([]);
    expect(s.env.counters).toMatchObject({
      TcpExtTCPACKSkippedSynRecv: 1,
      TcpExtTCPACKSkippedSeq: 0,
    });
  });

  it('a SYN in the window: a passive open returns to LISTEN, an active open sends a challenge ACK (RFC 5961 section 4.2)', () => {
    const passive = listening({ profile: 'rfc' });
    expect(answer(passive, { flags: 'S', seq: 1 })).toEqual({ sent: [], drops: [] });
    expect(passive.conn.error).toBe('ECONNRESET');
    const linux = listening();
    const { sent } = answer(linux, { flags: 'S', seq: 7 });
    // RFC 9293 section 3.5.2 group 1: SEQ=0, not relative to ISS
    const zero = (0 - linux.conn.iss) | 0;
    expect(sent).toMatchObject([{ flags: 'R.', seq: zero, ack: 8 }]);
    expect(linux.conn.error).toBe('ECONNRESET');
    const active = simultaneous();
    expect(answer(active, { flags: 'S', seq: 1 })).toMatchObject({
      sent: [{ flags: '.' }],
      drops: ['tcpSynChallenge'],
    });
    expect(active.state).toBe('SYN-RECEIVED');
  });

  it("of a simultaneous open's SYN,ACK only the ACK matters: a wrong one gets a RST, a right one an ACK", () => {
    const s = simultaneous();
    expect(answer(s, { flags: 'S.', ack: 2 })).toMatchObject({
      sent: [{ flags: 'R', seq: 2 }],
      drops: ['tcpBadAck'],
    });
    expect(s.state).toBe('SYN-RECEIVED');
    expect(answer(s, { flags: 'S.', ack: 1 })).toMatchObject({
      sent: [{ flags: '.', seq: 1, ack: 1 }],
      drops: [],
    });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('MUST-11: a RST ends a passive open as a reset, and an active one as a refusal', () => {
    for (const [s, error] of [
      [listening(), 'ECONNRESET'],
      [simultaneous(), 'ECONNREFUSED'],
    ] as const) {
      s.send({ flags: 'R', seq: 1 });
      expect([s.state, s.conn.error]).toEqual(['CLOSED', error]);
    }
  });

  it('the time of the last data is at first the time when the connection was established (tcpi_last_data_recv)', () => {
    const s = listening();
    s.wait(100 * MILLISECOND);
    s.send(ACK);
    expect(s.conn.rcv.dataAt).toBe(s.now);
  });

  it('RFC 7413 section 4.2.2: a Fast Open uses the initial window from the SYN on; the ACK of the SYN,ACK does not reset it', () => {
    const fastOpen = new FastOpen({ cookie: null, experimental: false, accepted: true });
    const s = listening({ fastOpen }, { len: 10, seq: 0, cookie: [1, 2, 3, 4] });
    const start = s.now;
    s.wait(SECOND); // SYN,ACK twice
    setWindow(s.conn.snd.congestion, { cwnd: 7 });
    s.send({ flags: '.', seq: 11, ack: 1 });
    expect(s.state).toBe('ESTABLISHED');
    expect(s.conn.snd.congestion.cwnd).toBe(7);
    expect(s.conn.rcv.dataAt).toBe(start);
  });

  it('data on the ACK is accepted', () => {
    const s = listening();
    expect(reached(s, { ...ACK, len: 10 })).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(s.read()).toBe(10);
  });

  it('CLOSE waits for the ACK before it sends the FIN', () => {
    const s = listening();
    expect(s.close()).toEqual([]);
    expect(s.send(ACK)).toMatchObject([{ flags: 'F.', seq: 1 }]);
    expect(s.state).toBe('FIN-WAIT-1');
  });

  it('RFC 5681 section 3.1, as in Linux: if the SYN,ACK was sent three times, the connection starts with one segment', () => {
    for (const [wait, cwnd] of [
      [0, 10],
      [1, 10],
      [3, 1],
    ] as const) {
      const s = listening();
      s.wait(wait * SECOND);
      s.send(ACK);
      expect(s.conn.snd.congestion.cwnd).toBe(cwnd);
    }
  });

  it('RFC 6298 5.7: if the SYN,ACK was sent twice, data starts with an RTO of 3 s, unless timestamps gave a sample', () => {
    const s = listening();
    s.wait(SECOND);
    s.send(ACK);
    s.write(1);
    expect(s.timer('rto')).toBe(3 * SECOND);
    const stamped = listening({}, { ts: [1, 0] });
    stamped.wait(SECOND);
    stamped.wait(100 * MILLISECOND);
    stamped.send({ ...ACK, ts: [2, stamped.last.ts![0]] });
    stamped.write(1);
    expect(stamped.timer('rto')).toBe(300 * MILLISECOND);
  });

  it.each([
    ['linux', 3 * SECOND],
    ['rfc', SECOND], // RFC 6298 2.1: nothing was lost
  ] as const)(
    'a connection from a SYN cookie has no sample: in profile %s RTO is %i us',
    (profile, rto) => {
      const s = Peer.listen({ config: PROFILES[profile] });
      const [syn, ack] = [new Segment(), new Segment()];
      fill(syn, { flags: 'S', mss: 1460 }, s.peerIss, s.conn.iss);
      fill(ack, ACK, s.peerIss, s.conn.iss);
      s.conn.openFromCookie(syn, ack, s.now);
      expect(s.state).toBe('ESTABLISHED');
      s.write(1);
      expect(s.conn.tcpInfo(s.now)).toMatchObject({
        tcpi_rto: rto,
        tcpi_segs_in: 2,
        tcpi_segs_out: 1,
        tcpi_delivered: 1,
      });
    },
  );

  it('a paced connection starts with a rate of twice cwnd in a round trip (Linux: tcp_pacing_ss_ratio)', () => {
    const s = Peer.listen({ config: { pacing: true } });
    s.send({ flags: 'S', mss: 1000 });
    s.wait(100 * MILLISECOND);
    s.send(ACK);
    expect(s.conn.snd.pacing.rate).toBe((2 * 10 * 1000) / 0.1);
    expect(Peer.established().conn.snd.pacing.rate).toBe(Infinity);
  });
});

describe('first step: PAWS and the sequence number', () => {
  const DAY = 86_400 * SECOND;
  // TS.Recent is 1001.
  const stamped = (): Peer => Peer.established({ profile: 'rfc' }, { ts: [1000, 0] });

  it('an old timestamp is dropped before any step, acknowledged, and counted', () => {
    const s = stamped();
    expect(reached(s, { ...ACK, len: 10, ts: [1000, 0] })).toEqual([]);
    expect(s.last).toMatchObject({ flags: '.', ack: 1 });
    expect([s.drops, s.env.counters.TcpExtPAWSEstab]).toEqual([['tcpPaws'], 1]);
    expect(reached(s, { ...ACK, len: 10, ts: [1001, 0] }), 'the same segment again').toEqual([
      1, 2, 4, 5, 6, 7, 8,
    ]);
  });

  it('the reply to an old timestamp without data is rate-limited and counted', () => {
    const s = stamped();
    expect(s.send({ ...ACK, ts: [1000, 0] })).toHaveLength(1);
    expect(s.send({ ...ACK, ts: [1000, 0] })).toEqual([]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPACKSkippedPAWS: 1, TcpExtTCPACKSkippedSeq: 0 });
    expect(s.notes).toContain('ack-throttled');
  });

  it('RFC 7323 section 5.5: TS.Recent is valid for less than 24 days', () => {
    const s = stamped();
    s.wait(24 * DAY - 1);
    expect(answer(s, { ...ACK, len: 10, ts: [5, 0] }).drops).toEqual(['tcpPaws']);
    s.wait(1);
    expect(answer(s, { ...ACK, len: 10, ts: [5, 0] }).drops).toEqual([]);
  });

  it('a segment without the option is dropped before any step and not answered; a RST needs no option', () => {
    const s = stamped();
    expect(reached(s, { ...ACK, len: 10 })).toEqual([]);
    expect(s.got).toHaveLength(1);
    s.send({ flags: 'R', seq: 1 });
    expect(s.conn.error).toBe('ECONNRESET');
  });

  it('timestamps that were not negotiated are ignored', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 10, ts: [1000, 0] });
    s.send({ ...ACK, seq: 11, len: 10, ts: [999, 0] });
    expect([s.drops, s.read()]).toEqual([[], 20]);
  });

  it('the processing of a segment outside the window ends there', () => {
    const s = Peer.established();
    expect(reached(s, { ...ACK, seq: -100, len: 50 })).toEqual([1]);
    expect(reached(s, { flags: 'R', seq: -100 })).toEqual([1]);
  });

  it('a SYN,ACK retransmitted after the handshake gets a challenge ACK', () => {
    const s = Peer.connect();
    s.send({ flags: 'S.', ack: 1 });
    const again = answer(s, { flags: 'S.', ack: 1 });
    expect(again).toMatchObject({
      sent: [{ flags: '.', seq: 1, ack: 1 }],
      drops: ['tcpSynChallenge'],
    });
    expect(s.send({ flags: 'S.', ack: 1 }), 'once in half a second').toEqual([]);
    expect(s.env.counters).toMatchObject({
      TcpExtTCPACKSkippedChallenge: 1,
      TcpExtTCPACKSkippedSeq: 0,
    });
  });

  it('a SYN retransmitted after the handshake gets a challenge ACK, no SYN,ACK', () => {
    const s = Peer.established();
    expect(answer(s, { flags: 'S' })).toMatchObject({
      sent: [{ flags: '.', seq: 1, ack: 1 }],
      drops: ['tcpSynChallenge'],
    });
  });

  it('RFC 2883: old data is reported as a duplicate each time, up to RCV.NXT', () => {
    const s = Peer.established({}, { sackOk: true });
    s.send({ ...ACK, len: 10 });
    for (let i = 1; i <= 3; i++) {
      expect(s.send({ ...ACK, len: 10 })).toMatchObject([{ flags: '.', ack: 11, sack: [[1, 11]] }]);
      expect(s.env.counters.TcpExtTCPDSACKOldSent).toBe(i);
    }
  });

  it('data beyond the window is not a duplicate: it gets an ACK each time, without D-SACK', () => {
    const s = Peer.established({}, { sackOk: true });
    for (let i = 0; i < 2; i++) {
      const [ack] = s.send({ ...ACK, seq: 1 + (1 << 20), len: 10 });
      expect(ack).toMatchObject({ flags: '.', ack: 1 });
      expect(ack!.sack).toBeUndefined();
    }
    expect(s.env.counters.TcpExtTCPDSACKOldSent).toBe(0);
  });

  it('an old FIN without data is acknowledged each time, without D-SACK', () => {
    const s = Peer.established({}, { sackOk: true });
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    for (let i = 0; i < 2; i++) {
      const { sent, drops } = answer(s, { flags: 'F.', seq: 1, ack: 1 });
      expect(sent).toMatchObject([{ flags: '.', ack: 2 }]);
      expect([sent[0]!.sack, drops]).toEqual([undefined, ['tcpUnacceptable']]);
    }
    expect(s.env.counters.TcpExtTCPDSACKOldSent).toBe(0);
  });
});

describe('second step: RST', () => {
  const reset = (s: Peer, seq = 1): string | null => {
    s.send({ flags: 'R', seq });
    expect(s.state).toBe('CLOSED');
    return s.conn.error;
  };
  const closing = (): Peer => {
    const s = Peer.established();
    s.close();
    return s;
  };

  it('the error for the user depends on the state', () => {
    expect(reset(Peer.established()), 'ESTABLISHED').toBe('ECONNRESET');
    const finWait1 = closing();
    expect(reset(finWait1), 'FIN-WAIT-1').toBe('ECONNRESET');
    const finWait2 = closing();
    finWait2.send({ flags: '.', seq: 1, ack: 2 });
    expect(finWait2.state).toBe('FIN-WAIT-2');
    expect(reset(finWait2), 'FIN-WAIT-2').toBe('ECONNRESET');
    const closeWait = Peer.established();
    closeWait.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(reset(closeWait, 2), 'CLOSE-WAIT').toBe('EPIPE');
    const simultaneous = closing();
    simultaneous.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(simultaneous.state).toBe('CLOSING');
    expect(reset(simultaneous, 2), 'CLOSING').toBeNull();
    const lastAck = Peer.established();
    lastAck.send({ flags: 'F.', seq: 1, ack: 1 });
    lastAck.close();
    expect(lastAck.state).toBe('LAST-ACK');
    expect(reset(lastAck, 2), 'LAST-ACK').toBeNull();
  });

  it('ends the processing, whether it resets or gets a challenge ACK', () => {
    const s = Peer.established();
    expect(reached(s, { flags: 'R.', seq: 2, ack: 1 })).toEqual([1, 2]);
    expect(reached(s, { flags: 'R.', seq: 1, ack: 1 })).toEqual([1, 2]);
  });

  it('a RST with the number before RCV.NXT is valid only after a FIN', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 10 });
    expect(answer(s, { flags: 'R', seq: 10 })).toEqual({
      sent: [],
      drops: ['tcpRstOutsideWindow'],
    });
    expect(s.state).toBe('ESTABLISHED');
    s.send({ flags: 'F.', seq: 11, ack: 1 });
    expect(answer(s, { flags: 'R', seq: 10 }).drops).toEqual(['tcpRstOutsideWindow']);
    expect(reset(s, 11)).toBe('EPIPE');
  });

  it('the number after out-of-order data is valid only if SACK reported that data to the peer', () => {
    for (const sackOk of [true, false]) {
      const s = Peer.established({}, { sackOk });
      s.send({ ...ACK, seq: 101, len: 100 });
      const { drops } = answer(s, { flags: 'R', seq: 201 });
      expect([s.state, drops]).toEqual(
        sackOk ? ['CLOSED', []] : ['ESTABLISHED', ['tcpRstChallenge']],
      );
    }
  });

  it('a number beyond out-of-order data is not valid', () => {
    const s = Peer.established({}, { sackOk: true });
    s.send({ ...ACK, seq: 101, len: 100 });
    expect(answer(s, { flags: 'R', seq: 202 }).drops).toEqual(['tcpRstChallenge']);
  });

  it('without out-of-order data no such number is valid, not even 0', () => {
    const s = Peer.established({ peerIss: 0xffffff00 }, { sackOk: true });
    expect(answer(s, { flags: 'R', seq: 0x100 }).drops).toEqual(['tcpRstChallenge']);
  });
});

describe('fourth step: SYN', () => {
  it('RFC 5961 section 4.2: in the window it gets a challenge ACK, is counted, and ends the processing', () => {
    const s = Peer.established();
    expect(reached(s, { flags: 'S.', seq: 1, ack: 1, len: 10 })).toEqual([1, 2, 4]);
    expect(s.last).toMatchObject({ flags: '.', seq: 1, ack: 1 });
    expect(s.env.counters).toMatchObject({ TcpExtTCPSYNChallenge: 1, TcpExtTCPChallengeACK: 1 });
    expect(s.notes).toContain('challenge-ack');
    expect(s.read()).toBe(0);
  });

  it('if a passive open returns from SYN-RECEIVED to LISTEN, the processing ends as well', () => {
    const s = Peer.listen();
    s.send({ flags: 'S' });
    expect(reached(s, { flags: 'S.', seq: 1, ack: 1 })).toEqual([1, 2, 4]);
  });
});

describe('fifth step: ACK', () => {
  /** A connection that sent 100 bytes, all of which are acknowledged. */
  function sent(o: Options = {}, syn: Partial<Wire> = {}): Peer {
    const s = Peer.established(o, syn);
    s.write(100);
    s.send({
      flags: '.',
      seq: 1,
      ack: 101,
      ...(syn.ts ? { ts: [syn.ts[0] + 1, s.last.ts![0]] } : {}),
    });
    return rested(s);
  }

  it('a segment without ACK ends there', () => {
    const s = Peer.established();
    expect(reached(s, { flags: 'P', seq: 1, len: 10 })).toEqual([1, 2, 4, 5]);
    expect([s.drops, s.env.counters.TcpExtTCPChallengeACK]).toEqual([['tcpNoAck'], 0]);
  });

  it('RFC 5961 section 5.2: an ACK of data that was never sent gets a challenge ACK, and ends there', () => {
    const s = sent();
    expect(reached(s, { flags: '.', seq: 1, ack: 102, len: 10 })).toEqual([1, 2, 4, 5]);
    expect(s.drops).toEqual(['tcpBadAck']);
    expect(s.last).toMatchObject({ flags: '.', seq: 101, ack: 1 });
    expect(s.env.counters.TcpExtTCPChallengeACK).toBe(1);
  });

  it('RFC 5961 section 5.2: an old ACK is accepted if it is within MAX.SND.WND of SND.UNA', () => {
    const s = Peer.established({}, { win: 60 }, 60);
    for (const ack of [61, 121]) {
      s.write(60);
      s.send({ flags: '.', seq: 1, ack, win: 60 });
    }
    expect(answer(s, { flags: '.', seq: 1, ack: 61, len: 10 }).drops).toEqual([]);
    expect(answer(s, { flags: '.', seq: 11, ack: 60, len: 10 }).drops).toEqual(['tcpOldAck']);
    expect(s.read()).toBe(10);
  });

  it('an old ACK below the first byte is rejected for any window, because that was never sent', () => {
    const s = sent();
    expect(answer(s, { flags: '.', seq: 1, ack: 1, len: 10 }).drops).toEqual([]);
    expect(answer(s, { flags: '.', seq: 11, ack: 0, len: 10 }).drops).toEqual(['tcpOldAck']);
  });

  it('as in Linux: a segment with the latest ACK updates TS.Recent, one with an older ACK does not', () => {
    const s = sent({ config: { noDelay: true } }, { ts: [1000, 0] });
    const recent = (): number => s.write(1).at(-1)!.ts![1];
    s.send({ flags: '.', seq: 1, ack: 100, ts: [2000, 0] });
    expect(recent()).toBe(1001);
    s.send({ flags: '.', seq: 1, ack: 101, ts: [2000, 0] });
    expect(recent()).toBe(2000);
  });

  it('of our FIN: FIN-WAIT-1 becomes FIN-WAIT-2, and the text is processed', () => {
    const s = Peer.established();
    s.close();
    expect(reached(s, { flags: '.', seq: 1, ack: 2, len: 10 })).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect([s.state, s.read()]).toEqual(['FIN-WAIT-2', 10]);
    expect(s.timer('fin-wait-2'), 'the user still reads').toBe(Infinity);
  });

  it('of our FIN, with the FIN of the peer, after the user released the connection: both are processed', () => {
    const s = Peer.established();
    s.release();
    expect(s.send({ flags: 'F.', seq: 1, ack: 2 })).toMatchObject([{ flags: '.', ack: 2 }]);
    expect(s.state).toBe('TIME-WAIT');
  });

  it('of our FIN, without FIN-WAIT-2 (TCP_LINGER2 below 0): sends RST and ends the connection', () => {
    const s = Peer.established();
    s.conn.setLinger2(-1);
    s.release();
    expect(reached(s, { flags: 'F.', seq: 1, ack: 2, len: 10 })).toEqual([1, 2, 4, 5]);
    expect(s.last).toMatchObject({ flags: 'R', seq: 2 });
    expect([s.state, s.drops]).toEqual(['CLOSED', []]);
  });

  it('of our FIN: CLOSING and LAST-ACK end, and the rest of the segment is ignored', () => {
    const closing = Peer.established();
    closing.close();
    closing.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(reached(closing, { flags: '.', seq: 2, ack: 2 })).toEqual([1, 2, 4, 5]);
    expect(closing.state).toBe('TIME-WAIT');
    const lastAck = Peer.established();
    lastAck.send({ flags: 'F.', seq: 1, ack: 1 });
    lastAck.close();
    expect(reached(lastAck, { flags: '.', seq: 2, ack: 2 })).toEqual([1, 2, 4, 5]);
    expect([lastAck.state, lastAck.conn.error]).toEqual(['CLOSED', null]);
  });

  it('of data before our FIN: CLOSING and LAST-ACK stay', () => {
    const s = Peer.established();
    s.write(10);
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    s.close();
    s.send({ flags: '.', seq: 2, ack: 11 });
    expect(s.state).toBe('LAST-ACK');
  });
});

describe('seventh step: the text', () => {
  it('in order: it is counted, the user gets an event, and no duplicate ACK is owed', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 3000, gsoSize: 1000 });
    expect(s.conn.stats).toMatchObject({ dataSegsIn: 3, bytesIn: 3000 });
    expect(s.takeEvents()).toEqual(['readable']);
    expect(s.notes).not.toContain('duplicate-ack-owed');
  });

  it('out of order: nothing to read yet; only new data is counted, and each segment owes a duplicate ACK', () => {
    const s = Peer.established();
    s.send({ ...ACK, seq: 101, len: 100 });
    expect(s.takeEvents()).toEqual([]);
    expect(s.conn.stats).toMatchObject({ dataSegsIn: 1, bytesIn: 0 });
    expect(s.env.counters.TcpExtTCPOFOQueue).toBe(1);
    s.send({ ...ACK, seq: 101, len: 100 });
    expect(s.env.counters.TcpExtTCPOFOQueue).toBe(1);
    expect(s.notes.filter((n) => n === 'duplicate-ack-owed')).toHaveLength(2);
    s.send({ ...ACK, len: 100 });
    expect(s.conn.stats).toMatchObject({ dataSegsIn: 3, bytesIn: 200 });
    expect(s.takeEvents()).toEqual(['readable']);
  });

  it('a segment without text passes all steps and is not counted', () => {
    const s = Peer.established();
    expect(reached(s, ACK)).toEqual([1, 2, 4, 5, 6, 7, 8]);
    expect(s.conn.stats.dataSegsIn).toBe(0);
    expect(s.takeEvents()).toEqual([]);
  });

  it('beyond the limit of pieces, one above the others is dropped, one below evicts another; both are counted', () => {
    const s = Peer.established({ config: { outOfOrderPieces: 1 } });
    const pieces = (seq: number): number[] => {
      s.send({ ...ACK, seq, len: 10 });
      return [s.env.counters.TcpExtTCPOFODrop, s.env.counters.TcpExtOfoPruned];
    };
    expect(pieces(301)).toEqual([0, 0]);
    expect(pieces(401)).toEqual([1, 0]);
    expect(s.drops).toEqual(['tcpOutOfOrderLimit']);
    expect(pieces(201)).toEqual([1, 1]);
    expect(pieces(101)).toEqual([1, 2]);
    expect(s.drops).toHaveLength(1);
  });

  it('dropped for lack of memory: causes an ACK but no duplicate ACK; the peer retransmits', () => {
    const s = Peer.established({ config: { memory: { low: 0, pressure: 0, high: 0 } } });
    s.send({ ...ACK, len: 100 });
    expect(answer(s, { ...ACK, seq: 101, len: 100 })).toMatchObject({
      sent: [{ ack: 101 }],
      drops: ['tcpMemory'],
    });
    expect(s.notes).not.toContain('duplicate-ack-owed');
    expect(s.env.counters.TcpExtTCPOFODrop).toBe(0);
  });

  it("after the peer's FIN: it is dropped, and the rest of the segment is processed", () => {
    const s = Peer.established();
    s.write(100);
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(reached(s, { flags: '.', seq: 2, ack: 101, len: 10 })).toEqual([1, 2, 4, 5, 6, 7, 8]);
    // The FIN.
    expect([s.drops, s.conn.stats.bytesIn, s.conn.snd.flight]).toEqual([['tcpAfterClose'], 1, 0]);
  });

  it('SHLD-3: data after the user released the connection resets it with SEG.ACK, and ends the processing', () => {
    const s = Peer.established();
    s.release();
    expect(reached(s, { flags: 'F.', seq: 1, ack: 2, len: 10 })).toEqual([1, 2, 4, 5, 6, 7]);
    expect(s.last).toMatchObject({ flags: 'R', seq: 2 });
    expect([s.drops, s.conn.error, s.env.counters.TcpExtTCPAbortOnData]).toEqual([
      ['tcpAfterClose'],
      null,
      1,
    ]);
  });

  it('data that had arrived before does not reset it, and the FIN after it is processed', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 10 });
    s.read();
    s.release();
    expect(s.send({ flags: 'F.', seq: 1, ack: 2, len: 10 }).map((x) => x.flags)).not.toContain('R');
    expect(s.state).toBe('TIME-WAIT');
  });

  it('data of which a part is new resets it', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 10 });
    s.read();
    s.release();
    expect(s.send({ flags: '.', seq: 1, ack: 2, len: 11 })).toMatchObject([{ flags: 'R', seq: 2 }]);
  });
});

describe("the receiver's round trip, by the echo of its timestamps", () => {
  /** A full segment of the peer is assumed to have 536 bytes. */
  function echoed(age: number, len: number): number {
    const s = Peer.established({}, { ts: [1, 0] });
    const [{ ts }] = s.write(1) as [Sent];
    s.wait(age);
    s.send({ flags: '.', seq: 1, ack: 2, len, ts: [2, ts![0]] });
    return s.conn.rcv.tuning.rtt;
  }

  it('is the age of the echoed timestamp', () => {
    expect(echoed(50 * MILLISECOND, 1000)).toBe(50 * MILLISECOND);
  });

  it('is at least a millisecond, the tick of the clock', () => {
    expect(echoed(0, 1000)).toBe(MILLISECOND);
  });

  it('is taken from full segments only, because a smaller one may echo a delayed ACK', () => {
    expect(echoed(50 * MILLISECOND, 536)).toBe(50 * MILLISECOND);
    expect(echoed(50 * MILLISECOND, 535)).toBe(0);
  });

  it('is not taken if timestamps were not negotiated', () => {
    const s = Peer.established();
    s.write(1);
    s.wait(50 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 2, len: 1000, ts: [5, 7] });
    expect(s.conn.rcv.tuning.rtt).toBe(0);
  });

  it('is not taken from an echo of 0', () => {
    const s = Peer.established({}, { ts: [1, 0] });
    const [{ ts }] = s.write(1) as [Sent];
    s.wait(50 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 2, len: 1000, ts: [2, ts![0]] });
    s.send({ flags: '.', seq: 1001, ack: 2, len: 1000, ts: [2, 0] });
    expect(s.conn.rcv.tuning.rtt).toBe(50 * MILLISECOND);
  });
});

describe('ECN (RFC 3168 section 6.1.3)', () => {
  it('an observer is notified once when the echo begins and once when it ends', () => {
    const s = Peer.established({}, { flags: 'SEW' });
    const heard = (w: Wire): string[] => {
      const from = s.notes.length;
      s.send(w);
      return s.notes.slice(from).filter((n) => n.startsWith('ecn-'));
    };
    expect(heard({ ...ACK, len: 10, ecn: 2 })).toEqual([]);
    expect(heard({ ...ACK, seq: 11, len: 10, ecn: 3 })).toEqual(['ecn-marked']);
    expect(heard({ ...ACK, seq: 21, len: 10, ecn: 3 })).toEqual([]);
    expect(heard({ ...ACK, flags: 'W.', seq: 31, len: 10, ecn: 2 })).toEqual(['ecn-answered']);
  });

  it('marks are ignored if ECN was not negotiated', () => {
    const s = Peer.established();
    s.send({ ...ACK, len: 10, ecn: 3 });
    expect(s.notes).not.toContain('ecn-marked');
    expect(s.last.flags).toBe('.');
  });
});

describe('eighth step: the FIN', () => {
  it('out of order: causes a duplicate ACK, and no end of the stream yet', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'F.', seq: 11, ack: 1 })).toMatchObject([{ flags: '.', ack: 1 }]);
    expect([s.state, s.takeEvents()]).toEqual(['ESTABLISHED', []]);
  });

  it('out of order after text: the segment owes one duplicate ACK, not two (RFC 5681 section 4.2)', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'F.', seq: 101, ack: 1, len: 10 })).toMatchObject([
      { flags: '.', ack: 1 },
    ]);
  });

  it('each one out of order owes its own duplicate ACK, also within a batch (RFC 5681 section 4.2)', () => {
    const s = Peer.established();
    const sent = s.sendBatch({ ...ACK, seq: 101, len: 10 }, { flags: 'F.', seq: 111, ack: 1 });
    expect(sent.map((x) => x.ack)).toEqual([1, 1]);
  });

  it('a segment without FIN owes nothing', () => {
    const s = Peer.established();
    expect(s.send(ACK)).toEqual([]);
  });

  it('a second FIN beyond the first is acknowledged, and does not end the stream again', () => {
    const s = Peer.established();
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    s.takeEvents();
    const again = { flags: 'F.', seq: 2, ack: 1 };
    expect(s.send(again)).toMatchObject([{ flags: '.', ack: 2 }]);
    expect([s.state, s.takeEvents()]).toEqual(['CLOSE-WAIT', []]);
    expect(s.sendBatch(again, again), 'not out of order: one ACK for a batch').toHaveLength(1);
  });

  it('in FIN-WAIT-1 and FIN-WAIT-2 it is acknowledged at once, although ACKs are delayed', () => {
    for (const ack of [1, 2]) {
      const s = Peer.established();
      s.send({ ...ACK, len: 10 });
      s.close();
      s.send({ flags: '.', seq: 11, ack });
      expect(s.state).toBe(ack === 1 ? 'FIN-WAIT-1' : 'FIN-WAIT-2');
      expect(s.send({ flags: 'F.', seq: 11, ack })).toMatchObject([{ flags: '.', ack: 12 }]);
    }
  });

  it('its number may be the first beyond the window; a later FIN is cut off with the text before it', () => {
    const last = (len: number): Peer => {
      const s = Peer.established({ config: { receiveBufferBytes: 8000 }, mss: 1000 });
      s.send({ ...ACK, len: 7000, gsoSize: 1000 });
      expect(s.conn.rcv.wnd).toBe(1000);
      s.send({ flags: 'F.', seq: 7001, ack: 1, len });
      return s;
    };
    const fits = last(1000);
    expect([fits.state, fits.read()]).toEqual(['CLOSE-WAIT', 8000]);
    const over = last(1001);
    expect([over.state, over.drops, over.read()]).toEqual([
      'ESTABLISHED',
      ['tcpBeyondWindow'],
      8000,
    ]);
    over.send({ flags: '.', seq: 8001, ack: 1, len: 1 });
    expect([over.read(), over.state], 'the FIN has no effect').toEqual([1, 'ESTABLISHED']);
  });
});
