/** MSG_EOR: no segment has bytes of two records. */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { pattern, Peer } from '../peer.js';

const cut = (s: Peer, from = 0): string[] =>
  s.got.slice(from).map((x) => `${x.flags} ${x.seq} ${x.len}`);

describe('MSG_EOR', () => {
  it('the next write starts a new segment; the short one before it is not delayed by Nagle, and has PSH', () => {
    const s = Peer.established();
    const from = s.got.length;
    s.conn.send(pattern(10), false, true);
    s.conn.send(pattern(1500), false, true);
    s.conn.send(pattern(20));
    s.poll();
    expect(cut(s, from)).toEqual(['P. 1 10', '. 11 1460', 'P. 1471 40']);
    s.send({ flags: '.', seq: 1, ack: 1511 });
    expect(s.last).toMatchObject({ flags: 'P.', seq: 1511, len: 20 });
    expect(s.conn.snd.recordEnds).toBeNull();
  });

  it('retransmissions are split at the same places', () => {
    const s = Peer.established({ config: { noDelay: true } });
    s.conn.send(pattern(10), false, true);
    s.conn.send(pattern(20));
    s.poll();
    const from = s.got.length;
    s.wait(5 * SECOND);
    s.send({ flags: '.', seq: 1, ack: 11 });
    s.wait(20 * SECOND);
    const again = s.got.slice(from).filter((x) => x.len > 0);
    expect(new Set(again.map((x) => `${x.seq}+${x.len}`))).toEqual(new Set(['1+10', '11+20']));
  });

  it('a super-segment also ends at a record', () => {
    const s = Peer.established({ gsoBytes: 60_000 });
    const from = s.got.length;
    s.conn.send(pattern(3000), false, true);
    s.conn.send(pattern(3000));
    s.poll();
    expect(s.got.slice(from).every((x) => x.seq >= 3001 || x.seq + x.len <= 3001)).toBe(true);
  });

  it('does not end the record if only part of the data was accepted', () => {
    const s = Peer.established();
    s.conn.setSendBuffer(3000);
    const taken = s.conn.send(pattern(20_000), false, true);
    expect(taken).toBeLessThan(20_000);
    expect(s.conn.snd.recordEnds).toBeNull();
  });
});
