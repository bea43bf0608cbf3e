/**
 * RFC 7323 in profile `rfc`, compared with the tolerance of Linux, which scripts of
 * test/scripts/timestamps and paws test in full.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import type { ProfileName } from '../../src/tcp/config.js';
import { FastOpen } from '../../src/tcp/fast-open.js';
import { resetFor } from '../../src/tcp/reset.js';
import { Segment } from '../../src/wire/tcp.js';
import { fill, Peer, type Wire } from './peer.js';

const DAY = 86_400 * SECOND;
const ts = (val: number, ecr = 0): Pick<Wire, 'ts'> => ({ ts: [val, ecr] });
const data = (seq: number, more: Partial<Wire> = {}): Wire => ({
  flags: 'P.',
  seq,
  ack: 1,
  len: 10,
  ...more,
});
/** TS.Recent is 1001. */
const established = (profile: ProfileName): Peer => Peer.established({ profile }, ts(1000));
const isTaken = (s: Peer, w: Wire): boolean => {
  const before = s.drops.length;
  s.send(w);
  return s.drops.length === before;
};

describe('missing timestamps that were negotiated (RFC 7323 section 3.2)', () => {
  it('rfc: the segment is dropped without an answer, and the connection stays', () => {
    const s = established('rfc');
    expect(s.send(data(1))).toEqual([]);
    expect([s.drops, s.state]).toEqual([['tcpNoTimestamp'], 'ESTABLISHED']);
    expect(isTaken(s, data(1, ts(1002)))).toBe(true);
  });

  it('linux: the segment is accepted, and TS.Recent stays', () => {
    const s = established('linux');
    expect(s.send(data(1))).toMatchObject([{ ack: 11 }]);
    expect([s.drops, s.last.ts![1]]).toEqual([[], 1001]);
  });

  it('linux: its ACK gives a round-trip sample from the time of sending', () => {
    const s = established('linux');
    s.write(100);
    s.wait(30 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 101 });
    expect(s.conn.snd.rtt.srtt).toBeGreaterThan(3 * MILLISECOND);
  });

  it.each(['linux', 'rfc'] as const)('%s: a RST needs no timestamps', (profile) => {
    const s = established(profile);
    s.send({ flags: 'R', seq: 1 });
    expect(s.conn.error).toBe('ECONNRESET');
  });

  it.each(['linux', 'rfc'] as const)(
    '%s: a SYN without them gets a challenge ACK (RFC 5961 section 4.2)',
    (profile) => {
      for (const seq of [1, 500_000_000]) {
        const s = established(profile);
        expect(s.send({ flags: 'S', seq, mss: 1460 })).toMatchObject([
          { flags: '.', seq: 1, ack: 1 },
        ]);
        expect([s.drops, s.env.counters.TcpExtTCPSYNChallenge]).toEqual([['tcpSynChallenge'], 1]);
      }
    },
  );

  it.each(['linux', 'rfc'] as const)(
    '%s: in SYN-RECEIVED a SYN without them is answered',
    (profile) => {
      const s = Peer.listen({ profile });
      s.send({ flags: 'S', mss: 1460, ...ts(1000) });
      expect(s.send({ flags: 'S', mss: 1460 })).toMatchObject([{ flags: 'S.', seq: 0, ack: 1 }]);
      s.wait(600 * MILLISECOND);
      expect(s.send({ flags: 'S', seq: 500_000_000, mss: 1460 })).toMatchObject([
        { flags: '.', seq: 1, ack: 1 },
      ]);
      expect(s.state).toBe('SYN-RECEIVED');
    },
  );
});

describe('PAWS (RFC 7323 section 5.3)', () => {
  it.each([
    ['linux', 0, true],
    ['linux', 1, false],
    ['rfc', 0, false],
  ] as const)(
    '%s: a timestamp more than one behind, by %i ticks: accepted %s',
    (profile, more, taken) => {
      const s = established(profile);
      expect(isTaken(s, data(1, ts(1000 - more)))).toBe(taken);
      expect(s.last).toMatchObject({ ack: taken ? 11 : 1 });
      expect(s.last.ts![1]).toBe(1001);
    },
  );

  it.each([
    ['linux', [], 'TcpExtPAWSOldAck'],
    ['rfc', [{ flags: '.', ack: 11 }], 'TcpExtPAWSEstab'],
  ] as const)('%s: the answer to an old ACK below RCV.NXT', (profile, answer, counter) => {
    const s = established(profile);
    s.send(data(1, ts(1100)));
    s.wait(600 * MILLISECOND);
    expect(s.send({ flags: '.', seq: 1, ack: 1, ...ts(900) })).toMatchObject(answer);
    expect([s.drops, s.env.counters[counter]]).toEqual([['tcpPaws'], 1]);
  });

  it('linux: a duplicate ACK that is late by at most an RTO is accepted; rfc: it is answered', () => {
    const late = (profile: ProfileName, by: number): boolean => {
      const s = established(profile);
      s.wait(600 * MILLISECOND);
      return isTaken(s, { flags: '.', seq: 1, ack: 1, win: 65_535, ...ts(1001 - by) });
    };
    const ticks = Math.floor((established('linux').conn.snd.rtt.rto / SECOND) * 1200);
    expect([late('linux', 2), late('linux', ticks), late('linux', ticks + 1)]).toEqual([
      true,
      true,
      false,
    ]);
    expect(late('rfc', 2)).toBe(false);
  });

  it.each(['linux', 'rfc'] as const)(
    '%s: after 24 days any timestamp becomes TS.Recent (section 5.5)',
    (profile) => {
      const before = established(profile);
      before.wait(24 * DAY - 1);
      expect(isTaken(before, data(1, ts(5)))).toBe(false);
      const s = established(profile);
      s.wait(24 * DAY);
      expect(isTaken(s, data(1, ts(5)))).toBe(true);
      expect(s.last.ts![1]).toBe(5);
      expect(isTaken(s, data(11, ts(1)))).toBe(false);
    },
  );

  it('an old SYN gets a challenge ACK like any SYN', () => {
    const s = established('rfc');
    s.send({ flags: 'S', seq: 1, ...ts(5) });
    expect(s.env.counters).toMatchObject({ TcpExtTCPSYNChallenge: 1, TcpExtPAWSEstab: 0 });
  });

  it('a segment with both RST and SYN gets no challenge ACK', () => {
    const s = established('linux');
    expect(s.send({ flags: 'SR', seq: 500_000_000, ...ts(1001) })).toEqual([]);
    expect([s.drops, s.env.counters.TcpExtTCPSYNChallenge]).toEqual([['tcpRstOutsideWindow'], 0]);
  });

  it.each([
    ['linux', true, -5],
    ['rfc', false, 0],
  ] as const)(
    '%s: if TS.Recent is 0, an old timestamp is accepted: %s',
    (profile, taken, recent) => {
      const s = Peer.established({ profile }, ts(-1));
      expect(isTaken(s, data(1, ts(-5)))).toBe(taken);
      expect(s.last.ts![1]).toBe(recent);
    },
  );

  it('linux: an old segment with neither ACK nor text is answered', () => {
    const s = established('linux');
    s.send(data(1, ts(1100)));
    s.wait(600 * MILLISECOND);
    expect(s.send({ flags: '', seq: 1, ...ts(900) })).toMatchObject([{ flags: '.', ack: 11 }]);
    expect(s.env.counters).toMatchObject({ TcpExtPAWSEstab: 1, TcpExtPAWSOldAck: 0 });
  });

  it('linux: a late ACK is rejected unless it is a duplicate: if it acknowledges more, is beyond RCV.NXT, or is the first after data', () => {
    const acks = established('linux');
    acks.write(100);
    acks.wait(10 * MILLISECOND);
    expect(isTaken(acks, { flags: '.', seq: 1, ack: 101, ...ts(999) })).toBe(false);
    expect(acks.conn.snd.allAcked).toBe(false);
    expect(isTaken(established('linux'), { flags: '.', seq: 11, ack: 1, ...ts(999) })).toBe(false);
    const hole = established('linux');
    hole.send(data(51, ts(1001))); // SND.WL1 is 51
    hole.wait(600 * MILLISECOND);
    expect(isTaken(hole, { flags: '.', seq: 11, ack: 1, ...ts(999) })).toBe(false);
    const behind = established('linux');
    behind.send(data(1, ts(1001)));
    behind.wait(600 * MILLISECOND);
    expect(isTaken(behind, { flags: '.', seq: 11, ack: 1, ...ts(999) })).toBe(false);
  });

  it.each(['linux', 'rfc'] as const)(
    '%s: an old ACK does not establish a connection',
    (profile) => {
      const s = Peer.listen({ profile });
      s.send({ flags: 'S', mss: 1460, ...ts(1000) });
      s.send({ flags: '.', seq: 1, ack: 1, ...ts(999, s.last.ts![0]) });
      expect([s.state, s.drops]).toEqual(['SYN-RECEIVED', ['tcpPaws']]);
    },
  );

  it('linux: a late duplicate ACK that closes or opens the window is rejected', () => {
    const late = (win: number): boolean => {
      const s = established('linux');
      s.wait(600 * MILLISECOND);
      return isTaken(s, { flags: '.', seq: 1, ack: 1, win, ...ts(999) });
    };
    // The current window is 65,535.
    expect([late(0), late(1), late(65_535)]).toEqual([false, true, true]);
    const s = Peer.established({ profile: 'linux' }, ts(1000), 500);
    s.wait(600 * MILLISECOND);
    expect(isTaken(s, { flags: '.', seq: 1, ack: 1, win: 501, ...ts(999) })).toBe(false);
  });

  it.each([
    ['linux', 'SYN-RECEIVED'],
    ['rfc', 'CLOSED'],
  ] as const)(
    '%s: after an old RST a half-open connection is in %s (section 5.2)',
    (profile, state) => {
      const s = Peer.listen({ profile });
      s.send({ flags: 'S', mss: 1460, ...ts(1000) });
      s.send({ flags: 'R', seq: 1, ...ts(999) });
      expect(s.state).toBe(state);
    },
  );
});

describe('a TSecr that was never sent', () => {
  it.each(['linux', 'rfc'] as const)(
    '%s: a SYN,ACK with one gets a RST, and the connection stays in SYN-SENT',
    (profile) => {
      const s = Peer.connect({ profile });
      const val = s.got[0]!.ts![0];
      s.wait(40 * MILLISECOND);
      for (const ecr of [val - 1, val + 41]) {
        expect(s.send({ flags: 'S.', ack: 1, ...ts(9, ecr) })).toMatchObject([
          { flags: 'R', seq: 1 },
        ]);
        s.send({ flags: 'R.', ack: 1, ...ts(9, ecr) });
        expect(s.state).toBe('SYN-SENT');
      }
      expect([s.drops[0], s.env.counters.TcpExtPAWSActive]).toEqual(['tcpForeignEcho', 4]);
      s.send({ flags: 'S.', ack: 1, ...ts(9, val) });
      expect(s.state).toBe('ESTABLISHED');
    },
  );

  it('is only checked with an ACK: a SYN without ACK starts a simultaneous open, and a RST without ACK is no reply', () => {
    const s = Peer.connect();
    s.send({ flags: 'R', ...ts(9, 12_345) });
    expect([s.drops, s.state]).toEqual([['tcpBadFlags'], 'SYN-SENT']);
    expect(s.send({ flags: 'S', mss: 1460, ...ts(9, 12_345) })).toMatchObject([
      { flags: 'S.', ack: 1 },
    ]);
    expect(s.state).toBe('SYN-RECEIVED');
  });

  it('does not include values between the last SYN and now, as in Linux', () => {
    const s = Peer.connect();
    s.wait(40 * MILLISECOND);
    s.send({ flags: 'S.', ack: 1, ...ts(9, s.got[0]!.ts![0] + 20) });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('does not include those of data sent before the end of the handshake (Fast Open)', () => {
    const s = Peer.listen({
      fastOpen: new FastOpen({ cookie: null, experimental: false, accepted: true }),
    });
    s.send({ flags: 'S', mss: 1460, len: 10, ...ts(1000) });
    s.wait(40 * MILLISECOND);
    const [answer] = s.write(100);
    s.send({ flags: '.', seq: 11, ack: 101, ...ts(1001, answer!.ts![0]) });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('is ignored if we did not offer the option', () => {
    const s = Peer.connect({ config: { timestamps: false } });
    s.send({ flags: 'S.', ack: 1, ...ts(9, 12_345) });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('in SYN-RECEIVED is answered, and does not establish the connection', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1460, ...ts(1000) });
    const val = s.last.ts![0];
    expect(s.send({ flags: '.', seq: 1, ack: 1, ...ts(1001, val + 1) })).toMatchObject([
      { flags: '.', seq: 1 },
    ]);
    expect([s.state, s.env.counters.TcpExtTSEcrRejected]).toEqual(['SYN-RECEIVED', 1]);
    s.send({ flags: '.', seq: 1, ack: 1, ...ts(1001, val) });
    expect(s.state).toBe('ESTABLISHED');
  });

  it('in SYN-RECEIVED is ignored on a retransmitted SYN', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1460, ...ts(1000) });
    expect(s.send({ flags: 'S', mss: 1460, ...ts(1000, 777) })).toMatchObject([
      { flags: 'S.', ack: 1 },
    ]);
    expect(s.drops).toEqual(['tcpUnacceptable']);
  });

  it("in SYN-RECEIVED of an active open is not checked, and an old RST is accepted, because those rules are a listener's", () => {
    const both = (): Peer => {
      const s = Peer.connect();
      s.send({ flags: 'S', mss: 1460, ...ts(1000) });
      expect(s.state).toBe('SYN-RECEIVED');
      return s;
    };
    const opened = both();
    opened.send({ flags: '.', seq: 1, ack: 1, ...ts(1000, 777) });
    expect(opened.state).toBe('ESTABLISHED');
    const refused = both();
    refused.send({ flags: 'R', seq: 1, ...ts(999) });
    expect(refused.conn.error).toBe('ECONNREFUSED');
  });
});

describe('what the sender learns from an echo', () => {
  /** 100 bytes were sent and retransmitted. */
  function resent(agreed: boolean): { s: Peer; first: number; again: number } {
    const s = Peer.established({ config: { tlp: false } }, agreed ? ts(1000) : {});
    s.write(100);
    const first = s.now;
    const [again] = s.wait(1500 * MILLISECOND);
    expect(again).toMatchObject({ seq: 1, len: 100 });
    return {
      s,
      first: Math.floor(first / MILLISECOND),
      again: Math.floor(again!.at / MILLISECOND),
    };
  }
  const acked = (s: Peer, ecr: number): { srtt: number; undone: boolean } => {
    const { srtt } = s.conn.snd.rtt;
    s.send({ flags: '.', seq: 1, ack: 101, ...ts(1001, ecr) });
    return { srtt: s.conn.snd.rtt.srtt - srtt, undone: s.notes.includes('undo') };
  };

  it('an echo of the original: the timeout was spurious (RFC 3522), and the round trip was long', () => {
    const { s, first } = resent(true);
    const { srtt, undone } = acked(s, first);
    expect(undone).toBe(true);
    expect(srtt).toBeGreaterThan(100 * MILLISECOND);
  });

  it('an echo of the retransmission: the timeout was not spurious', () => {
    const { s, again } = resent(true);
    expect(acked(s, again).undone).toBe(false);
  });

  it('an echo of 0 is none: neither undo nor round trip (Karn)', () => {
    expect(acked(resent(true).s, 0)).toEqual({ srtt: 0, undone: false });
  });

  it('nothing if timestamps were not negotiated', () => {
    const { s, first } = resent(false);
    expect(acked(s, first)).toEqual({ srtt: 0, undone: false });
  });
});

describe('timestamps of a RST (RFC 7323 section 5.2)', () => {
  it.each(['linux', 'rfc'] as const)('%s: a RST from abort() has them', (profile) => {
    const s = established(profile);
    const [rst] = s.abort();
    expect(rst).toMatchObject({ flags: 'R.', ts: [expect.any(Number), 1001] });
    expect(rst!.ts![0]).not.toBe(0);
  });

  it.each([
    ['linux', undefined],
    ['rfc', [0, 1100]],
  ] as const)('%s: a RST that answers data for an orphan', (profile, expected) => {
    const s = established(profile);
    s.release();
    expect(s.send(data(1, { ack: 2, ...ts(1100) }))).toMatchObject([{ flags: 'R', seq: 2 }]);
    expect(s.last.ts).toEqual(expected);
  });

  it.each([
    ['linux', undefined],
    ['rfc', [0, 9]],
  ] as const)('%s: a RST that answers a SYN,ACK with a wrong ACK', (profile, expected) => {
    const s = Peer.connect({ profile });
    const [rst] = s.send({ flags: 'S.', ack: 5, ...ts(9, s.got[0]!.ts![0]) });
    expect([rst!.flags, rst!.ts]).toEqual(['R', expected]);
  });

  it('no RST has them if they were not negotiated', () => {
    const s = Peer.established({ profile: 'rfc' });
    expect(s.abort()[0]!.ts).toBeUndefined();
  });

  it('rfc: a RST that answers a segment without them has none', () => {
    const s = Peer.connect({ profile: 'rfc' });
    const [rst] = s.send({ flags: 'S.', ack: 5 });
    expect([rst!.flags, rst!.ts]).toEqual(['R', undefined]);
  });

  it('rfc: the echo is that of the answered segment, not of an earlier one', () => {
    const s = Peer.connect({ profile: 'rfc' });
    const [rst] = s.send({ flags: 'S.', ack: 5, ...ts(9) });
    expect(rst!.ts).toEqual([0, 9]);
    s.send({ flags: 'S', mss: 1460, ...ts(20) });
    s.send({ flags: 'S.', seq: 0, ack: 5, ...ts(21) });
    expect(s.last).toMatchObject({ flags: 'R', ts: [0, 21] });
  });

  it.each([
    [true, 300, [0, 300]],
    [true, undefined, undefined],
    [false, 300, undefined],
  ] as const)('from CLOSED: echoes are on: %s, TSval %s', (echoes, val, expected) => {
    const [seg, rst] = [new Segment(), new Segment()];
    fill(seg, { flags: '.', seq: 1, ack: 1, ...(val === undefined ? {} : ts(val, 44)) }, 0, 0);
    expect(resetFor(seg, rst, echoes)).toBe(true);
    expect(rst.hasTimestamps ? [rst.tsVal, rst.tsEcr] : undefined).toEqual(expected);
  });
});
