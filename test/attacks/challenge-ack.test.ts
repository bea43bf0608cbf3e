/**
 * Blind attacks on a connection (RFC 5961), and what its own defence gives away: CVE-2016-5696. An attacker who cannot see a connection sends
 * RSTs to it, and counts on connections of his own how many challenge ACKs are left of the host's limit for that second. If he can tell whether
 * his guess was one of those that are answered, he finds ports and sequence numbers one by one.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { ChallengeLimiter } from '../../src/tcp/challenge.js';
import type { Connection } from '../../src/tcp/connection.js';
import { ACK, RST, SYN, Wire } from '../requirements/wire.js';

const VICTIM = { from: '198.18.0.77', sport: 7777 };
/** Within the window that we offer to the peer. */
const IN_WINDOW = 101 + 5000;

describe('blind RST, SYN and data (RFC 5961)', () => {
  /** A connection of somebody else's, at 101 of the peer's numbers. */
  function victim(): { w: Wire; conn: Connection; iss: number } {
    const w = new Wire();
    const accepted = w.listen();
    const { seq } = w.open(VICTIM);
    return { w, conn: accepted[0]!, iss: seq };
  }

  it('ATK-7: a RST resets with the very number that is next alone; within the window it is challenged, outside it is ignored', () => {
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

  it('ATK-8: a SYN is challenged, whatever its number, and ends nothing', () => {
    const { w, conn, iss } = victim();
    for (const seq of [100, 101, IN_WINDOW, 0x4000_0000, 0xc000_0000]) {
      w.wait(SECOND);
      expect(w.tcp({ ...VICTIM, flags: SYN, seq })).toMatchObject([{ flags: ACK, seq: iss + 1, ack: 101 }]);
    }
    expect(conn.stateName).toBe('ESTABLISHED');
  });

  it('ATK-9: data is taken only with an ACK of the last window or of what was sent since: one guess in 65,000', () => {
    const { w, conn, iss } = victim();
    const random = new SeededRandom(5);
    for (let i = 0; i < 2000; i++) {
      w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: random.int32() >>> 0, payload: [88] });
    }
    expect([conn.receiveQueued, conn.rcv.nxt, conn.stateName]).toEqual([0, 101, 'ESTABLISHED']);
    w.tcp({ ...VICTIM, flags: ACK, seq: 101, ack: iss + 1, payload: [89] });
    expect(conn.receiveQueued).toBe(1);
  });

  it('ATK-10: one connection sends no more than a challenge ACK in 500 ms (tcp_invalid_ratelimit), and counts the others', () => {
    const { w } = victim();
    w.wait(SECOND);
    const answered = (): number => w.tcp({ ...VICTIM, flags: RST, seq: IN_WINDOW }).length;
    expect(Array.from({ length: 10 }, answered)).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    w.wait(500 * MILLISECOND - 1);
    expect(answered()).toBe(0);
    w.wait(1);
    expect(answered()).toBe(1);
    const { counters } = w.stack;
    expect([counters.TcpExtTCPChallengeACK, counters.TcpExtTCPACKSkippedChallenge]).toEqual([2, 10]);
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

  it('is drawn anew each second: from half of tcp_challenge_ack_limit to one and a half', () => {
    const limits = drawn(1, 2000);
    expect(Math.min(...limits)).toBeGreaterThanOrEqual(500);
    expect(Math.max(...limits)).toBeLessThanOrEqual(1500);
    // Evenly: chi-square over ten classes, 9 degrees of freedom, p = 0.001.
    const classes = new Array<number>(10).fill(0);
    for (const n of limits) classes[Math.min(9, Math.floor((n - 500) / 100))]!++;
    expect(classes.reduce((x, n) => x + (n - 200) ** 2 / 200, 0)).toBeLessThan(27.9);
  });
});

describe('CVE-2016-5696: an attacker who counts the challenge ACKs of his own connections', () => {
  const OWN = 60;
  const ROUNDS = 120;

  /** How many challenge ACKs his connections got in each of so many seconds, while he sent RSTs to the victim that were (not) in its window. */
  function counted(seed: number, rightGuess: boolean): number[] {
    const limit = 80; // of the host, a second: few, so that few connections of his own are enough to use them up
    const w = new Wire({ random: new SeededRandom(seed), config: { challengeAckLimit: limit } });
    w.listen();
    w.open(VICTIM);
    for (let i = 0; i < OWN; i++) w.open({ sport: 1000 + i });
    return Array.from({ length: ROUNDS }, () => {
      w.wait(SECOND - (w.now % SECOND)); // he has found out when our second begins
      for (let n = 0; n < 20; n++) w.tcp({ ...VICTIM, flags: RST, seq: rightGuess ? IN_WINDOW : 101 + 8_000_000 });
      let own = 0;
      const ask = (): void => {
        for (let i = 0; i < OWN; i++) own += w.tcp({ flags: RST, sport: 1000 + i, seq: IN_WINDOW }).length;
      };
      ask();
      w.wait(500 * MILLISECOND);
      ask();
      return own;
    });
  }

  /** The share of seconds that the best threshold puts into the right class: 0.5 is what a coin does. */
  function bestGuess(right: readonly number[], wrong: readonly number[]): number {
    const thresholds = [...new Set([...right, ...wrong])];
    const share = thresholds.map((t) => {
      const hits = right.filter((n) => n < t).length + wrong.filter((n) => n >= t).length;
      return hits / (right.length + wrong.length);
    });
    return Math.max(...share);
  }

  it('ATK-11: learns nothing: what he counts tells a right guess from a wrong one no better than a coin', () => {
    const [right, wrong] = [counted(11, true), counted(12, false)];
    // The limit was the one thing that held them back, or he would have nothing to count.
    expect(Math.min(...wrong)).toBeLessThan(OWN);
    expect(bestGuess(right, wrong)).toBeLessThan(0.62);
  });
});
