/** Changes of cwnd and ssthresh that are the same for every congestion control. */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { createCongestionControl } from '../../../src/tcp/congestion/index.js';
import {
  afterTimeout,
  packetsGrow,
  reductionEnds,
  restartAfterIdle,
  windowUnused,
} from '../../../src/tcp/congestion/window.js';
import { setWindow } from './set-window.js';

const OPTIONS = { hystart: 'off', random: 0 } as const;

const reno = (cwnd: number, ssthresh = Infinity) => {
  const cc = createCongestionControl('reno', OPTIONS);
  setWindow(cc, { cwnd, ssthresh });
  return cc;
};

describe('cwnd and ssthresh', () => {
  it('after a timeout one segment may be sent (RFC 5681 section 3.1); ssthresh was set before', () => {
    const cc = reno(20);
    cc.onCongestion('timeout', 20, 0);
    afterTimeout(cc, 0);
    expect([cc.cwnd, cc.ssthresh]).toEqual([1, 10]);
  });

  it('a reduction ends at ssthresh (RFC 5681 section 3.2 step 6)', () => {
    const cc = reno(12, 8);
    reductionEnds(cc);
    expect([cc.cwnd, cc.ssthresh]).toEqual([8, 8]);
  });

  it('a pause of three RTOs beyond the first halves cwnd three times, and ssthresh keeps 3/4 of it', () => {
    const cc = reno(160, 20);
    restartAfterIdle(cc, 10, 4 * SECOND, SECOND);
    expect([cc.cwnd, cc.ssthresh]).toEqual([20, 120]);
    // never below the initial window, and a smaller cwnd stays
    restartAfterIdle(cc, 10, 60 * SECOND, SECOND);
    expect(cc.cwnd).toBe(10);
    const small = reno(3, 20);
    restartAfterIdle(small, 10, 60 * SECOND, SECOND);
    expect([small.cwnd, small.ssthresh]).toEqual([3, 20]);
  });

  it('half of the unused window is removed; the used part stays', () => {
    const cc = reno(40, 20);
    windowUnused(cc, 10);
    expect([cc.cwnd, cc.ssthresh]).toEqual([25, 30]);
    windowUnused(cc, 25);
    expect([cc.cwnd, cc.ssthresh]).toEqual([25, 30]);
  });

  it('with larger packets the window has fewer segments, of as many bytes', () => {
    const cc = reno(24, 4);
    packetsGrow(cc, 1000, 1500);
    expect([cc.cwnd, cc.ssthresh]).toEqual([16, 12]);
  });

  it('without congestion control nothing closes the window', () => {
    const cc = createCongestionControl('none', OPTIONS);
    afterTimeout(cc, 0);
    restartAfterIdle(cc, 10, 60 * SECOND, SECOND);
    expect(cc.cwnd).toBe(Infinity);
  });

  it('are read-only outside src/tcp/congestion/: an assignment does not compile', () => {
    const cc = reno(10);
    // @ts-expect-error -- cwnd is read-only
    cc.cwnd = 5;
    // @ts-expect-error -- ssthresh is read-only
    cc.ssthresh = 5;
  });
});
