/**
 * BBR at a bottleneck, with the whole stack in virtual time, and its model with single ACKs.
 */
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../../src/base/random.js';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { CaState } from '../../../src/tcp/congestion/ack-sample.js';
import { Bbr, type BbrMode } from '../../../src/tcp/congestion/bbr.js';
import type { CongestionName } from '../../../src/tcp/congestion/index.js';
import { Bulk, type BulkOptions } from '../../sim/bulk.js';
import { ack, MSS } from './samples.js';

const RTT = 40 * MILLISECOND;
const RATE = 12e6;
/** Packets of 1500 bytes: 40. */
const BDP = (RATE * RTT) / SECOND / 8 / 1500;

class Flow {
  readonly bulk: Bulk;

  constructor(o: Partial<BulkOptions> = {}, congestionControl: CongestionName = 'bbr') {
    this.bulk = new Bulk({
      rtt: RTT,
      rate: RATE,
      queue: 400,
      flows: [{ congestionControl }],
      ...o,
    });
  }
  get cc(): Bbr {
    return this.bulk.senders[0]!.snd.congestion as Bbr;
  }
  get inFlight(): number {
    return this.bulk.senders[0]!.snd.sent.inFlight;
  }
  /** Averages of the data in flight, sampled each 5 ms. */
  averageInFlight(duration: number): number {
    let sum = 0;
    const steps = duration / (5 * MILLISECOND);
    for (let i = 0; i < steps; i++) {
      this.bulk.run(5 * MILLISECOND);
      sum += this.inFlight;
    }
    return sum / steps;
  }
}

describe('BBR at a bottleneck', () => {
  it('MAY-18: BBR: STARTUP finds the bandwidth, DRAIN empties the queue, PROBE_BW follows', () => {
    const flow = new Flow();
    const modes: BbrMode[] = [];
    let most = 0;
    for (let i = 0; i < 400; i++) {
      flow.bulk.run(5 * MILLISECOND);
      if (flow.cc.mode !== modes.at(-1)) modes.push(flow.cc.mode);
      if (flow.cc.mode === 'STARTUP') most = Math.max(most, flow.inFlight);
    }
    expect(modes).toEqual(['STARTUP', 'DRAIN', 'PROBE_BW']);
    expect(most).toBeGreaterThan(2 * BDP);
    expect(flow.inFlight).toBeLessThan(1.4 * BDP);
  });

  it('estimates bandwidth and round trip within 5 %, and uses both', () => {
    const flow = new Flow();
    flow.bulk.run(2 * SECOND);
    const { bandwidth, minRtt } = flow.cc;
    expect(Math.abs((bandwidth * 1500 * 8 * SECOND) / RATE - 1)).toBeLessThan(0.05);
    expect(Math.abs(minRtt / RTT - 1)).toBeLessThan(0.05);
    const [bytes] = flow.bulk.run(5 * SECOND);
    expect(bytes! * 8).toBeGreaterThan(0.93 * RATE * 5);
  });

  it('the data in flight stays near the BDP, while CUBIC fills the queue', () => {
    const bbr = new Flow();
    bbr.bulk.run(2 * SECOND);
    const average = bbr.averageInFlight(6 * SECOND);
    expect(average / BDP).toBeGreaterThan(0.95);
    expect(average / BDP).toBeLessThan(1.25);
    const cubic = new Flow({}, 'cubic');
    cubic.bulk.run(8 * SECOND);
    expect(cubic.averageInFlight(6 * SECOND) / BDP).toBeGreaterThan(3);
  });

  it('PROBE_RTT: after ten seconds without a smaller round trip, four segments for 200 ms, then the old window', () => {
    const flow = new Flow();
    let from = NaN;
    let to = NaN;
    let least = Infinity;
    for (let ms = 0; ms < 12_000 && Number.isNaN(to); ms += 5) {
      flow.bulk.run(5 * MILLISECOND);
      if (flow.cc.mode === 'PROBE_RTT') {
        if (Number.isNaN(from)) from = ms;
        least = Math.min(least, flow.inFlight);
        expect(flow.cc.cwnd).toBeLessThanOrEqual(4);
      } else if (!Number.isNaN(from)) to = ms;
    }
    expect(from).toBeGreaterThan(10_000);
    expect(from).toBeLessThan(10_500);
    expect(least).toBeLessThanOrEqual(4);
    expect(to - from).toBeGreaterThanOrEqual(200);
    expect(to - from).toBeLessThan(400);
    expect(flow.cc.cwnd).toBeGreaterThan(BDP);
    expect(flow.cc.mode).toBe('PROBE_BW');
  });

  it('PROBE_RTT does not change the bandwidth estimate, even over many round trips', () => {
    const flow = new Flow({ rtt: RTT / 8, rate: 4 * RATE });
    flow.bulk.run(10 * SECOND);
    const { bandwidth } = flow.cc;
    const modes = new Set<BbrMode>();
    for (let i = 0; i < 100; i++) {
      flow.bulk.run(5 * MILLISECOND);
      modes.add(flow.cc.mode);
      expect(flow.cc.bandwidth).toBeGreaterThan(0.97 * bandwidth);
    }
    expect(modes).toContain('PROBE_RTT');
  });

  it('with 2 % loss it keeps most of the bandwidth, while Reno loses most of it', () => {
    const goodput = (name: CongestionName): number => {
      const { bulk } = new Flow({ loss: 0.02, seed: 7 }, name);
      bulk.run(2 * SECOND);
      return (bulk.run(8 * SECOND)[0]! * 8) / 8 / RATE;
    };
    expect(goodput('bbr')).toBeGreaterThan(0.8);
    expect(goodput('reno')).toBeLessThan(0.3);
  });

  it('two flows share the bandwidth', () => {
    const flows = [{ congestionControl: 'bbr' as const }, { congestionControl: 'bbr' as const }];
    const { bulk } = new Flow({ flows, apart: 3 * SECOND });
    bulk.run(20 * SECOND);
    const [one, two] = bulk.run(20 * SECOND);
    expect(Math.min(one!, two!) / Math.max(one!, two!)).toBeGreaterThan(0.6);
  });
});

/** A control in PROBE_BW on a path of 1 segment a millisecond and 50 ms. */
class ByHand {
  readonly cc: Bbr;
  now = 0;
  delivered = 0;
  inFlight = 10;

  constructor(seed = 1) {
    this.cc = new Bbr(new SeededRandom(seed));
    this.cc.start(10, MSS, 50 * MILLISECOND, 0);
  }

  /**
   * `n` segments are delivered at once after `time`; by default with a sample of 1 segment a
   * millisecond over a round trip.
   */
  ack(n: number, time: number, fields: Parameters<typeof ack>[0] = {}): void {
    this.now += time;
    const priorInFlight = this.inFlight;
    this.delivered += n;
    const { now, delivered, inFlight } = this;
    const sample = {
      rateDelivered: 50,
      interval: 50 * MILLISECOND,
      priorDelivered: Math.max(0, delivered - 50),
    };
    this.cc.onAck(ack({ now, delivered, acked: n, priorInFlight, inFlight, ...sample, ...fields }));
  }

  toProbeBw(): this {
    for (let i = 0; i < 400 && this.cc.mode !== 'PROBE_BW'; i++) this.ack(2, 2 * MILLISECOND);
    expect(this.cc.mode).toBe('PROBE_BW');
    return this;
  }

  /** ACKs of single segments, at most a thousand, while the gain is in the given state. */
  ackWhile(gainIs: (gain: number) => boolean): void {
    for (let i = 0; i < 1000 && gainIs(this.gain); i++) this.ack(1, MILLISECOND);
    expect(gainIs(this.gain)).toBe(false);
  }

  /** The gain: pacing rate divided by the bandwidth estimate. */
  get gain(): number {
    return this.cc.pacingRate / (0.99 * this.cc.bandwidth * MSS * SECOND);
  }
}

describe('BBR, ACK by ACK', () => {
  it('begins at 2.89 initial windows per round trip, assumed to be 1 ms until measured', () => {
    const cc = new Bbr(new SeededRandom(1));
    cc.start(10, MSS, 0, 0);
    expect(cc.pacingRate).toBeCloseTo(((0.99 * 2885) / 1000) * 10 * MSS * 1000);
    cc.start(10, MSS, 50 * MILLISECOND, 0);
    expect(cc.pacingRate).toBeCloseTo(((0.99 * 2885) / 1000) * 10 * MSS * 20);
  });

  it('the cycle: 5/4 for a round trip, 3/4 for at most one, six at 1', () => {
    const hand = new ByHand().toProbeBw();
    const gains: number[] = [];
    for (let i = 0; i < 700; i++) {
      // Enough in flight for 5/4 of the BDP, or probing would continue; and still more than the BDP
      // in the next phase.
      hand.inFlight = 80;
      hand.ack(1, MILLISECOND);
      const gain = Math.round(hand.gain * 100) / 100;
      if (gain !== gains.at(-1)) gains.push(gain);
    }
    const from = gains.indexOf(1.25);
    expect(gains.slice(from, from + 4)).toEqual([1.25, 0.75, 1, 1.25]);
    // From probe to probe: eight phases, each of which ends with the first ACK after a round trip.
    let probes: number[] = [];
    let last = hand.gain;
    for (let i = 0; i < 1300; i++) {
      hand.ack(1, MILLISECOND);
      if (hand.gain > 1.2 && last < 1.2) probes.push(hand.now);
      last = hand.gain;
    }
    probes = probes.slice(0, 3);
    expect((probes[2]! - probes[1]!) / MILLISECOND).toBe(8 * 51);
  });

  it('draining ends as soon as the data in flight is down to the BDP', () => {
    const hand = new ByHand().toProbeBw();
    hand.inFlight = 80;
    hand.ackWhile((gain) => gain < 1.2);
    hand.ackWhile((gain) => gain > 1.2);
    expect(hand.gain).toBeCloseTo(0.75);
    hand.inFlight = 50;
    hand.ack(1, MILLISECOND);
    hand.ack(1, MILLISECOND);
    expect(hand.gain).toBeCloseTo(1);
  });

  it('the cycle begins in a random phase, but not in the draining one', () => {
    const first = Array.from({ length: 40 }, (_, seed) =>
      new ByHand(seed).toProbeBw().gain.toFixed(2),
    );
    expect(new Set(first)).toEqual(new Set(['1.25', '1.00']));
  });

  it('application-limited samples do not lower the bandwidth estimate', () => {
    const hand = new ByHand().toProbeBw();
    for (let i = 0; i < 2000; i++) hand.ack(1, MILLISECOND, { rateDelivered: 5, appLimited: true });
    expect(hand.cc.bandwidth * MILLISECOND).toBeCloseTo(1);
    for (let i = 0; i < 2000; i++) hand.ack(1, MILLISECOND, { rateDelivered: 5 });
    expect(hand.cc.bandwidth * MILLISECOND).toBeCloseTo(0.1);
  });

  it('in the first round trip of recovery one segment is sent for each delivered; then the window is restored', () => {
    const hand = new ByHand().toProbeBw();
    for (let i = 0; i < 200; i++) hand.ack(1, MILLISECOND);
    const before = hand.cc.cwnd;
    expect(before).toBeGreaterThan(100);
    hand.cc.onCongestion('loss');
    expect(hand.cc.cwnd).toBe(before);
    hand.inFlight = 40;
    hand.ack(2, MILLISECOND, { caState: CaState.recovery, lost: 3 });
    expect(hand.cc.cwnd).toBe(42);
    for (let i = 0; i < 20; i++) hand.ack(1, MILLISECOND, { caState: CaState.recovery });
    expect(hand.cc.cwnd).toBe(42);
    // The round trip is over: the window grows again, less the lost segments.
    for (let i = 0; i < 40; i++) hand.ack(1, MILLISECOND, { caState: CaState.recovery });
    const later = hand.cc.cwnd;
    expect(later).toBeGreaterThan(50);
    hand.ack(1, MILLISECOND, { caState: CaState.recovery, lost: 5 });
    expect(hand.cc.cwnd).toBe(later - 5 + 1);
    hand.ack(1, MILLISECOND);
    expect(hand.cc.cwnd).toBe(before);
  });

  it('at least four segments, from the first ACK after a timeout on', () => {
    const hand = new ByHand().toProbeBw();
    hand.cc.onCongestion('timeout');
    hand.cc.cwnd = 1;
    hand.ack(1, MILLISECOND, { caState: CaState.loss });
    expect(hand.cc.cwnd).toBe(4);
    hand.ack(1, MILLISECOND);
    expect(hand.cc.cwnd).toBeGreaterThan(50);
  });

  it('in STARTUP a slow sample does not lower the rate', () => {
    const hand = new ByHand();
    const rate = hand.cc.pacingRate;
    hand.ack(1, MILLISECOND, { rateDelivered: 1 });
    expect(hand.cc.pacingRate).toBe(rate);
  });

  it('after a pause it sends at the estimated bandwidth, without PROBE_RTT, because the pause drained the queue', () => {
    const hand = new ByHand().toProbeBw();
    hand.inFlight = 80;
    hand.ackWhile((gain) => gain < 1.2);
    hand.now += 20 * SECOND;
    hand.cc.onSendAfterIdle(hand.now - 20 * SECOND, true, hand.now);
    expect(hand.gain).toBeCloseTo(1);
    hand.ack(1, 50 * MILLISECOND);
    expect(hand.cc.mode).toBe('PROBE_BW');
  });

  it('a receiver that acknowledges in bursts gets a larger window', () => {
    const cwndWith = (burst: number): number => {
      const hand = new ByHand().toProbeBw();
      for (let i = 0; i < 800 / burst; i++) hand.ack(burst, burst * MILLISECOND);
      return hand.cc.cwnd;
    };
    expect(cwndWith(40) - cwndWith(1)).toBeGreaterThan(20);
  });

  it('a policer: after a fifth is lost in two intervals at the same rate, that rate is used for 48 round trips', () => {
    const hand = new ByHand().toProbeBw();
    // The samples show 1 segment a millisecond; the average over time is a third of that.
    for (let i = 0; i < 400; i++) hand.ack(1, 3 * MILLISECOND, { lost: i % 3 === 0 ? 1 : 0 });
    expect(hand.cc.bandwidth * MILLISECOND).toBeCloseTo(1 / 3);
    expect(hand.gain).toBeCloseTo(1);
    for (let i = 0; i < 50 * 60; i++) hand.ack(1, 3 * MILLISECOND);
    expect(hand.cc.bandwidth * MILLISECOND).toBeCloseTo(1);
  });
});
