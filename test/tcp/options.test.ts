import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../src/base/time.js';
import { sendUrgent } from '../../src/tcp/urgent.js';
import { pattern, Peer } from './peer.js';

/** ESTABLISHED, with a round trip of 100 ms and an MSS of 1000. */
function far(o = {}): Peer {
  const s = Peer.listen(o);
  s.send({ flags: 'S', mss: 1000, wscale: 7 });
  s.wait(100 * MILLISECOND);
  s.send({ flags: '.', seq: 1, ack: 1, win: 257 });
  return s;
}
const lines = (out: { flags: string; seq: number; len: number }[]): string[] =>
  out.map((x) => `${x.flags} ${x.seq}:${x.seq + x.len}`);

describe('PSH', () => {
  it('MUST-61: is on the last segment of each pair in a bulk write, and on the last of all', () => {
    const s = far();
    expect(lines(s.write(12_500))).toEqual(
      [1, 1001, 2001, 3001, 4001, 5001, 6001, 7001, 8001, 9001].map(
        (at, i) => `${i % 2 ? 'P.' : '.'} ${at}:${at + 1000}`,
      ),
    );
    s.wait(100 * MILLISECOND);
    expect(lines(s.send({ flags: '.', seq: 1, ack: 2001, win: 257 }))).toEqual([
      '. 10001:11001',
      'P. 11001:12001',
      'P. 12001:12501',
    ]);
  });

  it('urgent data is sent segment by segment, and PSH is on the last one', () => {
    const s = far();
    sendUrgent(s.conn, new Uint8Array(3000));
    expect(lines(s.poll())).toEqual(['U. 1:1001', 'U. 1001:2001', 'PU. 2001:3001']);
    s.wait(100 * MILLISECOND);
    s.send({ flags: '.', seq: 1, ack: 3001, win: 257 });
    expect(lines(s.write(3000))).toEqual(['. 3001:4001', 'P. 4001:5001', 'P. 5001:6001']);
  });

  it('is on a segment that ends a write, also when it is retransmitted', () => {
    const s = far();
    s.write(1000);
    s.write(1000);
    s.write(1000);
    expect(s.wait(2 * SECOND)[0]).toMatchObject({ flags: 'P.' });
  });
});

describe('TCP_CORK and MSG_MORE', () => {
  it('cork: full segments are sent, the rest waits until the cork is off', () => {
    const s = far();
    s.conn.setCork(true);
    expect(lines(s.write(1950))).toEqual(['. 1:1001']);
    expect(s.notes).toContain('cork-hold');
    expect(lines(s.write(100))).toEqual(['. 1001:2001']);
    s.conn.setCork(false);
    s.send({ flags: '.', seq: 1, ack: 2001, win: 257 });
    expect(s.last).toMatchObject({ flags: 'P.', seq: 2001, len: 50 });
  });

  it('cork: waiting data is sent after a retransmission timeout, with PSH', () => {
    const s = far();
    s.conn.setCork(true);
    expect(s.write(100)).toEqual([]);
    const { rto } = s.conn.snd.rtt;
    expect(s.wait(rto - 1)).toEqual([]);
    expect(lines(s.wait(1))).toEqual(['P. 1:101']);
  });

  it('cork: the timer does not send it while data is in flight', () => {
    const s = far();
    s.write(100);
    s.conn.setCork(true);
    s.write(100);
    expect(s.send({ flags: '.', seq: 1, ack: 101, win: 257 })).toEqual([]);
    expect(lines(s.wait(s.conn.snd.rtt.rto))).toEqual(['P. 101:201']);
  });

  it('TCP_NODELAY on a corked connection sends the waiting data, and later data waits again', () => {
    const s = far();
    s.conn.setCork(true);
    s.write(100);
    s.conn.setNoDelay(true);
    expect(lines(s.poll())).toEqual(['P. 1:101']);
    expect(s.write(100)).toEqual([]);
    s.conn.setCork(false);
    expect(lines(s.poll())).toEqual(['P. 101:201']);
  });

  it('cork: closing sends the waiting data with FIN', () => {
    const s = far();
    s.conn.setCork(true);
    s.write(100);
    expect(lines(s.close())).toEqual(['FP. 1:101']);
  });

  it('MSG_MORE: the rest waits for the next write, and PSH is not set before', () => {
    const s = far();
    const more = (n: number): void => {
      s.conn.send(pattern(n), true);
    };
    more(2500);
    expect(lines(s.poll())).toEqual(['. 1:1001', 'P. 1001:2001']);
    expect(lines(s.write(100))).toEqual(['P. 2001:2601']);
    more(100);
    expect(s.poll()).toEqual([]);
    // As in Linux, it applies to that call only: after an ACK Nagle decides again.
    expect(lines(s.send({ flags: '.', seq: 1, ack: 2601, win: 257 }))).toEqual(['. 2601:2701']);
  });
});

describe('TCP_NOTSENT_LOWAT', () => {
  it('accepts no data while the limit is unsent, and wakes the writer at half of it', () => {
    const s = far();
    s.conn.setNotSentLowat(2000);
    expect(s.conn.send(pattern(14_000))).toBe(14_000);
    s.poll(); // ten are sent
    expect(s.conn.snd.unsent).toBe(4000);
    expect([s.conn.sendRoom, s.conn.snd.isWritable]).toEqual([0, false]);
    expect(s.conn.send(pattern(10))).toBe(0);
    s.takeEvents();
    s.send({ flags: '.', seq: 1, ack: 2001, win: 257 });
    expect(s.conn.snd.unsent).toBe(0);
    expect(s.takeEvents()).toContain('writable');
    expect(s.conn.send(pattern(10))).toBe(10);
  });
});

describe('TCP_NOTSENT_LOWAT and the writer', () => {
  it('wakes it below half of the limit, not at the first byte', () => {
    const s = far();
    s.conn.setNotSentLowat(6000);
    s.conn.send(pattern(15_500));
    s.poll(); // ten are sent, 5500 bytes wait
    expect(s.conn.send(pattern(100_000))).toBeGreaterThan(0);
    s.takeEvents();
    for (let acked = 1001; s.conn.snd.unsent >= 3000; acked += 1000) {
      expect(s.takeEvents(), `${s.conn.snd.unsent} wait`).not.toContain('writable');
      s.send({ flags: '.', seq: 1, ack: acked, win: 257 });
    }
    expect(s.takeEvents()).toContain('writable');
  });
});

describe('the send buffer', () => {
  it('begins with two initial windows, and grows with cwnd up to tcp_wmem while the buffer is the limit', () => {
    const s = far({ config: { wmem: { min: 4096, default: 16_384, max: 200_000 } } });
    expect(s.conn.sendBuffer).toBe(2 * 10 * 2304);
    let acked = 1;
    const sizes = [];
    for (let round = 0; round < 8; round++) {
      s.conn.send(pattern(300_000));
      s.poll();
      acked += s.conn.snd.flight;
      s.wait(100 * MILLISECOND);
      s.send({ flags: '.', seq: 1, ack: acked, win: 4000 });
      sizes.push(s.conn.sendBuffer);
    }
    expect(sizes[2]).toBeGreaterThan(2 * sizes[0]!);
    expect(sizes.at(-1)).toBe(200_000);
  });

  it('SO_SNDBUF: is twice the requested size, and fixed', () => {
    const s = far();
    s.conn.setSendBuffer(10_000);
    expect([s.conn.sendBuffer, s.conn.sendRoom]).toEqual([20_000, 20_000]);
    s.conn.setSendBuffer(1);
    expect(s.conn.sendBuffer).toBe(4608);
  });
});

describe('TCP_MAXSEG', () => {
  it('limits what our SYN announces and what we send', () => {
    const s = Peer.listen();
    s.conn.setMaxSegment(600);
    expect(s.send({ flags: 'S', mss: 1000 })).toMatchObject([{ flags: 'S.', mss: 600 }]);
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect(s.conn.maxSegment).toBe(600);
    expect(s.write(1200).map((x) => x.len)).toEqual([600, 600]);
  });

  it('can be configured for a stack, and has no effect after the SYN', () => {
    expect(Peer.connect({ config: { maxSegment: 500 } }).last.mss).toBe(500);
    const s = far();
    s.conn.setMaxSegment(600);
    expect(s.conn.maxSegment).toBe(1000);
  });

  it('rejects the values that Linux rejects', () => {
    const { conn } = Peer.listen();
    for (const bad of [-1, 1, 87, 32_768, NaN])
      expect(() => conn.setMaxSegment(bad)).toThrow(RangeError);
    for (const good of [0, 88, 32_767]) conn.setMaxSegment(good);
  });
});

describe('SO_LINGER and TCP_LINGER2', () => {
  it('with a linger time of 0, close resets', () => {
    const s = far();
    s.write(10);
    s.conn.setLinger(true, 0);
    expect(s.release()).toMatchObject([{ flags: 'R.', seq: 11 }]);
    expect(s.env.counters.TcpExtTCPAbortOnData).toBe(1);
  });

  it('with a linger time, returns how long close(2) would wait: until the FIN is acknowledged', () => {
    const s = far();
    s.conn.setLinger(true, SECOND);
    s.write(10);
    s.release();
    expect(s.conn.isLingering).toBe(true);
    s.send({ flags: '.', seq: 1, ack: 12, win: 257 });
    expect(s.conn.isLingering).toBe(false);
  });

  it('TCP_LINGER2 is the duration of FIN-WAIT-2', () => {
    const s = far();
    s.conn.setLinger2(2 * SECOND);
    s.release();
    s.send({ flags: '.', seq: 1, ack: 2, win: 257 });
    s.wait(2 * SECOND - 1);
    expect(s.state).toBe('FIN-WAIT-2');
    s.wait(1);
    expect(s.state).toBe('CLOSED');
  });

  it('TCP_LINGER2 below zero: there is no FIN-WAIT-2', () => {
    const s = far();
    s.conn.setLinger2(-1);
    s.release();
    expect(s.send({ flags: '.', seq: 1, ack: 2, win: 257 })).toMatchObject([
      { flags: 'R', seq: 2 },
    ]);
    expect([s.state, s.env.counters.TcpExtTCPAbortOnLinger]).toEqual(['CLOSED', 1]);
  });
});

describe('TCP_USER_TIMEOUT', () => {
  const endsAfter = (s: Peer): number => {
    const start = s.now;
    while (s.state !== 'CLOSED' && s.now - start < MINUTE) s.wait(10 * MILLISECOND);
    return (s.now - start) / SECOND;
  };

  it('MUST-21: ends a connection whose window stays shut, even when the probes are answered', () => {
    const s = far();
    s.conn.setUserTimeout(3 * SECOND);
    s.write(100);
    s.send({ flags: '.', seq: 1, ack: 101, win: 0 });
    s.write(100);
    const first = s.conn.snd.rtt.rto / SECOND;
    const start = s.now;
    while (s.state !== 'CLOSED' && s.now - start < MINUTE) {
      if (s.wait(10 * MILLISECOND).length > 0) s.send({ flags: '.', seq: 1, ack: 101, win: 0 });
    }
    expect(s.conn.error).toBe('ETIMEDOUT');
    expect((s.now - start) / SECOND).toBeCloseTo(first + 3, 1);
  });

  it('replaces the count of keep-alive probes', () => {
    const s = far();
    s.conn.setKeepAlive(true, s.now, SECOND, SECOND, 9);
    s.conn.setUserTimeout(3500 * MILLISECOND);
    expect(endsAfter(s)).toBeCloseTo(4, 1);
    expect(s.got.slice(1).map((x) => x.flags)).toEqual(['.', '.', '.', 'R.']);
  });

  it('ends an attempt to connect', () => {
    const s = Peer.connect();
    s.conn.setUserTimeout(2500 * MILLISECOND);
    expect(endsAfter(s)).toBeGreaterThanOrEqual(2.5);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });
});

describe('TCP_QUICKACK', () => {
  it('off: ACKs are delayed at once; on: a delayed ACK is sent', () => {
    const s = far();
    s.conn.setQuickAck(false);
    expect(s.send({ flags: 'P.', seq: 1, ack: 1, len: 100, win: 257 })).toEqual([]);
    s.conn.setQuickAck(true);
    expect(s.poll()).toMatchObject([{ flags: '.', ack: 101 }]);
    expect(s.send({ flags: 'P.', seq: 101, ack: 1, len: 100, win: 257 })).toHaveLength(1);
  });
});

describe('TCP_WINDOW_CLAMP and SO_RCVBUF', () => {
  it('the window is never above the clamp, but does not shrink below what was offered', () => {
    const s = far();
    const before = s.conn.rcv.wnd;
    s.conn.setWindowClamp(10_000);
    s.send({ flags: '.', seq: 1, ack: 1, len: 1000, win: 257 });
    expect(s.conn.rcv.wnd).toBeGreaterThanOrEqual(before - 1000);
    let seq = 1001;
    for (; s.conn.rcv.wnd > 10_128; seq += 1000) {
      s.send({ flags: '.', seq, ack: 1, len: 1000, win: 257 });
      s.read();
    }
    for (let i = 0; i < 20; i++, seq += 1000) {
      s.send({ flags: '.', seq, ack: 1, len: 1000, win: 257 });
      s.read();
      expect(s.conn.rcv.wnd).toBeLessThanOrEqual(10_000 + 128);
    }
  });

  it('SO_RCVBUF reads back doubled, as in the kernel', () => {
    const s = Peer.listen();
    s.conn.setReceiveBuffer(20_000);
    expect(s.conn.receiveBuffer).toBe(40_000);
    expect(s.send({ flags: 'S', mss: 1000, wscale: 7 })).toMatchObject([
      { win: 18_980, wscale: 0 },
    ]);
  });
});
