import { describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../../src/base/time.js';
import { Reno } from '../../../src/tcp/congestion/reno.js';
import { Transfer } from './samples.js';
import { setWindow } from './set-window.js';

const RTT = 50 * MILLISECOND;

/** After each of `rounds` round trips. */
function windows(path: Transfer, rounds: number): number[] {
  return Array.from({ length: rounds }, () => {
    path.round();
    return path.cc.cwnd;
  });
}

describe('Reno (RFC 5681)', () => {
  it('MUST-19: slow start doubles, and ends at ssthresh exactly', () => {
    const path = new Transfer(new Reno(), RTT);
    expect(windows(path, 4)).toEqual([20, 40, 80, 160]);
    setWindow(path.cc, { cwnd: 10, ssthresh: 25 });
    expect(windows(path, 3)).toEqual([20, 25, 26]);
  });

  it('MUST-19: the sawtooth: grows by one segment a round trip, and halves on loss, exactly', () => {
    const path = new Transfer(new Reno(), RTT);
    windows(path, 1);
    for (let tooth = 0; tooth < 5; tooth++) {
      path.lose();
      const low = path.cc.cwnd;
      const rounds = 10 + tooth;
      expect(windows(path, rounds)).toEqual(Array.from({ length: rounds }, (_, i) => low + i + 1));
      const high = path.cc.cwnd;
      path.lose();
      expect([path.cc.cwnd, path.cc.ssthresh]).toEqual([
        Math.floor(high / 2),
        Math.floor(high / 2),
      ]);
      windows(path, 3);
    }
  });

  it('an ACK for many segments grows slow start up to ssthresh, and the rest counts for congestion avoidance', () => {
    const path = new Transfer(new Reno(), RTT);
    setWindow(path.cc, { ssthresh: 15 });
    path.ackOne({ acked: 20 });
    expect(path.cc.cwnd).toBe(16); // 5 up to ssthresh; the other 15 are a window, which adds one
  });

  it('never less than two segments (equation 4)', () => {
    const cc = new Reno();
    cc.onCongestion('loss', 1);
    expect(cc.ssthresh).toBe(2);
  });

  it.each([100, 400, 2500])(
    'one of %i lost: the average window is within 15 %% of sqrt(3/2p)',
    (every) => {
      const path = new Transfer(new Reno(), RTT);
      expect(Math.abs(path.averageWindow(every) / Math.sqrt(1.5 * every) - 1)).toBeLessThan(0.15);
    },
  );
});
