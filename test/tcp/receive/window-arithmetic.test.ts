/** ReceiveWindow by itself, at the thresholds of its rules and one byte below. */
import { describe, expect, it } from 'vitest';
import { PROFILES, type TcpConfig } from '../../../src/tcp/config.js';
import { ReceiveWindow } from '../../../src/tcp/receive/receive-window.js';

const made = (config: Partial<TcpConfig> = {}): ReceiveWindow =>
  new ReceiveWindow({ ...PROFILES.linux, ...config });

/** After the peer's SYN at 0. */
function started(
  receiveBufferBytes: number,
  mss: number,
  config: Partial<TcpConfig> = {},
): ReceiveWindow {
  const window = made({ receiveBufferBytes, ...config });
  window.start(0, mss);
  return window;
}

/** 10,000 bytes of room, all of it offered by the SYN,ACK to a peer whose segments have 1000. */
function offered10000(): ReceiveWindow {
  const window = started(10_000, 1000);
  expect(window.offerOnSyn(0, 1000)).toBe(10_000);
  return window;
}

const HUGE = 0x7fff_ffff;

it.each([
  [{ receiveBufferBytes: 65_535 }, 0],
  [{ receiveBufferBytes: 65_536 }, 1],
  [{ receiveBufferBytes: 131_071 }, 1],
  [{ receiveBufferBytes: 131_072 }, 2],
  [{ receiveBufferBytes: 131_072, windowClamp: 65_535 }, 0],
  [{ rmem: { min: 4096, default: 131_072, max: HUGE } }, 14],
  // RFC 7323 section 2.3: at most 14, for any window.
  [{ rmem: { min: 4096, default: 131_072, max: HUGE }, windowClamp: HUGE }, 14],
])('the window scale for %j is %i', (config, shift) => {
  expect(made(config).wantedWscale).toBe(shift);
});

describe('at the start', () => {
  it.each([
    // buffer, MSS, TCP_WINDOW_CLAMP: how far the window opens, and may open
    [65_536, 1460, 0, 64_076, 64_076],
    [65_536, 1460, 30_000, 29_200, 30_000],
    [3000, 1460, 0, 2920, 2920],
    [2500, 1460, 0, 1460, 2500],
    [1000, 1460, 0, 1000, 1000],
  ])(
    '%i bytes, MSS %i, clamp %i: opens by %i of %i',
    (bytes, mss, windowClamp, ssthresh, clamp) => {
      const window = started(bytes, mss, { windowClamp });
      expect([window.ssthresh, window.clamp]).toEqual([ssthresh, clamp]);
    },
  );
});

it('a SYN may offer a larger window than its field can express: all of it is accepted, and the field is at its maximum', () => {
  const window = started(270_000, 1460);
  expect([window.offerOnSyn(0, 1460), window.told, window.size(0)]).toEqual([
    65_535, 268_640, 268_640,
  ]);
  expect([window.offer(0, 0, 1460), window.clamp]).toEqual([65_535, 65_535]);
});

it('is tight when less than half of the maximum is left', () => {
  const window = started(65_536, 1460);
  expect([window.isTight(65_536 - 32_038), window.isTight(65_536 - 32_037)]).toEqual([false, true]);
  const clamped = started(65_536, 1460, { windowClamp: 30_000 });
  expect([clamped.isTight(50_536), clamped.isTight(50_537)]).toEqual([false, true]);
});

describe('after a read', () => {
  it('an update is sent for twice the window, not for less', () => {
    const window = offered10000();
    expect(window.offer(8000, 8000, 1000)).toBe(2000);
    expect([7000, 6001, 6000].map((queued) => window.updateDue(8000, queued, 1000))).toEqual([
      false,
      false,
      true,
    ]);
  });

  it('no update is sent if the peer knows more than half of the maximum', () => {
    const window = offered10000();
    expect([5400, 5500].map((nxt) => window.updateDue(nxt, 0, 1000))).toEqual([false, true]);
  });
});

describe('RFC 9293 section 3.8.6.2.2: no silly window', () => {
  it('offers nothing rather than less than a segment', () => {
    expect(
      [9001, 9000, 8999, 8000].map((queued) => started(10_000, 1000).offer(0, queued, 1000)),
    ).toEqual([0, 1000, 1000, 2000]);
  });

  it('offers nothing rather than less than a sixteenth of the buffer', () => {
    expect([15_001, 15_000].map((queued) => started(16_000, 100).offer(0, queued, 100))).toEqual([
      0, 1000,
    ]);
  });

  it('if no segment fits: offers more than half of the buffer', () => {
    expect([501, 500, 499].map((queued) => started(1000, 1460).offer(0, queued, 1460))).toEqual([
      0, 0, 501,
    ]);
  });

  it('an unscaled window moves by whole segments', () => {
    const window = started(10_000, 1000);
    expect(window.offer(0, 6000, 1000)).toBe(4000);
    expect(window.offer(0, 5001, 1000), 'less than a segment more').toBe(4000);
    expect(window.offer(0, 5000, 1000)).toBe(5000);
    expect(window.offer(0, 3500, 1000)).toBe(6000);
  });
});

describe('RFC 7323 section 2.4: a scaled window is announced in units', () => {
  const scaled = (): ReceiveWindow => {
    const window = offered10000();
    window.wscale = 3;
    return window;
  };

  it('is rounded up, so that its edge does not move left', () => {
    expect(scaled().offer(9997, 9997, 1000)).toBe(1);
  });

  it('reaches at most an eighth of the buffer beyond its end', () => {
    expect([11_241, 11_242].map((queued) => scaled().offer(9997, queued, 1000))).toEqual([1, 0]);
    expect(scaled().offer(9989, 11_300, 1000)).toBe(1);
  });
});

it('opens by twice the received data of large enough segments, up to the free space', () => {
  const window = started(100_000, 1000);
  window.shrinkTo(5000);
  const steps: [boolean, number][] = [];
  for (const [length, queued] of [
    [127, 0],
    [128, 0],
    [3000, 0],
    [3000, 86_500],
    [3000, 86_500],
  ] as const)
    steps.push([window.grow(length, queued, 1000), window.ssthresh]);
  expect(steps).toEqual([
    [false, 5000],
    [true, 7000],
    [true, 13_000],
    [true, 13_500],
    [false, 13_500],
  ]);
  window.shrinkTo(20_000);
  expect(window.ssthresh).toBe(13_500);
});

it('grows with its buffer up to the maximum of tcp_rmem, and never when SO_RCVBUF is set', () => {
  const window = made();
  const sizes = [100_000, 50_000, 1 << 30].map((bytes) => {
    window.expand(bytes);
    return [window.bufferBytes, window.clamp];
  });
  expect(sizes).toEqual([
    [200_000, 100_000],
    [200_000, 100_000],
    [6 << 20, 3 << 20],
  ]);
  const locked = started(10_000, 1000);
  locked.expand(100_000);
  expect(locked.bufferBytes).toBe(20_000);
});

it('TCP_WINDOW_CLAMP reduces it at once, but not below what was announced', () => {
  const window = offered10000();
  const steps = [100, 5000, 4000, 50_000].map((bytes) => {
    window.setClamp(bytes);
    return [window.clamp, window.ssthresh];
  });
  expect(steps).toEqual([
    [1152, 1152],
    [5000, 5000],
    [4000, 4000],
    [50_000, 10_000],
  ]);
});
