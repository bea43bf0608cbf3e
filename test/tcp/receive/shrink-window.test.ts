/**
 * tcp_shrink_window: only if it is on, the window's edge moves left when the buffer fills sooner
 * than expected.
 */
import { describe, expect, it } from 'vitest';
import { Peer } from '../peer.js';

/**
 * The announced right edges after the buffer became smaller than a window offered before.
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
  it('SHLD-14: if off, the edge stays', () => {
    const [before, after] = edges(false, 7);
    expect(after).toBeGreaterThanOrEqual(before!);
  });

  it('if on, the edge is at the end of the buffer', () => {
    const [before, after] = edges(true, 7);
    expect(after).toBeLessThan(before!);
    expect(after).toBeLessThanOrEqual(1 + 8000);
  });

  it('if on, an unscaled window stays', () => {
    const [before, after] = edges(true, null);
    expect(after).toBeGreaterThanOrEqual(before!);
  });
});
