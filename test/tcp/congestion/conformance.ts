/**
 * The contract of every congestion control with loss recovery and output, independent of its growth
 * function. Each control passes this suite: first single rules, then thousands of random histories
 * of a connection in which the rules must hold at every step.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { CaState } from '../../../src/tcp/congestion/ack-sample.js';
import type { Congestion, CongestionControl } from '../../../src/tcp/congestion/control.js';
import { ack, MSS, Transfer } from './samples.js';
import { setWindow } from './set-window.js';

const RTT = 50 * MILLISECOND;

export interface Expectations {
  /** Without a window: cwnd is Infinity. */
  readonly unlimited?: boolean;
}

type Step =
  | {
      do: 'ack';
      acked: number;
      lost: number;
      rtt: number;
      after: number;
      limited: boolean;
      appLimited: boolean;
    }
  | { do: 'congestion'; why: Congestion; flight: number }
  | { do: 'undo' }
  | { do: 'recovered' }
  | { do: 'idle'; after: number; appLimited: boolean };

const anAck = fc.record({
  do: fc.constant('ack' as const),
  acked: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.nat({ max: 64 })),
  lost: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat({ max: 20 })),
  rtt: fc.oneof(fc.constant(-1), fc.constant(RTT), fc.integer({ min: 1, max: 10 * SECOND })),
  after: fc.oneof({ weight: 8, arbitrary: fc.nat({ max: 60_000 }) }, fc.nat({ max: 12 * SECOND })),
  limited: fc.integer({ min: 0, max: 9 }).map((n) => n > 1),
  appLimited: fc.integer({ min: 0, max: 9 }).map((n) => n > 7),
});
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: anAck },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('congestion' as const),
      why: fc.constantFrom<Congestion>('loss', 'ecn', 'timeout'),
      flight: fc.integer({ min: 1, max: 100_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'undo' as const }) },
  { weight: 3, arbitrary: fc.constant({ do: 'recovered' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('idle' as const),
      after: fc.nat({ max: 30 * SECOND }),
      appLimited: fc.boolean(),
    }),
  },
);

const STATE_OF = { loss: CaState.recovery, ecn: CaState.cwr, timeout: CaState.loss } as const;

/**
 * Plays the part of loss recovery (recovery.ts, undo.ts) for a control, and checks the contract
 * after each step.
 */
class History {
  private readonly cc: CongestionControl;
  private readonly unlimited: boolean;
  private now = SECOND;
  private una = 0;
  private nxt = 10;
  private delivered = 0;
  private minRtt = Infinity;
  private state: CaState = CaState.open;
  private before: { cwnd: number; ssthresh: number } | null = null;

  constructor(cc: CongestionControl, unlimited: boolean) {
    this.cc = cc;
    this.unlimited = unlimited;
    cc.start(10, MSS, 0, this.now);
    this.check();
  }

  play(step: Step): void {
    switch (step.do) {
      case 'ack':
        this.ack(step);
        break;
      case 'congestion':
        this.congestion(step.why, step.flight);
        break;
      case 'undo':
        this.undo();
        break;
      case 'recovered':
        this.recovered();
        break;
      case 'idle':
        this.now += step.after;
        this.cc.onSendAfterIdle(this.now - step.after, step.appLimited, this.now);
    }
    this.check();
  }

  private ack(step: Extract<Step, { do: 'ack' }>): void {
    const { cc } = this;
    const { acked, lost, rtt, limited: cwndLimited, appLimited } = step;
    this.now += step.after;
    this.una = (this.una + acked) | 0;
    this.delivered += acked;
    if (this.nxt - this.una < 0) this.nxt = this.una;
    const priorInFlight = this.nxt - this.una + acked;
    if (Number.isFinite(cc.cwnd))
      this.nxt = Math.max(this.nxt, this.una + Math.min(cc.cwnd, 1_000_000));
    if (rtt > 0) this.minRtt = Math.min(this.minRtt, rtt);
    const mayGrow = acked > 0 && this.state !== CaState.recovery && this.state !== CaState.cwr;
    const before = cc.cwnd;
    const inSlowStart = before < cc.ssthresh;
    const { now, una, nxt, delivered, minRtt } = this;
    const rate = { rateDelivered: rtt > 0 ? acked * 3 : -1, interval: Math.max(rtt, 0) };
    cc.onAck(
      ack({
        ...{
          now,
          una,
          nxt,
          delivered,
          minRtt,
          acked,
          lost,
          rtt,
          priorInFlight,
          mayGrow,
          cwndLimited,
          appLimited,
        },
        ...rate,
        caState: this.state,
        inFlight: Math.max(0, nxt - una - lost),
        priorDelivered: Math.max(0, delivered - 30),
        srtt: minRtt === Infinity ? 0 : minRtt,
      }),
    );
    if (!cc.modelBased) {
      if (!mayGrow || !cwndLimited) expect(cc.cwnd, 'cwnd must not grow now').toBe(before);
      expect(cc.cwnd, 'an ACK must not shrink cwnd').toBeGreaterThanOrEqual(before);
      // One more segment is credit from earlier ACKs.
      expect(cc.cwnd - before, 'faster than slow start').toBeLessThanOrEqual(
        inSlowStart ? acked + 1 : acked / 2 + 2,
      );
    }
  }

  private congestion(why: Congestion, flight: number): void {
    const { cc } = this;
    // Once for each window of data; a timeout may interrupt.
    if (this.state !== CaState.open && !(why === 'timeout' && this.state !== CaState.loss)) return;
    this.before = { cwnd: cc.cwnd, ssthresh: cc.ssthresh };
    const window = Math.min(flight, cc.cwnd);
    cc.onCongestion(why, window, this.now);
    this.state = STATE_OF[why];
    expect(cc.cwnd, 'only recovery sets cwnd').toBe(this.before.cwnd);
    if (!cc.modelBased) {
      expect(cc.ssthresh).toBe(Math.floor(cc.ssthresh));
      expect(cc.ssthresh, 'no reduction').toBeLessThan(Math.max(window, 3));
      expect(cc.ssthresh).toBeGreaterThanOrEqual(Math.max(2, Math.floor(window / 2)));
    }
    if (why === 'timeout') setWindow(cc, { cwnd: 1 });
  }

  private undo(): void {
    if (this.before === null || this.state === CaState.open) return;
    this.cc.onUndo();
    this.state = CaState.open;
    expect(this.cc.cwnd, 'undo').toBeGreaterThanOrEqual(this.before.cwnd);
    expect(this.cc.ssthresh, 'undo').toBeGreaterThanOrEqual(
      this.cc.modelBased ? 0 : this.before.ssthresh,
    );
    this.before = null;
  }

  private recovered(): void {
    const { cc } = this;
    if (this.state === CaState.open) return;
    if (!cc.modelBased && this.state !== CaState.loss) {
      setWindow(cc, { cwnd: cc.ssthresh });
      cc.onRecovered(this.now);
    }
    this.state = CaState.open;
    this.before = null;
  }

  private check(): void {
    const { cwnd, ssthresh, pacingRate } = this.cc;
    if (this.unlimited) expect(cwnd).toBe(Infinity);
    else expect(Number.isSafeInteger(cwnd), `cwnd ${cwnd}`).toBe(true);
    expect(cwnd).toBeGreaterThanOrEqual(1);
    expect(ssthresh).toBeGreaterThanOrEqual(2); // false for NaN, too
    expect(pacingRate).toBeGreaterThan(0);
  }
}

export function conforms(
  title: string,
  make: () => CongestionControl,
  { unlimited = false }: Expectations = {},
): void {
  describe(`${title} keeps a congestion control's promises`, () => {
    it('begins with the initial window and an arbitrarily high threshold', () => {
      const cc = make();
      cc.start(10, MSS, RTT, 0);
      expect([cc.cwnd, cc.ssthresh]).toEqual([unlimited ? Infinity : 10, Infinity]);
    });

    if (!unlimited) {
      it('doubles its window in the first round trip', () => {
        const path = new Transfer(make(), RTT);
        for (let i = 0; i < 10; i++) {
          path.now += RTT / 10;
          path.ackOne({ delivered: i + 1, rateDelivered: 10, interval: RTT, priorDelivered: 0 });
        }
        expect(path.cc.cwnd).toBe(20);
      });

      it('a needless reduction is undone', () => {
        const path = new Transfer(make(), RTT);
        path.round();
        const { cwnd, ssthresh } = path.cc;
        path.cc.onCongestion('loss', cwnd, path.now);
        setWindow(path.cc, { cwnd: 3 });
        path.cc.onUndo();
        expect([path.cc.cwnd, path.cc.ssthresh]).toEqual([cwnd, ssthresh]);
      });

      it('recovers from a timeout', () => {
        const path = new Transfer(make(), RTT);
        for (let i = 0; i < 3; i++) path.round();
        path.cc.onCongestion('timeout', path.cc.cwnd, path.now);
        setWindow(path.cc, { cwnd: 1 });
        for (let i = 0; i < 12; i++) {
          path.round(() => expect(path.cc.cwnd).toBeLessThan(1000));
        }
        expect(path.cc.cwnd).toBeGreaterThanOrEqual(12);
      });
    }

    it('holds in 3000 random histories', () => {
      fc.assert(
        fc.property(fc.array(aStep, { minLength: 1, maxLength: 120 }), (steps) => {
          const history = new History(make(), unlimited);
          for (const step of steps) history.play(step);
        }),
        { seed: 9438, numRuns: 3000 },
      );
    });
  });
}
