import { describe, expect, it } from 'vitest';
import { SECOND } from '../../../src/base/time.js';
import { pattern, Peer } from '../peer.js';

describe("Nagle's algorithm", () => {
  it('SHLD-7: holds a small segment back while another is in flight, and sends it on the ACK', () => {
    const s = Peer.established();
    expect(s.write(10)).toMatchObject([{ seq: 1, len: 10 }]);
    expect(s.write(10)).toEqual([]);
    expect(s.write(10)).toEqual([]);
    expect(s.notes).toContain('nagle-hold');
    expect(s.send({ flags: '.', seq: 1, ack: 11 })).toMatchObject([{ seq: 11, len: 20 }]);
  });

  it('SHLD-7: full segments are sent at once, and so is the tail after them (Minshall)', () => {
    const s = Peer.established();
    expect(s.write(1460 + 10).map((x) => x.len)).toEqual([1460, 10]);
  });

  it('MUST-17: can be switched off for one connection', () => {
    const s = Peer.established();
    s.conn.setNoDelay(true);
    s.write(10);
    expect(s.write(10)).toMatchObject([{ seq: 11, len: 10 }]);
  });

  it('does not hold the last data before FIN', () => {
    const s = Peer.established();
    s.write(10);
    s.conn.send(pattern(10));
    expect(s.close()).toMatchObject([{ flags: 'FP.', seq: 11, len: 10 }]);
  });
});

describe('segments of data', () => {
  it('SHLD-28: are full where possible', () => {
    const s = Peer.established();
    expect(s.write(5000).map((x) => x.len)).toEqual([1460, 1460, 1460, 620]);
  });

  it('MUST-60, MUST-61, SHLD-27: only the last one has PSH', () => {
    const s = Peer.established();
    expect(s.write(5000).map((x) => x.flags)).toEqual(['.', '.', '.', 'P.']);
  });

  it.each(['TCP_CORK', 'MSG_MORE'])(
    'MUST-60: the last data is not held back for ever by %s',
    (how) => {
      const s = Peer.established();
      s.conn.setCork(how === 'TCP_CORK');
      s.conn.send(pattern(10), how === 'MSG_MORE');
      expect(s.poll()).toEqual([]);
      expect(s.wait(SECOND)[0]).toMatchObject({ seq: 1, len: 10 });
    },
  );

  it('MUST-60: Nagle does not hold data back for ever if the ACK is lost', () => {
    const s = Peer.established();
    s.write(10);
    expect(s.write(20)).toEqual([]);
    expect(s.wait(2 * SECOND)[0]).toMatchObject({ seq: 1, len: 10 });
    expect(s.send({ flags: '.', seq: 1, ack: 11 })).toMatchObject([{ seq: 11, len: 20 }]);
  });

  it('MUST-61: a retransmission of the last one has PSH, too', () => {
    const s = Peer.established();
    s.write(10);
    expect(s.wait(SECOND)[0]).toMatchObject({ flags: 'P.', seq: 1, len: 10 });
  });

  it('SHLD-27: queued writes share a segment, which has one PSH', () => {
    const s = Peer.established();
    s.write(1);
    for (const bytes of [400, 400, 400]) s.write(bytes);
    expect(s.send({ flags: '.', seq: 1, ack: 2 })).toMatchObject([{ len: 1200, flags: 'P.' }]);
  });

  it('SHLD-27: of writes held back by a zero window only the last segment has PSH', () => {
    const s = Peer.established({}, {}, 0);
    for (let i = 0; i < 10; i++) s.write(438); // the tenth ends at the end of a segment
    const sent = s.send({ flags: '.', seq: 1, ack: 1, win: 65_535 });
    expect(sent.map((x) => [x.len, x.flags])).toEqual([
      [1460, '.'],
      [1460, '.'],
      [1460, 'P.'],
    ]);
  });

  it('MAY-16: queued data is combined', () => {
    const s = Peer.established();
    s.write(1);
    for (let i = 0; i < 100; i++) s.write(1);
    expect(s.send({ flags: '.', seq: 1, ack: 2 })).toMatchObject([{ len: 100 }]);
  });

  it('carry the bytes that were written, also across the end of the ring', () => {
    const s = Peer.established({ config: { noDelay: true } });
    const all = pattern(50_000);
    const got: number[] = [];
    for (let at = 0; at < all.length; at += 777) {
      for (const x of s.write(all.subarray(at, at + 777))) got.push(...x.data);
      s.send({ flags: '.', seq: 1, ack: got.length + 1 });
    }
    expect(Uint8Array.from(got)).toEqual(all);
  });

  it("do not depend on the caller's memory after send()", () => {
    const s = Peer.established();
    const mine = pattern(100);
    s.write(mine);
    mine.fill(0);
    expect(s.wait(2 * SECOND)[0]!.data).toEqual(pattern(100));
  });

  it('are super-segments if the device splits them, multiples of the MSS except for the tail', () => {
    const s = Peer.established({ gsoBytes: 65_000 }, { wscale: 7 });
    s.send({ flags: '.', seq: 1, ack: 1, win: 4000 });
    expect(s.write(10_000)).toMatchObject([{ seq: 1, len: 10_000, gsoSize: 1460, flags: 'P.' }]);
    const rest = s.write(10_000); // cwnd is ten segments
    expect(rest.every((x) => x.len % 1460 === 0)).toBe(true);
  });

  it('send() accepts what fits, and an event reports more room', () => {
    const s = Peer.established({ config: { sendBufferBytes: 5000 } });
    s.takeEvents();
    expect(s.conn.send(pattern(8000))).toBe(5000);
    s.poll();
    s.send({ flags: '.', seq: 1, ack: 1461 });
    expect(s.conn.sendRoom).toBe(1460);
    expect(s.takeEvents(), 'not while less than a third is free').not.toContain('writable');
    s.send({ flags: '.', seq: 1, ack: 2921 });
    expect(s.takeEvents()).toContain('writable');
  });

  it('hold no memory when everything is acknowledged', () => {
    const s = Peer.established();
    s.write(5000);
    expect(s.env.pool.lent).toBe(1);
    s.send({ flags: '.', seq: 1, ack: 5001 });
    expect(s.env.pool.lent).toBe(0);
  });

  it('that were queued before the end of the handshake are sent', () => {
    const s = Peer.connect();
    expect(s.write(100)).toEqual([]);
    const out = s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect(out).toMatchObject([{ flags: 'P.', seq: 1, ack: 1, len: 100 }]);
  });
});

describe('keep-alive', () => {
  const HOUR = 3600 * SECOND;
  const on = (): Peer => {
    const s = Peer.established();
    s.conn.setKeepAlive(true, s.now);
    return s;
  };

  it('MUST-25: is off by default', () => {
    expect(Peer.established().wait(100 * HOUR)).toEqual([]);
  });

  it('MUST-24, MUST-28, SHLD-12, MAY-5: sends probes without data after two hours if it is switched on', () => {
    const s = on();
    expect(s.wait(2 * HOUR - 1)).toEqual([]);
    expect(s.wait(1)).toMatchObject([{ flags: '.', seq: 0, ack: 1, len: 0 }]);
  });

  it('MUST-24: can be switched off again', () => {
    const s = on();
    s.conn.setKeepAlive(false, s.now);
    expect(s.wait(10 * HOUR)).toEqual([]);
  });

  it('MUST-24: can be switched off before the connection is established, if it is on by default', () => {
    const s = Peer.connect({ config: { keepAlive: true } });
    s.conn.setKeepAlive(false, s.now);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect(s.state).toBe('ESTABLISHED');
    expect(s.wait(10 * HOUR)).toEqual([]);
  });

  it.each([
    ['an ACK', 0],
    ['data', 10],
  ])('MUST-26: sends no probe if %s arrived within the interval', (_what, len) => {
    const s = on();
    s.wait(HOUR);
    s.send({ flags: '.', seq: 1, ack: 1, len });
    expect(s.wait(2 * HOUR - 1)).toEqual([]);
    expect(s.wait(1)).toHaveLength(1);
  });

  it('MUST-27: the user can set the interval', () => {
    const s = Peer.established();
    s.conn.setKeepAlive(true, s.now, 10 * SECOND, SECOND, 3);
    const start = s.now;
    s.wait(HOUR);
    expect(s.got.slice(1).map((x) => [x.flags, (x.at - start) / SECOND])).toEqual([
      ['.', 10],
      ['.', 11],
      ['.', 12],
      ['R.', 13],
    ]);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('MUST-29: one probe without an answer does not end the connection', () => {
    const s = on();
    s.wait(2 * HOUR + 76 * SECOND);
    expect(s.state).toBe('ESTABLISHED');
    s.send({ flags: '.', seq: 1, ack: 1 });
    s.wait(HOUR);
    expect(s.state).toBe('ESTABLISHED');
  });
});
