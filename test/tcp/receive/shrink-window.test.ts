/**
 * tcp_shrink_window: with it, and only with it, the window's edge moves left when the buffer fills
 * sooner than was thought.
 */
import { describe, expect, it } from 'vitest';
import { Peer } from '../peer.js';

/**
 * The right edges that were told, after the buffer was made smaller under a window that was offered
 * before.
 */
function edges(shrinkWindow: boolean, wscale: number | null): number[] {
  const config = { shrinkWindow, receiveBufferBytes: 200_000 };
  const s = Peer.established({ config }, wscale === null ? {} : { wscale });
  const told = (): number => s.last.ack! + (s.last.win << s.conn.rcv.wscale);
  s.send({ flags: '.', seq: 1, ack: 1, len: 1460 });
  s.send({ flags: '.', seq: 1461, ack: 1, len: 1460 });
  const before = told();
  s.conn.setReceiveBuffer(8000);
  s.send({ flags: '.', seq: 2921, ack: 1, len: 1460 });
  s.send({ flags: '.', seq: 4381, ack: 1, len: 1460 });
  return [before, told()];
}

describe('tcp_shrink_window', () => {
  it('SHLD-14: off, the edge stays', () => {
    const [before, after] = edges(false, 7);
    expect(after).toBeGreaterThanOrEqual(before!);
  });

  it('on, it is where the buffer ends', () => {
    const [before, after] = edges(true, 7);
    expect(after).toBeLessThan(before!);
    expect(after).toBeLessThanOrEqual(1 + 8000);
  });

  it('on, a window that is not scaled stays', () => {
    const [before, after] = edges(true, null);
    expect(after).toBeGreaterThanOrEqual(before!);
  });
});
