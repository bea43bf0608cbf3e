/**
 * Urgent data, RFC 9293 section 3.8.5 and RFC 6093: sent and received in line, and also out of line
 * as in Linux.
 */
import { describe, expect, it } from 'vitest';
import { SECOND } from '../../src/base/time.js';
import { UrgentByte } from '../../src/tcp/receive/urgent-receiver.js';
import {
  isAtMark,
  isUrgentHere,
  receiveUrgent,
  sendUrgent,
  setUrgentInline,
  urgentLeft,
} from '../../src/tcp/urgent.js';
import { pattern, Peer, type Sent, type Wire } from './peer.js';

function urgentWrite(s: Peer, bytes: number): Sent[] {
  sendUrgent(s.conn, pattern(bytes));
  return s.poll();
}
const data = (seq: number, len: number, urg?: number): Wire => ({
  flags: urg === undefined ? '.' : 'U.',
  seq,
  ack: 1,
  len,
  ...(urg === undefined ? {} : { urg }),
});
/** Reads everything; returns the lengths of the pieces. */
function pieces(s: Peer): number[] {
  const lengths: number[] = [];
  for (let piece = s.conn.receive(); piece !== null; piece = s.conn.receive())
    lengths.push(piece.length);
  return lengths;
}

describe('sending', () => {
  it('MUST-30: urgent data is announced on every segment before its end, and on their retransmissions', () => {
    const s = Peer.established();
    s.write(500);
    expect(s.last).toMatchObject({ flags: 'P.' });
    expect(urgentWrite(s, 3)).toMatchObject([{ flags: 'PU.', seq: 501, len: 3, urg: 3 }]);
    // Data after it is not urgent; retransmitted data before it is.
    expect(s.write(1460)[0]).toMatchObject({ seq: 504, flags: 'P.' });
    const again = s.wait(SECOND);
    expect(again.find((x) => x.seq === 1)).toMatchObject({
      flags: expect.stringContaining('U') as string,
      urg: 503,
    });
    s.send({ flags: '.', seq: 1, ack: 504 });
    s.wait(10 * SECOND);
    expect(s.last).toMatchObject({ seq: 504, flags: 'P.' });
  });

  it('MUST-31: urgent data may have any length, even beyond the reach of the pointer', () => {
    const s = Peer.established({ config: { sendBufferBytes: 1 << 20 } }, { wscale: 7 }, 60_000);
    const length = 100_000;
    urgentWrite(s, length);
    for (let acked = 1; acked < length; acked += 2920) {
      const nxt = s.conn.snd.nxt;
      s.send({
        flags: '.',
        seq: 1,
        ack: Math.min(acked + 2920, (nxt - s.conn.iss) | 0),
        win: 60_000,
      });
    }
    const all = s.got.filter((x) => x.len > 0);
    expect(all.reduce((n, x) => n + x.len, 0)).toBe(length);
    expect(all.every((x) => x.flags.includes('U'))).toBe(true);
    for (const x of all) expect(x.urg).toBe(Math.min(length + 1 - x.seq, 0xffff));
    expect(all.every((x) => x.gsoSize === undefined)).toBe(true);
  });

  it('MUST-62: the pointer sent is the number after the last urgent byte', () => {
    const s = Peer.established();
    expect(urgentWrite(s, 1)).toMatchObject([{ seq: 1, len: 1, urg: 1 }]);
    expect(s.conn.snapshot(s.now).snd.up).toBe((s.conn.iss + 2) >>> 0);
  });

  it('does not wait for Nagle', () => {
    const s = Peer.established();
    s.write(10);
    expect(s.write(10)).toEqual([]);
    expect(urgentWrite(s, 1)).toMatchObject([{ seq: 11, len: 11, urg: 11 }]);
  });

  it('makes no super-segments, because all parts would carry the same pointer', () => {
    const s = Peer.established({ gsoBytes: 60_000 });
    const out = urgentWrite(s, 5 * 1460);
    expect(out.map((x) => [x.len, x.urg, x.gsoSize])).toEqual(
      Array.from({ length: 5 }, (_, i) => [1460, (5 - i) * 1460, undefined]),
    );
    s.send({ flags: '.', seq: 1, ack: 1 + 5 * 1460 });
    expect(s.write(5 * 1460)).toMatchObject([{ len: 5 * 1460, gsoSize: 1460 }]);
  });

  it('is announced while the window is zero, by a segment that the peer processes (MUST-66); then probes follow', () => {
    const s = Peer.established();
    s.send({ flags: '.', seq: 1, ack: 1, win: 0 });
    expect(urgentWrite(s, 4)).toEqual([]);
    const out = s.wait(SECOND);
    expect(out.slice(0, 2)).toMatchObject([
      { flags: 'U.', seq: 1, len: 0, urg: 4 },
      { flags: 'U.', seq: 0, len: 0, urg: 5 },
    ]);
  });

  it('a long stream of ordinary data is never urgent', () => {
    const s = Peer.established({}, { wscale: 7 });
    for (let n = 0; n < 20; n++) {
      s.write(10_000);
      s.send({ flags: '.', seq: 1, ack: (s.conn.snd.nxt - s.conn.iss) | 0 });
    }
    expect(s.got.some((x) => x.flags.includes('U'))).toBe(false);
    expect(s.conn.snd.up).toBe(s.conn.snd.una);
  });
});

describe('receiving', () => {
  it('MUST-30, MUST-32: the user gets an event at once, and again for more urgent data', () => {
    const s = Peer.established();
    s.send(data(1, 100));
    expect(s.takeEvents()).toEqual(['readable']);
    // Announced before it arrives.
    s.send(data(101, 100, 1000));
    expect(s.takeEvents()).toEqual(['readable', 'urgent']);
    s.send(data(201, 100, 900));
    expect(s.takeEvents(), 'the same pointer again').toEqual(['readable']);
    s.send(data(301, 100, 1200));
    expect(s.takeEvents(), 'it advances').toEqual(['readable', 'urgent']);
    s.send({ flags: 'U.', seq: 401, ack: 1, urg: 1000 });
    expect(s.takeEvents(), 'it does not advance').toEqual([]);
    expect(s.notes.filter((n) => n === 'urgent')).toHaveLength(2);
  });

  it('the user also gets the event if the window is zero, or if the segment is out of order', () => {
    const s = Peer.established({ config: { receiveBufferBytes: 2920 } });
    s.send(data(1, 1460));
    s.send(data(1461, 1460));
    s.wait(SECOND);
    expect(s.last.win).toBe(0);
    s.takeEvents();
    s.send({ flags: 'U.', seq: 2921, ack: 1, urg: 5 });
    expect(s.takeEvents()).toEqual(['urgent']);
    expect(urgentLeft(s.conn)).toBe(2925);
    const t = Peer.established();
    t.send(data(1001, 100, 50));
    expect(t.takeEvents()).toEqual(['urgent']);
    expect(urgentLeft(t.conn)).toBe(1050);
  });

  it('MUST-31: urgent data may have any length: the mark advances as far as the pointer reaches', () => {
    const s = Peer.established();
    const length = 100_000;
    for (let seq = 1; seq <= length; seq += 1000) {
      const ahead = Math.min(length + 1 - seq, 0xffff);
      s.send(data(seq, 1000, ahead));
      expect(s.takeEvents().includes('urgent'), 'until it is at the last byte').toBe(
        seq === 1 || length + 1 - seq >= 65_000,
      );
      expect(urgentLeft(s.conn)).toBe(ahead);
      s.read();
    }
    expect(s.readBytes).toEqual(pattern(length));
    expect(urgentLeft(s.conn)).toBe(0);
  });

  it('MUST-33: the user can query how much is left, and no piece read extends past the mark', () => {
    const s = Peer.established();
    expect([urgentLeft(s.conn), isAtMark(s.conn)]).toEqual([0, false]);
    s.send(data(1, 300, 200));
    expect([urgentLeft(s.conn), isAtMark(s.conn)]).toEqual([200, false]);
    expect(s.conn.snapshot(s.now).rcv.up).toBe((s.peerIss + 201) >>> 0);
    expect(s.conn.receive()).toEqual(pattern(199));
    expect([urgentLeft(s.conn), isAtMark(s.conn)]).toEqual([1, true]);
    expect(s.conn.receive()).toEqual(pattern(101, 199));
    expect([urgentLeft(s.conn), isAtMark(s.conn)]).toEqual([0, false]);
    expect(s.conn.snapshot(s.now).rcv.up).toBeNull();
    // The next mark.
    s.send(data(301, 10, 10));
    expect(s.takeEvents()).toContain('urgent');
    expect(pieces(s)).toEqual([9, 1]);
  });

  it('MUST-62: the pointer received is the number after the last urgent byte', () => {
    const s = Peer.established();
    s.send({ ...data(1, 5, 3), data: Uint8Array.from([10, 11, 12, 13, 14]) });
    expect(s.conn.receive()).toEqual(Uint8Array.from([10, 11]));
    expect(isAtMark(s.conn)).toBe(true);
    expect(s.conn.receive()).toEqual(Uint8Array.from([12, 13, 14]));
  });

  it('splits pieces of every kind at the mark, and reading continues after it', () => {
    // Small payloads that were gathered; the last piece still has room.
    const s = Peer.established();
    for (let n = 0; n < 4; n++) s.send(data(1 + 100 * n, 100, n === 3 ? 50 : undefined));
    expect(s.conn.receive()).toHaveLength(100);
    s.send(data(401, 100));
    const lengths = pieces(s);
    expect(lengths.reduce((a, b) => a + b)).toBe(400);
    const ends: number[] = [];
    lengths.reduce((at, n) => (ends.push(at + n), at + n), 101);
    expect(ends).toContain(350);
    // A large one, which is kept without a copy.
    const t = Peer.established();
    t.send({ ...data(1, 40_000, 30_001), gsoSize: 1460 });
    expect(t.conn.receive()).toEqual(pattern(30_000));
    t.send(data(40_001, 100));
    expect(t.conn.receive()).toEqual(pattern(10_000, 30_000));
    expect(t.read()).toBe(100);
  });

  it('ignores a pointer of 0, a pointer to old data, and pointers after FIN', () => {
    const s = Peer.established();
    s.send(data(1, 100));
    s.takeEvents();
    s.send(data(101, 100, 0));
    s.send({ ...data(101, 200, 50), flags: 'U.' });
    expect(s.takeEvents()).toEqual(['readable']);
    s.send({ flags: 'F.', seq: 301, ack: 1 });
    s.takeEvents();
    s.send({ flags: 'U.', seq: 302, ack: 1, urg: 100 });
    expect([s.takeEvents(), urgentLeft(s.conn)]).toEqual([[], 0]);
    expect(s.read()).toBe(300);
  });
});

describe('out of line', () => {
  function apart(): Peer {
    const s = Peer.established();
    setUrgentInline(s.conn, false);
    return s;
  }

  it('the byte is not in the stream, and can be read once', () => {
    const s = apart();
    expect(receiveUrgent(s.conn)).toBe(UrgentByte.none);
    s.send({ ...data(1, 5, 3), data: Uint8Array.from([10, 11, 12, 13, 14]) });
    expect(receiveUrgent(s.conn)).toBe(12);
    expect(receiveUrgent(s.conn)).toBe(UrgentByte.none);
    expect(s.conn.receive()).toEqual(Uint8Array.from([10, 11]));
    expect(isAtMark(s.conn)).toBe(true);
    expect(s.conn.receive()).toEqual(Uint8Array.from([13, 14]));
    expect([isAtMark(s.conn), urgentLeft(s.conn), s.conn.receiveQueued]).toEqual([false, 0, 0]);
  });

  it('EAGAIN if it was announced but has not arrived, and an event when it arrives', () => {
    const s = apart();
    s.send(data(1, 10, 15));
    expect(s.takeEvents()).toEqual(['readable', 'urgent']);
    expect(receiveUrgent(s.conn)).toBe(UrgentByte.notYet);
    s.send({ ...data(11, 5), data: Uint8Array.from([1, 2, 3, 4, 5]) });
    expect(s.takeEvents()).toEqual(['readable', 'urgent']);
    expect(receiveUrgent(s.conn)).toBe(5);
    expect(s.read()).toBe(14);
    expect(s.conn.receiveQueued).toBe(0);
    // Everything counts as read: the window is as before.
    s.send(data(16, 10));
    expect(s.read()).toBe(10);
  });

  it('a newer mark leaves an older byte in line, unless the reader is at that byte', () => {
    const s = apart();
    s.send({ ...data(1, 3, 2), data: Uint8Array.from([1, 2, 3]) });
    s.send({ ...data(4, 3, 2), data: Uint8Array.from([4, 5, 6]) });
    expect(receiveUrgent(s.conn)).toBe(5);
    s.read();
    expect(s.readBytes).toEqual(Uint8Array.from([1, 2, 3, 4, 6]));
    const t = apart();
    t.send({ ...data(1, 3, 2), data: Uint8Array.from([1, 2, 3]) });
    expect(t.conn.receive()).toEqual(Uint8Array.of(1));
    t.send({ ...data(4, 3, 2), data: Uint8Array.from([4, 5, 6]) });
    t.read();
    expect(t.readBytes).toEqual(Uint8Array.from([3, 4, 6]));
  });

  it('MSG_PEEK keeps the byte; a read past the mark discards it', () => {
    const s = apart();
    expect(isUrgentHere(s.conn)).toBe(false);
    s.send({ ...data(1, 3, 2), data: Uint8Array.from([1, 2, 3]) });
    expect([receiveUrgent(s.conn, true), receiveUrgent(s.conn, true)]).toEqual([2, 2]);
    expect(isUrgentHere(s.conn)).toBe(true);
    expect(s.conn.receive()).toEqual(Uint8Array.of(1));
    expect(isUrgentHere(s.conn)).toBe(true);
    expect(s.conn.receive()).toEqual(Uint8Array.of(3));
    expect(isUrgentHere(s.conn)).toBe(false);
    expect(receiveUrgent(s.conn)).toBe(UrgentByte.none);
  });

  it('is the default of a stack for sockets: urgentInline', () => {
    const s = Peer.established({ config: { urgentInline: false } });
    s.send({ ...data(1, 3, 2), data: Uint8Array.from([1, 2, 3]) });
    s.read();
    expect(s.readBytes).toEqual(Uint8Array.from([1, 3]));
    const inline = Peer.established();
    inline.send(data(1, 5, 10));
    expect(isUrgentHere(inline.conn)).toBe(false);
    inline.send(data(6, 5));
    expect(isUrgentHere(inline.conn)).toBe(true);
    inline.read();
    expect(isUrgentHere(inline.conn)).toBe(false);
  });
});
