import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../../src/base/time.js';
import { pattern, Peer } from '../peer.js';

/**
 * A connection past its quick ACKs, after a pause shorter than its RTO, so that the next ACKs are
 * delayed.
 */
function settled(o = {}, syn = {}): { s: Peer; seq: number } {
  const s = Peer.established(o, syn);
  let seq = 1;
  for (let i = 0; i < 16; i++, seq += 1000) {
    s.send({
      flags: '.',
      seq,
      ack: 1,
      len: 1000,
      ...('ts' in syn ? { ts: [2, 1] as [number, number] } : {}),
    });
    s.wait(60 * MILLISECOND);
  }
  s.read();
  return { s, seq };
}

describe('delayed ACK', () => {
  it('TCP_DEFER_ACCEPT delays the ACK of a SYN,ACK by 200 ms to wait for data, as in Linux', () => {
    const s = Peer.connect({ config: { deferAccept: SECOND } });
    expect(s.send({ flags: 'S.', ack: 1, mss: 1460 })).toEqual([]);
    expect(s.wait(200 * MILLISECOND - 1)).toEqual([]);
    expect(s.wait(1)).toMatchObject([{ flags: '.', ack: 1, len: 0 }]);
  });

  it('acknowledges at once while a connection is new (quick ACK)', () => {
    const s = Peer.established();
    expect(s.send({ flags: '.', seq: 1, ack: 1, len: 1000 })).toMatchObject([
      { flags: '.', ack: 1001 },
    ]);
  });

  it('MUST-40, SHLD-18: delays a lone segment by 40 ms', () => {
    const { s, seq } = settled();
    expect(s.send({ flags: '.', seq, ack: 1, len: 1000 })).toEqual([]);
    expect(s.wait(40 * MILLISECOND - 1)).toEqual([]);
    expect(s.wait(1)).toMatchObject([{ flags: '.', ack: seq + 1000 }]);
  });

  it('MUST-40: stays below half a second in every profile', () => {
    const { s, seq } = settled({ profile: 'rfc' });
    s.send({ flags: '.', seq, ack: 1, len: 1000 });
    expect(s.wait(500 * MILLISECOND - 1)).toHaveLength(1);
  });

  it('MUST-40: stays below half a second after the delay has grown with the gaps between segments', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1460 });
    s.wait(SECOND); // the round trip
    s.send({ flags: '.', seq: 1, ack: 1 });
    const delays: number[] = [];
    for (let seq = 1; seq < 60_000; seq += 1000) {
      const came = s.now;
      const acks = [
        ...s.send({ flags: '.', seq, ack: 1, len: 1000 }),
        ...s.wait(900 * MILLISECOND),
      ];
      delays.push(...acks.map(({ at }) => at - came));
      s.read();
    }
    expect(delays).toHaveLength(60);
    expect(Math.max(...delays)).toBeGreaterThan(100 * MILLISECOND);
    expect(Math.max(...delays)).toBeLessThan(500 * MILLISECOND);
  });

  it('SHLD-19: acknowledges every second full segment at once', () => {
    const { s, seq } = settled();
    expect(s.send({ flags: '.', seq, ack: 1, len: 1000 })).toEqual([]);
    expect(s.send({ flags: '.', seq: seq + 1000, ack: 1, len: 1000 })).toMatchObject([
      { ack: seq + 2000 },
    ]);
  });

  it('SHLD-19: a super-segment counts as its original segments', () => {
    const { s, seq } = settled();
    expect(s.send({ flags: '.', seq, ack: 1, len: 2000, gsoSize: 1000 })).toMatchObject([
      { ack: seq + 2000 },
    ]);
  });

  it('SHLD-19: small segments are acknowledged when they add up to two full ones', () => {
    const { s, seq } = settled();
    let next = seq;
    let acked = seq;
    for (let n = 0; n < 100; n++) {
      const len = 100 + n;
      const out = s.send({ flags: 'P.', seq: next, ack: 1, len });
      next += len;
      if (out.length > 0) acked = out[0]!.ack!;
      expect(next - acked).toBeLessThan(2 * 1000);
    }
  });

  it('MUST-58, MUST-59: one ACK for all segments of a batch, after the last of them', () => {
    const s = Peer.established();
    const out = s.sendBatch(
      { flags: '.', seq: 1, ack: 1, len: 1000 },
      { flags: '.', seq: 1001, ack: 1, len: 1000 },
      { flags: '.', seq: 2001, ack: 1, len: 1000 },
    );
    expect(out).toMatchObject([{ flags: '.', ack: 3001 }]);
    expect(out).toHaveLength(1);
  });

  it('sends the ACK with data', () => {
    const { s, seq } = settled();
    s.send({ flags: 'P.', seq, ack: 1, len: 10 });
    expect(s.write(5)).toMatchObject([{ flags: 'P.', seq: 1, ack: seq + 10, len: 5 }]);
    expect(s.timer('delayed-ack')).toBe(Infinity);
  });
});

describe('data out of order', () => {
  it('SHLD-31: is kept, and delivered once the hole is filled', () => {
    const s = Peer.established();
    s.send({ flags: '.', seq: 101, ack: 1, len: 100 });
    expect(s.read()).toBe(0);
    s.send({ flags: '.', seq: 1, ack: 1, len: 100 });
    expect(s.read()).toBe(200);
    expect(s.readBytes).toEqual(pattern(200));
  });

  it('MAY-13: each segment owes a duplicate ACK at once, also within one batch', () => {
    const s = Peer.established();
    const out = s.sendBatch(
      { flags: '.', seq: 101, ack: 1, len: 100 },
      { flags: '.', seq: 201, ack: 1, len: 100 },
      { flags: '.', seq: 301, ack: 1, len: 100 },
    );
    expect(out.map((x) => x.ack)).toEqual([1, 1, 1]);
  });

  it('owes one ACK when the same batch fills the hole', () => {
    const s = Peer.established();
    const out = s.sendBatch(
      { flags: '.', seq: 101, ack: 1, len: 100 },
      { flags: '.', seq: 201, ack: 1, len: 100 },
      { flags: '.', seq: 1, ack: 1, len: 100 },
    );
    expect(out.map((x) => x.ack)).toEqual([301]);
  });

  it('RFC 2018: the first SACK block is the most recent one', () => {
    const s = Peer.established({}, { sackOk: true });
    s.send({ flags: '.', seq: 101, ack: 1, len: 100 });
    s.send({ flags: '.', seq: 301, ack: 1, len: 100 });
    s.send({ flags: '.', seq: 501, ack: 1, len: 100 });
    expect(s.last.sack).toEqual([
      [501, 601],
      [301, 401],
      [101, 201],
    ]);
    s.send({ flags: '.', seq: 201, ack: 1, len: 100 });
    expect(s.last.sack).toEqual([
      [101, 401],
      [501, 601],
    ]);
  });

  it('RFC 2018: at most four blocks, three with timestamps', () => {
    for (const [ts, most] of [
      [undefined, 4],
      [[1, 0] as [number, number], 3],
    ] as const) {
      const s = Peer.established({}, { sackOk: true, ...(ts ? { ts } : {}) });
      for (let i = 1; i <= 6; i++) {
        s.send({
          flags: '.',
          seq: 200 * i + 1,
          ack: 1,
          len: 100,
          ...(ts ? { ts: [2, 1] as [number, number] } : {}),
        });
      }
      expect(s.last.sack).toHaveLength(most);
      expect(s.last.sack![0]).toEqual([1201, 1301]);
    }
  });

  it('RFC 2883: a duplicate is reported as the first block', () => {
    const s = Peer.established({}, { sackOk: true });
    s.send({ flags: '.', seq: 1, ack: 1, len: 100 });
    expect(s.send({ flags: '.', seq: 1, ack: 1, len: 100 })).toMatchObject([
      { ack: 101, sack: [[1, 101]] },
    ]);
    s.send({ flags: '.', seq: 301, ack: 1, len: 100 });
    expect(s.send({ flags: '.', seq: 301, ack: 1, len: 100 })[0]!.sack).toEqual([
      [301, 401],
      [301, 401],
    ]);
  });

  it('keeps no more pieces than the limit', () => {
    const s = Peer.established({ config: { outOfOrderPieces: 3 } });
    for (let i = 1; i <= 5; i++) s.send({ flags: '.', seq: 10 * i + 1, ack: 1, len: 1 });
    expect(s.conn.rcv.outOfOrder.pieceCount).toBe(3);
    expect(s.drops).toEqual(['tcpOutOfOrderLimit', 'tcpOutOfOrderLimit']);
  });

  it('accepts the new part of an overlapping segment', () => {
    const s = Peer.established();
    s.send({ flags: '.', seq: 1, ack: 1, len: 100 });
    s.send({ flags: '.', seq: 51, ack: 1, len: 100 });
    s.read();
    expect(s.readBytes).toEqual(pattern(150));
  });
});

describe('acceptability', () => {
  it('answers a segment outside the window with an ACK, but not a RST', () => {
    const s = Peer.established();
    expect(s.send({ flags: '.', seq: -100, ack: 1, len: 50 })).toMatchObject([
      { flags: '.', seq: 1, ack: 1 },
    ]);
    expect(s.send({ flags: 'R', seq: -100 })).toEqual([]);
    expect(s.drops).toEqual(['tcpUnacceptable', 'tcpRstOutsideWindow']);
  });

  it('drops a segment without ACK', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'P', seq: 1, len: 10 })).toEqual([]);
    expect(s.drops).toEqual(['tcpNoAck']);
  });

  it('MAY-12: RFC 5961 5.2: an ACK beyond SND.NXT or far below SND.UNA gets a challenge ACK', () => {
    const future = Peer.established();
    expect(future.send({ flags: '.', seq: 1, ack: 2 })).toMatchObject([
      { flags: '.', seq: 1, ack: 1 },
    ]);
    const past = Peer.established();
    expect(past.send({ flags: 'P.', seq: 1, ack: 1 - 65_536, len: 5 })).toMatchObject([
      { flags: '.', ack: 1 },
    ]);
    expect(past.read()).toBe(0);
  });
});

describe('timestamps, RFC 7323', () => {
  const ts = (val: number): { ts: [number, number] } => ({ ts: [val, 0] });

  it('PAWS drops an old timestamp with an ACK, and accepts a newer one', () => {
    const s = Peer.established({ profile: 'rfc' }, ts(1000));
    expect(s.send({ flags: 'P.', seq: 1, ack: 1, len: 10, ...ts(999) })).toMatchObject([
      { flags: '.', ack: 1 },
    ]);
    expect(s.drops).toEqual(['tcpPaws']);
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 10, ...ts(1001) });
    expect(s.read()).toBe(10);
  });

  it('PAWS compares across the wrap of the timestamp clock', () => {
    const s = Peer.established({}, ts(0xffff_fffe | 0));
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 10, ...ts(5) });
    expect(s.read()).toBe(10);
    s.send({ flags: 'P.', seq: 11, ack: 1, len: 10, ...ts(0xffff_fff0 | 0) });
    expect(s.drops).toEqual(['tcpPaws']);
  });

  it('PAWS does not apply to a RST', () => {
    const s = Peer.established({}, ts(1000));
    s.send({ flags: 'R', seq: 1, ...ts(1) });
    expect(s.conn.error).toBe('ECONNRESET');
  });

  it('TS.Recent is not trusted after 24 idle days', () => {
    const s = Peer.established({}, ts(1000));
    s.wait(25 * 86_400 * SECOND);
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 10, ...ts(5) });
    expect(s.read()).toBe(10);
  });

  it('a delayed ACK echoes the earliest segment that it covers', () => {
    const { s, seq } = settled({}, ts(1));
    s.send({ flags: '.', seq, ack: 1, len: 1000, ...ts(50) });
    s.send({ flags: '.', seq: seq + 1000, ack: 1, len: 1000, ...ts(60) });
    expect(s.last.ts![1]).toBe(50);
  });
});
