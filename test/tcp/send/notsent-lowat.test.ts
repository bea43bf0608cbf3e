/**
 * TCP_NOTSENT_LOWAT: a write continues, a buffer at a time, until the unsent bytes reach the limit.
 */
import { describe, expect, it } from 'vitest';
import { pattern, Peer } from '../peer.js';

/**
 * A connection with an MSS of 1000 whose peer offers `win`, and whose user sets a limit of `lowat`.
 */
function limited(win: number, lowat: number): Peer {
  const s = Peer.established({ mss: 1000 }, { mss: 1000, win }, win);
  s.conn.setNotSentLowat(lowat);
  return s;
}

describe('TCP_NOTSENT_LOWAT limits a write that has begun', () => {
  it.each([
    // The peer's window, the limit, and how much of a write of 50,000 is accepted: two segments are
    // sent, and full ones wait up to the limit.
    [2000, 3000, 5000],
    [2000, 2500, 5000],
    [2000, 1, 3000],
    // cwnd allows ten; a buffer holds half of the window.
    [20_000, 1, 20_000],
  ])('a window of %i and a limit of %i: %i bytes', (win, lowat, taken) => {
    expect(limited(win, lowat).conn.send(pattern(50_000))).toBe(taken);
  });

  it('lent memory does not exceed the limit either', () => {
    const s = limited(2000, 3000);
    expect(s.conn.sendZeroCopy(pattern(5001))).toBe(false);
    expect(s.conn.sendZeroCopy(pattern(5000))).toBe(true);
  });

  it('no data is accepted at the limit, and data is accepted again below it', () => {
    const s = limited(2000, 3000);
    s.write(50_000);
    expect(s.conn.send(pattern(1000))).toBe(0);
    s.send({ flags: '.', seq: 1, ack: 2001, win: 2000 });
    expect(s.conn.send(pattern(50_000))).toBe(2000);
  });
});
