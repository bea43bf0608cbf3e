/**
 * Blind attacks on a connection (RFC 5961), and the side channel of its defence (CVE-2016-5696). An
 * off-path attacker sends RSTs to the victim's connection. On its own connections it counts how
 * many challenge ACKs are left of the host's limit per second. If that shows whether a RST was
 * answered, the attacker finds ports and sequence numbers one by one.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { ChallengeLimiter } from '../../src/tcp/challenge.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, FIN, RST, SYN, Wire, type Tcp } from '../requirements/wire.js';

const VICTIM = { from: '198.18.0.77', sport: 7777 };
/** Within the window that we offer to the peer. */
const IN_WINDOW = 101 + 5000;
/** The timestamps option. */
const stamp = (value: number): number[] => [
  1,
  1,
  8,
  10,
  value >>> 24,
  (value >> 16) & 255,
  (value >> 8) & 255,
  value & 255,
  0,
  0,
  0,
  0,
];

describe('blind RST, SYN and data (RFC 5961)', () => {
  /**
   * Another peer's connection, at 101 of its sequence numbers. `onSyn`, `onAck`: options of its
   * SYN, and of its ACK.
   */
  function victim(
    onSyn: number[] = [],
    onAck: number[] = [],
  ): { w: Wire; conn: Connection; iss: number } {
    const w = new Wire();
    const accepted = w.listen();
    const { seq } = w.tcp({ ...VICTIM, flags: SYN, seq: 100, options: onSyn })[0]!;
    w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: seq + 1, options: onAck });
    return { w, conn: accepted[0]!, iss: seq };
  }

  it('ATK-7: a RST resets only if its number is exactly RCV.NXT; within the window it gets a challenge ACK, outside it is ignored', () => {
    const { w, conn, iss } = victim();
    const challenge = { flags: ACK, seq: iss + 1, ack: 101 };
    const edge = 101 + conn.rcv.wnd;
    for (const seq of [100, 101 - 70_000, edge, edge + 8_000_000]) {
      expect(w.tcp({ ...VICTIM, flags: RST, seq })).toEqual([]);
    }
    for (const seq of [102, IN_WINDOW, edge - 1]) {
      w.wait(SECOND);
      expect(w.tcp({ ...VICTIM, flags: RST, seq })).toMatchObject([challenge]);
    }
    expect(conn.stateName).toBe('ESTABLISHED');
    w.tcp({ ...VICTIM, flags: RST, seq: 101 });
    expect([conn.stateName, conn.error]).toEqual(['CLOSED', 'ECONNRESET']);
  });

  it('ATK-8: a SYN with any sequence number gets a challenge ACK, and does not end the connection', () => {
    const { w, conn, iss } = victim();
    for (const seq of [100, 101, IN_WINDOW, 0x4000_0000, 0xc000_0000]) {
      w.wait(SECOND);
      expect(w.tcp({ ...VICTIM, flags: SYN, seq })).toMatchObject([
        { flags: ACK, seq: iss + 1, ack: 101 },
      ]);
    }
    expect(conn.stateName).toBe('ESTABLISHED');
  });

  it('ATK-9: data is accepted only if its ACK is within the last window or the data sent since: one guess in 65,000', () => {
    const { w, conn, iss } = victim();
    const random = new SeededRandom(5);
    for (let i = 0; i < 2000; i++) {
      w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: random.int32() >>> 0, payload: [88] });
    }
    expect([conn.receiveQueued, conn.rcv.nxt, conn.stateName]).toEqual([0, 101, 'ESTABLISHED']);
    w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: iss + 1, payload: [89] });
    expect(conn.receiveQueued).toBe(1);
  });

  it('ATK-9: even with a window of 1 GB an ACK of data that was never sent is invalid', () => {
    const { w, conn, iss } = victim([3, 3, 14, 0]);
    expect(conn.snd.maxWnd).toBe(65_535 << 14);
    for (let i = 1; i < 64; i++) {
      w.tcp({
        ...VICTIM,
        flags: ACK,
        seq: 101,
        ack: (iss + 1 - i * 0x0400_0000) >>> 0,
        payload: [88],
      });
    }
    expect([conn.receiveQueued, conn.stateName]).toEqual([0, 'ESTABLISHED']);
  });

  it.each([
    ['data with an invalid ACK', { flags: ACK, ack: 99, payload: [88] }],
    ['old data with an invalid ACK', { flags: ACK, ack: 99, seq: 99, payload: [88, 88, 88] }],
    ['SYN', { flags: SYN }],
    ['SYN with data', { flags: SYN, payload: [88] }],
    ['RST', { flags: RST, seq: IN_WINDOW }],
    ['RST before the window, with data into it', { flags: RST, seq: 99, payload: [88, 88, 88] }],
    ['data without ACK', { flags: 0, payload: [88] }],
  ] as [string, Tcp][])(
    'ATK-25: a future timestamp on an invalid segment has no effect: %s',
    (_, forged) => {
      const { w, conn, iss } = victim(stamp(1000), stamp(1000));
      expect(conn.timestamps).toBe(true);
      w.tcp({ ...VICTIM, seq: 101, ...forged, options: stamp(0x7fff_0000) });
      expect([conn.rcv.tsRecent, conn.stateName]).toEqual([1000, 'ESTABLISHED']);
      w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: iss + 1, payload: [89], options: stamp(1001) });
      expect([conn.receiveQueued, conn.rcv.tsRecent]).toEqual([1, 1001]);
    },
  );

  it('ATK-10: one connection sends at most one challenge ACK in 500 ms (tcp_invalid_ratelimit), and counts suppressed ones', () => {
    const { w } = victim();
    w.wait(SECOND);
    const answered = (): number => w.tcp({ ...VICTIM, flags: RST, seq: IN_WINDOW }).length;
    expect(Array.from({ length: 10 }, answered)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    w.wait(500 * MILLISECOND - 1);
    expect(answered()).toBe(0);
    w.wait(1);
    expect(answered()).toBe(1);
    const { counters } = w.stack;
    expect([counters.TcpExtTCPChallengeACK, counters.TcpExtTCPACKSkippedChallenge]).toEqual([
      2, 10,
    ]);
  });

  const throttled = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];

  it.each<[string, Tcp]>([
    ['its SYN again and again', { flags: SYN, seq: 100 }],
    ['ACKs out of the window', { flags: ACK, seq: 100_000, ack: 1 }],
  ])('ATK-10: in SYN-RECEIVED there is at most one reply in 500 ms: %s', (_, packet) => {
    const w = new Wire();
    w.listen();
    w.tcp({ ...VICTIM, flags: SYN, seq: 100 });
    expect(Array.from({ length: 10 }, () => w.tcp({ ...VICTIM, ...packet }).length)).toEqual(
      throttled,
    );
    expect(w.stack.counters.TcpExtTCPACKSkippedSynRecv).toBe(9);
  });

  it.each<[string, Tcp, number]>([
    ['old SYNs', { flags: SYN, seq: 50 }, 1],
    ['ACKs out of the window', { flags: ACK, seq: 100_000, ack: 1 }, 1],
    [
      'except for data and FIN, which mean that our ACK was lost',
      { flags: ACK | FIN, seq: 101, ack: 1, payload: [88] },
      10,
    ],
  ])('ATK-10: in TIME-WAIT there is at most one reply in 500 ms: %s', (_, packet, answers) => {
    const { w, conn, iss } = victim();
    conn.shutdown(w.now);
    w.stack.wake(conn);
    w.take();
    w.tcp({ ...VICTIM, flags: ACK | FIN, seq: 101, ack: iss + 2 });
    expect(w.stack.tcp.timeWait.size).toBe(1);
    const sent = Array.from({ length: 10 }, () => w.tcp({ ...VICTIM, ...packet }).length);
    expect(sent.reduce((a, b) => a + b)).toBe(answers);
    expect(w.stack.counters.TcpExtTCPACKSkippedTimeWait).toBe(10 - answers);
    w.wait(500 * MILLISECOND);
    expect(w.tcp({ ...VICTIM, ...packet })).toHaveLength(1);
  });

  it('ATK-10: the rate limit of the whole host does not apply outside the window, because keep-alives look the same', () => {
    const w = new Wire({ config: { challengeAckLimit: 1 } });
    w.listen();
    for (let i = 0; i < 10; i++) w.open({ sport: 1000 + i });
    w.wait(SECOND);
    const keepAlive = (sport: number): number =>
      w.tcp({ flags: ACK, sport, seq: 100, ack: 0 }).length;
    expect(Array.from({ length: 10 }, (_, i) => keepAlive(1000 + i))).toEqual(
      new Array(10).fill(1),
    );
    expect(Array.from({ length: 10 }, (_, i) => keepAlive(1000 + i))).toEqual(
      new Array(10).fill(0),
    );
    expect([
      w.stack.counters.TcpExtTCPACKSkippedSeq,
      w.stack.counters.TcpExtTCPChallengeACK,
    ]).toEqual([10, 0]);
  });
});

describe('the limit of all connections', () => {
  const drawn = (seed: number, seconds: number): number[] => {
    const limiter = new ChallengeLimiter(new SeededRandom(seed), 1000);
    return Array.from({ length: seconds }, (_, s) => {
      let n = 0;
      while (limiter.allow(s * SECOND)) n++;
      return n;
    });
  };

  it('is random in each second: between 0.5 and 1.5 times tcp_challenge_ack_limit', () => {
    const limits = drawn(1, 2000);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...limits)).toBeLessThanOrEqual(1500);
    // Uniform: chi-square over ten classes, 9 degrees of freedom, p = 0.001.
    const classes = new Array<number>(10).fill(0);
    for (const n of limits) classes[Math.min(9, Math.floor((n - 500) / 100))]!++;
    expect(classes.reduce((x, n) => x + (n - 200) ** 2 / 200, 0)).toBeLessThan(27.9);
  });
});

describe('CVE-2016-5696: an attacker that counts the challenge ACKs of its own connections', () => {
  const OWN = 60;
  const ROUNDS = 120;

  /**
   * The number of challenge ACKs on the attacker's connections in each second, while its RSTs to
   * the victim were (not) in the window.
   */
  function counted(seed: number, rightGuess: boolean): number[] {
    // of the host, a second: few, so that few of the attacker's connections use them up
    const limit = 80;
    const w = new Wire({ random: new SeededRandom(seed), config: { challengeAckLimit: limit } });
    w.listen();
    w.open(VICTIM);
    for (let i = 0; i < OWN; i++) w.open({ sport: 1000 + i });
    return Array.from({ length: ROUNDS }, () => {
      w.wait(SECOND - (w.now % SECOND)); // the attacker knows when our second begins
      for (let n = 0; n < 20; n++)
        w.tcp({ ...VICTIM, flags: RST, seq: rightGuess ? IN_WINDOW : 101 + 8_000_000 });
      let own = 0;
      const ask = (): void => {
        for (let i = 0; i < OWN; i++)
          own += w.tcp({ flags: RST, sport: 1000 + i, seq: IN_WINDOW }).length;
      };
      ask();
      w.wait(500 * MILLISECOND);
      ask();
      return own;
    });
  }

  /** The share of seconds that the best threshold classifies correctly. 0.5 is chance. */
  function bestGuess(right: readonly number[], wrong: readonly number[]): number {
    const thresholds = [...new Set([...right, ...wrong])];
    const share = thresholds.map((t) => {
      const hits = right.filter((n) => n < t).length + wrong.filter((n) => n >= t).length;
      return hits / (right.length + wrong.length);
    });
    return Math.max(...share);
  }

  it('ATK-11: learns nothing: its counts classify guesses no better than chance', () => {
    const [right, wrong] = [counted(11, true), counted(12, false)];
    // Only the limit suppressed challenge ACKs; otherwise there would be nothing to count.
    expect(Math.min(...wrong)).toBeLessThan(OWN);
    expect(bestGuess(right, wrong)).toBeLessThan(0.62);
  });
});
