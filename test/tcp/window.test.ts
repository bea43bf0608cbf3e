import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../src/base/time.js';
import { Peer } from './peer.js';

describe("the peer's window", () => {
  it('MUST-1: the window field is unsigned', () => {
    const s = Peer.established({}, {}, 0xffff);
    expect(s.conn.snd.wnd).toBe(65_535);
  });

  it('REC-1: scaled windows beyond 2^31 / 2 bytes keep their value', () => {
    const s = Peer.established({}, { wscale: 14 }, 0xffff);
    expect(s.conn.snd.wnd).toBe(65_535 * 16_384);
    expect(s.conn.snd.usableWindow).toBe(65_535 * 16_384);
  });

  it('RFC 7323 2.3: a window scale above 14 is used as 14', () => {
    expect(Peer.established({}, { wscale: 200 }, 1).conn.snd.wnd).toBe(16_384);
  });

  it('is never exceeded', () => {
    const s = Peer.established({}, { win: 3000 }, 3000);
    s.write(10_000);
    expect(s.conn.snd.flight).toBe(2920); // two full segments; the rest would be a silly segment
  });

  it('MUST-34, SHLD-14, SHLD-15: a shrunk window (negative usable window) only stops new data', () => {
    const s = Peer.established();
    s.write(5 * 1460);
    expect(s.send({ flags: '.', seq: 1, ack: 1461, win: 100 })).toEqual([]);
    expect(s.conn.snd.usableWindow).toBeLessThan(0);
    expect(s.write(1000)).toEqual([]);
  });

  it('SHLD-15: beyond a shrunk window a loss probe sends no new data, and CLOSE no FIN', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1460, sackOk: true });
    s.wait(100 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 1 });
    s.write(20 * 1460);
    s.wait(100 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 1461, win: 100 });
    const { nxt } = s.conn.snd;
    expect(s.timer('tlp'), 'a loss probe is due').toBeLessThan(SECOND);
    s.wait(SECOND);
    expect(s.conn.snd.nxt).toBe(nxt);
    const t = Peer.established();
    t.write(5 * 1460);
    t.send({ flags: '.', seq: 1, ack: 1461, win: 100 });
    expect(t.close()).toEqual([]);
  });

  it('MUST-35: a window that shrank to zero below the data in flight is probed with that data, at doubling intervals, until it opens', () => {
    const s = Peer.established();
    s.write(5 * 1460);
    s.wait(10 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 1461, win: 0 });
    const start = s.now;
    const { rto } = s.conn.snd.rtt;
    const probes = s.wait(8 * rto);
    expect(probes.map((p) => [p.seq, Math.round((p.at - start) / rto)])).toEqual([
      [1461, 1],
      [1461, 3],
      [1461, 7],
    ]);
    expect(s.send({ flags: '.', seq: 1, ack: 2921, win: 60_000 })[0]).toMatchObject({
      seq: 2921,
      len: 1460,
    });
  });

  it('SHLD-16: lost data within a shrunk window is retransmitted, and nothing beyond it', () => {
    const s = Peer.established({}, { sackOk: true });
    s.write(10 * 1460);
    s.wait(50 * MILLISECOND);
    // Of ten segments the last three arrived; the window has room for two and a half of the others.
    const sack: [number, number][] = [[1 + 7 * 1460, 1 + 10 * 1460]];
    const again = [];
    for (let i = 0; i < 12; i++)
      again.push(...s.send({ flags: '.', seq: 1, ack: 1, win: 2.5 * 1460, sack }));
    again.push(...s.wait(10 * SECOND));
    const numbers = again.filter((x) => x.len > 0).map((x) => x.seq);
    expect(new Set(numbers)).toEqual(new Set([1, 1461, 2921]));
    expect(again.every((x) => x.seq + x.len <= 1 + 2.5 * 1460)).toBe(true);
  });

  it('SHLD-16: data within a shrunk window is still retransmitted', () => {
    for (const win of [1460, 0]) {
      const s = Peer.established();
      s.write(5 * 1460);
      s.send({ flags: '.', seq: 1, ack: 1461, win });
      expect(s.wait(2 * SECOND)[0]).toMatchObject({ seq: 1461, len: 1460 });
    }
  });

  it('SHLD-17, MUST-37: data beyond a window that shrank to zero does not time the connection out while the peer answers', () => {
    const s = Peer.established();
    s.write(5 * 1460);
    s.send({ flags: '.', seq: 1, ack: 1461, win: 0 });
    for (let i = 0; i < 60; i++) {
      s.wait(MINUTE);
      s.send({ flags: '.', seq: 1, ack: 1461, win: 0 });
    }
    expect(s.state).toBe('ESTABLISHED');
  });

  it('is not updated from a segment older than the last update (SND.WL1, SND.WL2)', () => {
    const s = Peer.established();
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 10, win: 5000 });
    s.send({ flags: '.', seq: 11, ack: 1, win: 6000 });
    s.send({ flags: '.', seq: 1, ack: 1, win: 100 });
    expect(s.conn.snd.wnd).toBe(6000);
  });
});

describe('zero window', () => {
  function closed(): Peer {
    const s = Peer.established();
    s.write(1000);
    s.wait(10 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 1001, win: 0 });
    expect(s.write(1000)).toEqual([]);
    return s;
  }

  it('MUST-35, MUST-36, SHLD-29, SHLD-30: is probed after one RTO, then at doubling intervals', () => {
    const s = closed();
    const start = s.now;
    const { rto } = s.conn.snd.rtt;
    const probes = s.wait(20 * rto);
    expect(probes.every((p) => p.flags === '.' && p.len === 0 && p.seq === 1000)).toBe(true);
    expect(probes.map((p) => Math.round((p.at - start) / rto))).toEqual([1, 3, 7, 15]);
  });

  it('MUST-37, MAY-8: may last for ever while the probes are answered', () => {
    const s = closed();
    for (let i = 0; i < 500; i++) {
      s.wait(2 * MINUTE + 1);
      s.send({ flags: '.', seq: 1, ack: 1001, win: 0 });
    }
    expect(s.state).toBe('ESTABLISHED');
    expect(s.env.counters.TcpExtTCPWinProbe).toBeGreaterThan(400);
  });

  it('ends the connection if the probes get no reply', () => {
    const s = closed();
    s.wait(100 * MINUTE);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('sending continues when the window opens', () => {
    const s = closed();
    s.wait(SECOND);
    expect(s.send({ flags: '.', seq: 1, ack: 1001, win: 8000 })).toMatchObject([
      { seq: 1001, len: 1000 },
    ]);
    expect(s.timer('persist')).toBe(Infinity);
  });
});

describe("silly window syndrome, the sender's part", () => {
  it('MUST-38: sends no small part of the queued data into a small window', () => {
    const s = Peer.established({}, { win: 10_000 }, 10_000);
    s.write(1460);
    s.send({ flags: '.', seq: 1, ack: 1461, win: 500 });
    expect(s.write(2000)).toEqual([]);
  });

  it('MUST-38: sends a part once the window is half of the largest window so far', () => {
    const s = Peer.established({}, { win: 500 }, 500);
    expect(s.write(2000)).toMatchObject([{ seq: 1, len: 500 }]);
    expect(s.send({ flags: '.', seq: 1, ack: 501, win: 249 })).toEqual([]);
    expect(s.send({ flags: '.', seq: 1, ack: 501, win: 250 })).toMatchObject([
      { seq: 501, len: 250 },
    ]);
  });

  it.each(['linux', 'rfc'] as const)(
    '%s: a segment is at most half of the largest window',
    (profile) => {
      const s = Peer.established({ profile }, { win: 1500 }, 1500);
      expect(s.write(3000)).toMatchObject([{ len: 750 }, { seq: 751, len: 750 }]);
      expect(s.send({ flags: '.', seq: 1, ack: 1501, win: 800 })).toMatchObject([{ len: 750 }]);
    },
  );

  it('MUST-38: sends what fits after the override timeout', () => {
    const s = Peer.established({}, { win: 10_000 }, 10_000);
    s.write(1460);
    s.send({ flags: '.', seq: 1, ack: 1461, win: 500 });
    s.write(2000);
    expect(s.wait(2 * SECOND)[0]).toMatchObject({ seq: 1461, len: 500 });
  });
});

describe('our window', () => {
  const small = { config: { receiveBufferBytes: 8000 }, mss: 1000 };

  it('closes with unread data, and opens when it is read', () => {
    const s = Peer.established(small);
    let seq = 1;
    for (let i = 0; i < 8; i++, seq += 1000) s.send({ flags: '.', seq, ack: 1, len: 1000 });
    s.wait(SECOND);
    expect(s.last).toMatchObject({ ack: 8001, win: 0 });
    expect(s.notes).toContain('window-closed');
    s.read();
    // As in Linux, room for one segment is not announced.
    expect(s.last).toMatchObject({ flags: '.', ack: 8001, win: 7000 });
    expect(s.notes).toContain('window-opened');
  });

  it('SHLD-14: never moves its right edge left', () => {
    const s = Peer.established({ config: { receiveBufferBytes: 100_000 } }, { wscale: 5 });
    let edge = 0;
    let seq = 1;
    for (let i = 0; i < 300; i++) {
      const len = 1 + ((i * 37) % 300);
      s.send({ flags: '.', seq, ack: 1, len });
      seq += len;
      const right = s.last.ack! + (s.last.win << s.conn.rcv.wscale);
      expect(right).toBeGreaterThanOrEqual(edge);
      edge = right;
      if (i % 50 === 49) s.read();
    }
  });

  it('SHLD-14: does not move its right edge left when the user makes the buffer smaller', () => {
    const s = Peer.established({ config: { receiveBufferBytes: 100_000 } }, { wscale: 5 });
    s.send({ flags: '.', seq: 1, ack: 1, len: 1000 });
    const edge = (): number => s.last.ack! + (s.last.win << s.conn.rcv.wscale);
    const before = edge();
    s.conn.setReceiveBuffer(3000);
    for (let seq = 1001; seq < 30_000; seq += 1000) {
      s.send({ flags: '.', seq, ack: 1, len: 1000 });
      expect(edge()).toBeGreaterThanOrEqual(before);
    }
  });

  it('MAY-8: may stay zero for ever: every probe is answered, and the connection stays', () => {
    const s = Peer.established({ config: { receiveBufferBytes: 2920 } });
    for (const seq of [1, 1461]) s.send({ flags: '.', seq, ack: 1, len: 1460 });
    s.wait(SECOND);
    expect(s.last.win).toBe(0);
    for (let i = 0; i < 1000; i++) {
      s.wait(2 * MINUTE);
      // With a byte of new data (RFC 9293) and with an old number (Linux).
      for (const probe of [{ seq: 2921, len: 1 }, { seq: 2920 }]) {
        expect(s.send({ flags: '.', ack: 1, ...probe })).toMatchObject([
          { flags: '.', ack: 2921, win: 0 },
        ]);
      }
    }
    expect([s.state, s.conn.rcv.queue.length]).toEqual(['ESTABLISHED', 2920]);
  });

  it('REC-1: our window may be as large, and keeps its value', () => {
    const bytes = 65_535 * 8192;
    const s = Peer.established({ config: { receiveBufferBytes: bytes } }, { wscale: 0 });
    s.send({ flags: '.', seq: 1, ack: 1, len: 1000 });
    const { rcv } = s.conn;
    expect(rcv.wnd).toBeGreaterThan(0.9 * bytes);
    expect(s.last.win << rcv.wscale).toBe(rcv.wnd);
  });

  it('MUST-39: does not open by less than a segment', () => {
    const s = Peer.established(small);
    s.send({ flags: '.', seq: 1, ack: 1, len: 1000 });
    let seq = 1001;
    for (let i = 0; i < 7; i++, seq += 1000) s.send({ flags: '.', seq, ack: 1, len: 1000 });
    s.wait(SECOND);
    expect(s.last.win).toBe(0);
    const before = s.got.length;
    s.conn.rcv.queue.length -= 500; // simulates a read of half a segment
    expect(s.conn.rcv.windowUpdateDue()).toBe(false);
    s.conn.rcv.queue.length += 500;
    s.conn.rcv.queue.length -= 1000;
    expect(s.conn.rcv.windowUpdateDue()).toBe(true);
    expect(s.got.length).toBe(before);
  });

  it('MUST-39: during reads of 100 bytes, its edge moves by at least a segment each time', () => {
    const s = Peer.established(small);
    for (let seq = 1; seq < 8000; seq += 1000) s.send({ flags: '.', seq, ack: 1, len: 1000 });
    s.wait(SECOND);
    const edges = [s.last.ack! + s.last.win];
    for (let i = 0; i < 70; i++) {
      s.conn.rcv.queue.length -= 100; // simulates a read
      s.conn.rcv.onRead(100);
      for (const { ack, win } of s.poll()) edges.push(ack! + win);
    }
    const steps = edges.slice(1).map((edge, i) => edge - edges[i]!);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(1000);
    expect(edges.at(-1)! - edges[0]!).toBeGreaterThanOrEqual(4000);
  });

  it('MUST-39: a scaled window does not open by less than a segment, if that is more than a sixteenth of the buffer', () => {
    const s = Peer.established(
      { config: { receiveBufferBytes: 70_000 }, mss: 8960 },
      { mss: 8960, wscale: 5 },
    );
    let seq = 1;
    for (; s.conn.rcv.wnd >= 8960; seq += 8960) s.send({ flags: '.', seq, ack: 1, len: 8960 });
    s.send({ flags: '.', seq, ack: 1, len: s.conn.rcv.wnd });
    s.wait(SECOND);
    expect(s.last.win).toBe(0);
    const free = 70_000 - s.conn.rcv.queue.length;
    s.conn.rcv.queue.length -= 8900 - free;
    expect(s.conn.rcv.windowUpdateDue()).toBe(false);
    s.conn.rcv.queue.length -= 100;
    expect(s.conn.rcv.windowUpdateDue()).toBe(true);
  });

  it('MUST-39: a scaled window does not open by less than a sixteenth of the buffer', () => {
    const s = Peer.established(
      { config: { receiveBufferBytes: 100_000 }, mss: 1000 },
      { wscale: 5 },
    );
    let seq = 1;
    for (; s.conn.rcv.wnd >= 1000; seq += 1000) s.send({ flags: '.', seq, ack: 1, len: 1000 });
    s.send({ flags: '.', seq, ack: 1, len: s.conn.rcv.wnd });
    s.wait(SECOND);
    expect(s.last.win).toBe(0);
    s.conn.rcv.queue.length -= 6000; // simulates a read
    expect(s.conn.rcv.windowUpdateDue()).toBe(false);
    s.conn.rcv.queue.length -= 1000;
    expect(s.conn.rcv.windowUpdateDue()).toBe(true);
  });

  it('data beyond it is dropped', () => {
    const s = Peer.established(small);
    s.send({ flags: '.', seq: 1, ack: 1, len: 8000, gsoSize: 1000 });
    expect(s.send({ flags: '.', seq: 8001, ack: 1, len: 10 })).toMatchObject([
      { ack: 8001, win: 0 },
    ]);
    expect(s.read()).toBe(8000);
  });

  it('a segment that extends beyond it is cut off', () => {
    const s = Peer.established(small);
    s.send({ flags: '.', seq: 1, ack: 1, len: 7000, gsoSize: 1000 });
    s.send({ flags: '.', seq: 7001, ack: 1, len: 2000, gsoSize: 1000 });
    expect(s.drops).toEqual(['tcpBeyondWindow']);
    expect(s.read()).toBe(8000);
  });

  it('stays bounded under one-byte segments with window scaling', () => {
    const s = Peer.established({ config: { receiveBufferBytes: 100_000 } }, { wscale: 0 });
    let seq = 1;
    for (let i = 0; i < 20_000; i++) s.send({ flags: '.', seq: seq++, ack: 1, len: 1 });
    expect(s.conn.rcv.queue.length + s.conn.rcv.wnd).toBeLessThan(100_000 * (9 / 8) + 2);
  });
});
