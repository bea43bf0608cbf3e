/**
 * The contents of a loss probe (RFC 8985 section 7.3). Its time is tested in timeouts.test.ts and
 * by packet scripts of test/scripts/rack-tlp.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND } from '../../../src/base/time.js';
import { ack, at, inFlight, MSS, numbers } from '../flight.js';
import { pattern, type Peer } from '../peer.js';

/** The probe's timer expires; nothing is sent yet. */
function expire(s: Peer): void {
  s.now += s.timer('tlp');
  s.conn.onTimeout(s.now);
  expect(s.conn.owed.lossProbe).toBe(true);
}

describe('an ACK between the timer and the probe', () => {
  it('acknowledges everything: no probe is sent', () => {
    const s = inFlight(2);
    expire(s);
    expect(s.send(ack(2))).toEqual([]);
    expect(s.env.counters.TcpExtTCPLossProbes).toBe(0);
    expect([s.timer('rto'), s.timer('tlp')]).toEqual([Infinity, Infinity]);
  });

  it('SACKs the last segment: the lost data is retransmitted instead of it', () => {
    const s = inFlight(2);
    expire(s);
    expect(numbers(s.send(ack(0, [1, 2])))).not.toContain(1);
    expect(s.env.counters.TcpExtTCPLossProbes).toBe(0);
    s.wait(400 * MILLISECOND);
    expect(numbers(s.got).filter((n) => n === 1)).toHaveLength(1);
  });
});

describe('new data as the probe', () => {
  /** Ten segments fill cwnd; what `write` adds waits. */
  function full(win: number, write: (s: Peer) => void): Peer {
    const s = inFlight(10);
    s.send({ ...ack(0), win });
    write(s);
    expect(numbers(s.got)).toHaveLength(10);
    expire(s);
    return s;
  }

  it('a segment that just fits into the window', () => {
    const fits = full(88, (s) => void s.conn.send(pattern(3 * MSS)));
    expect(fits.conn.snd.usableWindow).toBe(88 * 128 - 10 * MSS); // 1264
    expect(fits.poll()).toMatchObject([{ seq: at(10), len: MSS }]);
  });

  it.each([
    [264, at(10), 264],
    [265, at(9), MSS],
  ])('%i bytes if the window has room for 264', (bytes, seq, len) => {
    // 10,264 is not a multiple of 128, so the test sets the window directly.
    const s = full(88, (x) => void x.conn.send(pattern(bytes)));
    s.conn.snd.wnd = 10_264;
    expect(s.poll()).toMatchObject([{ seq, len }]);
  });

  it('ends with a record (MSG_EOR)', () => {
    const s = full(1000, (x) => {
      x.conn.send(pattern(100), false, true);
      x.conn.send(pattern(100));
    });
    expect(s.poll()).toMatchObject([{ seq: at(10), len: 100 }]);
  });
});

describe('the last segment as the probe', () => {
  it('of a super-segment only the last segment on the wire, at the current segment size', () => {
    const s = inFlight(4, { gsoBytes: 65_536 });
    expect(s.last).toMatchObject({ seq: at(0), len: 4 * MSS, gsoSize: MSS });
    s.conn.snd.mss = 600;
    expire(s);
    expect(s.poll()).toMatchObject([{ seq: 1 + 3 * 600, len: 600 }]);
  });
});
