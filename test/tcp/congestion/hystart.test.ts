/**
 * The ends of slow start: Linux's HyStart and HyStart++ (RFC 9406), ACK by ACK, and in CUBIC.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, type Micros } from '../../../src/base/time.js';
import { Cubic } from '../../../src/tcp/congestion/cubic.js';
import { HystartPlusPlus } from '../../../src/tcp/congestion/hystart-plus-plus.js';
import { Hystart, HystartSign } from '../../../src/tcp/congestion/hystart.js';
import type { SlowStartExit } from '../../../src/tcp/congestion/slow-start-exit.js';
import { ack } from './samples.js';

const RTT = 100 * MILLISECOND;

/** Rounds of slow start whose ACKs' round trips and spacing the test gives. */
class Rounds {
  private una = 0;
  now: Micros = 0;
  minRtt = RTT;
  paced = false;
  cwnd: number;
  readonly exit: SlowStartExit;

  constructor(exit: SlowStartExit, cwnd = 100) {
    this.exit = exit;
    this.cwnd = cwnd;
  }

  /** One ACK of one segment; how many segments cwnd may grow for it. */
  one(rtt: Micros, after: Micros): number {
    this.now += after;
    const nxt = this.una + this.cwnd;
    this.una++;
    const { una, now, minRtt, paced } = this;
    return this.exit.growth(ack({ una, nxt, now, rtt, minRtt, paced }), this.cwnd);
  }

  /**
   * `n` ACKs `apart` from each other. Returns the sum of the growth that they allow; ends early
   * when slow start is over.
   */
  acks(n: number, rtt: Micros, apart: Micros): number {
    let allowed = 0;
    for (let i = 0; i < n && !this.exit.done; i++) allowed += this.one(rtt, apart);
    return allowed;
  }
}

describe('HyStart, as in Linux', () => {
  it('ends when ACKs less than 2 ms apart have come for half the smallest round trip', () => {
    const rounds = new Rounds(new Hystart());
    rounds.acks(50, RTT, MILLISECOND);
    expect(rounds.exit.done).toBe(false);
    rounds.acks(3, RTT, MILLISECOND);
    expect(rounds.exit.done).toBe(true);
  });

  it('with one of its two criteria enabled, it ignores the other', () => {
    const train = new Rounds(new Hystart(HystartSign.delay));
    train.acks(99, RTT, MILLISECOND);
    expect(train.exit.done).toBe(false);
    const delay = new Rounds(new Hystart(HystartSign.ackTrain));
    delay.acks(99, 2 * RTT, 3 * MILLISECOND);
    expect(delay.exit.done).toBe(false);
    const both = new Rounds(new Hystart());
    both.acks(99, 2 * RTT, 3 * MILLISECOND);
    expect(both.exit.done).toBe(true);
  });

  it('of paced segments it requires a whole round trip, because sending a window takes half of one', () => {
    const rounds = new Rounds(new Hystart(), 200);
    rounds.paced = true;
    rounds.acks(100, RTT, MILLISECOND);
    expect(rounds.exit.done).toBe(false);
    rounds.acks(3, RTT, MILLISECOND);
    expect(rounds.exit.done).toBe(true);
  });

  it('ACKs further apart are not a train', () => {
    const rounds = new Rounds(new Hystart());
    rounds.acks(99, RTT, 3 * MILLISECOND);
    expect(rounds.exit.done).toBe(false);
  });

  it.each([
    [20, 4, 'no less than 4 ms'],
    [100, 12.5, 'an eighth of the smallest round trip'],
    [400, 16, 'no more than 16 ms'],
  ])(
    'at %i ms ends when the first eight round trips of a round are %f ms more than the smallest: %s',
    (rtt, more) => {
      const seen = (extra: number): boolean => {
        const rounds = new Rounds(new Hystart());
        rounds.minRtt = rtt * MILLISECOND;
        rounds.acks(9, (rtt + extra) * MILLISECOND, 3 * MILLISECOND);
        return rounds.exit.done;
      };
      expect(seen(more)).toBe(false);
      expect(seen(more + 0.1)).toBe(true);
    },
  );

  it('continues if one of them is short', () => {
    const rounds = new Rounds(new Hystart());
    rounds.acks(4, 2 * RTT, 3 * MILLISECOND);
    rounds.acks(1, RTT, 3 * MILLISECOND);
    rounds.acks(90, 2 * RTT, 3 * MILLISECOND);
    expect(rounds.exit.done).toBe(false);
  });

  it('ignores windows below 16 segments', () => {
    const small = new Rounds(new Hystart(), 15);
    small.acks(100, 2 * RTT, MILLISECOND);
    expect(small.exit.done).toBe(false);
    const large = new Rounds(new Hystart(), 16);
    large.acks(100, 2 * RTT, MILLISECOND);
    expect(large.exit.done).toBe(true);
  });
});

describe('HyStart++ (RFC 9406)', () => {
  /** A round without a queue, and one that begins conservative slow start. */
  function inConservative(): Rounds {
    const rounds = new Rounds(new HystartPlusPlus(), 40);
    rounds.acks(40, RTT, MILLISECOND);
    expect(rounds.acks(8, RTT + 13 * MILLISECOND, MILLISECOND)).toBe(8);
    return rounds;
  }

  it('a rise of the delay slows growth down to a quarter', () => {
    const rounds = inConservative();
    expect(rounds.exit.done).toBe(false);
    expect(rounds.acks(20, RTT + 13 * MILLISECOND, MILLISECOND)).toBe(5);
  });

  it('a rise of less than an eighth does not slow growth down', () => {
    const rounds = new Rounds(new HystartPlusPlus(), 40);
    rounds.acks(40, RTT, MILLISECOND);
    expect(rounds.acks(40, RTT + 12 * MILLISECOND, MILLISECOND)).toBe(40);
  });

  it('after five such rounds slow start is over', () => {
    const rounds = inConservative();
    let acks = 8; // the round in which conservative slow start began counts
    for (; acks < 1000 && !rounds.exit.done; acks++)
      rounds.one(RTT + 13 * MILLISECOND, MILLISECOND);
    expect(rounds.exit.done).toBe(true);
    expect(acks / 40).toBeGreaterThan(4.8);
    expect(acks / 40).toBeLessThan(5.2);
  });

  it('when the delay falls again, slow start continues', () => {
    const rounds = inConservative();
    rounds.acks(40, RTT + 13 * MILLISECOND, MILLISECOND);
    rounds.acks(10, RTT, MILLISECOND);
    expect(rounds.acks(400, RTT, MILLISECOND)).toBe(400);
    expect(rounds.exit.done).toBe(false);
  });

  it('one ACK adds at most eight segments, unless they are paced', () => {
    expect(new HystartPlusPlus().growth(ack({ acked: 40 }))).toBe(8);
    expect(new HystartPlusPlus().growth(ack({ acked: 40, paced: true }))).toBe(40);
  });

  it('applies to the first slow start only', () => {
    const rounds = new Rounds(new HystartPlusPlus(), 40);
    rounds.exit.onCongestion();
    rounds.acks(40, RTT, MILLISECOND);
    expect(rounds.acks(40, 2 * RTT, MILLISECOND)).toBe(40);
  });
});

describe.each([
  ['Linux', () => new Hystart()],
  ['RFC 9406', () => new HystartPlusPlus()],
])('CUBIC with HyStart of %s', (_, exit) => {
  function left(): { cc: Cubic; ackOne: () => void } {
    const cc = new Cubic(exit());
    cc.start(40);
    let una = 0;
    let now = 0;
    const one = (rtt: Micros): void => {
      now += 3 * MILLISECOND;
      una++;
      cc.onAck(ack({ now, una, nxt: una + 40, rtt, minRtt: RTT }));
    };
    for (let i = 0; i < 45; i++) one(RTT);
    for (let i = 0; i < 2000 && cc.cwnd < cc.ssthresh; i++) one(RTT + 13 * MILLISECOND);
    return { cc, ackOne: () => one(RTT) };
  }

  it('ssthresh is the window at which slow start ended', () => {
    const { cc } = left();
    expect(cc.ssthresh).toBeLessThan(1000);
    expect(cc.cwnd).toBe(cc.ssthresh);
  });

  it('a later slow start, after a pause, continues up to ssthresh', () => {
    const { cc, ackOne } = left();
    const { ssthresh } = cc;
    cc.cwnd = 20;
    for (let i = 0; i < 10; i++) ackOne();
    expect([cc.cwnd, cc.ssthresh]).toEqual([30, ssthresh]);
  });
});
