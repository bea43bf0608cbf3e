import { describe, expect, it } from 'vitest';
import { MINUTE, SECOND } from '../../src/base/time.js';
import { Peer } from './peer.js';

describe('closing', () => {
  it('MUST-12: the user can tell a normal close from a reset', () => {
    const fin = Peer.established();
    fin.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(fin.takeEvents()).toEqual(['endOfStream']);
    expect(fin.conn.error).toBeNull();

    const rst = Peer.established();
    rst.send({ flags: 'R', seq: 1 });
    expect(rst.takeEvents()).toEqual(['error', 'closed']);
    expect(rst.conn.error).toBe('ECONNRESET');
  });

  it.each([
    ['FIN-WAIT-1', 'ECONNRESET'],
    ['FIN-WAIT-2', 'ECONNRESET'],
    ['CLOSE-WAIT', 'EPIPE'],
  ])('MUST-12: a reset is reported in %s, too', (state, error) => {
    const s = Peer.established();
    if (state === 'CLOSE-WAIT') s.send({ flags: 'F.', seq: 1, ack: 1 });
    else s.close();
    if (state === 'FIN-WAIT-2') s.send({ flags: '.', seq: 1, ack: 2 });
    expect(s.state).toBe(state);
    s.takeEvents();
    s.send({ flags: 'R', seq: state === 'CLOSE-WAIT' ? 2 : 1 });
    expect([s.takeEvents(), s.conn.error]).toEqual([['error', 'closed'], error]);
  });

  it.each(['FIN-WAIT-1', 'FIN-WAIT-2'])('MUST-12: the normal end is reported in %s', (state) => {
    const s = Peer.established();
    s.close();
    if (state === 'FIN-WAIT-2') s.send({ flags: '.', seq: 1, ack: 2 });
    s.takeEvents();
    s.send({ flags: 'F.', seq: 1, ack: state === 'FIN-WAIT-2' ? 2 : 1 });
    expect([s.takeEvents()[0], s.conn.error]).toEqual(['endOfStream', null]);
  });

  it('passes FIN-WAIT-1 and FIN-WAIT-2 to TIME-WAIT when we close first', () => {
    const s = Peer.established();
    expect(s.close()).toMatchObject([{ flags: 'F.', seq: 1, ack: 1 }]);
    expect(s.state).toBe('FIN-WAIT-1');
    s.send({ flags: '.', seq: 1, ack: 2 });
    expect(s.state).toBe('FIN-WAIT-2');
    expect(s.send({ flags: 'F.', seq: 1, ack: 2 })).toMatchObject([{ flags: '.', seq: 2, ack: 2 }]);
    expect(s.state).toBe('TIME-WAIT');
    expect(s.takeEvents()).toContain('closed');
  });

  it('goes from FIN-WAIT-1 to TIME-WAIT by a FIN that acknowledges ours', () => {
    const s = Peer.established();
    s.close();
    expect(s.send({ flags: 'F.', seq: 1, ack: 2 })).toMatchObject([{ flags: '.', seq: 2, ack: 2 }]);
    expect(s.state).toBe('TIME-WAIT');
  });

  it('closes simultaneously through CLOSING', () => {
    const s = Peer.established();
    s.close();
    expect(s.send({ flags: 'F.', seq: 1, ack: 1 })).toMatchObject([{ flags: '.', seq: 2, ack: 2 }]);
    expect(s.state).toBe('CLOSING');
    s.send({ flags: '.', seq: 2, ack: 2 });
    expect(s.state).toBe('TIME-WAIT');
  });

  it('passes CLOSE-WAIT and LAST-ACK when the peer closes first', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'F.', seq: 1, ack: 1 })).toMatchObject([{ flags: '.', ack: 2 }]);
    expect(s.state).toBe('CLOSE-WAIT');
    // Half-close: we can still send.
    expect(s.write(10)).toMatchObject([{ flags: 'P.', seq: 1, len: 10 }]);
    expect(s.close()).toMatchObject([{ flags: 'F.', seq: 11 }]);
    expect(s.state).toBe('LAST-ACK');
    s.send({ flags: '.', seq: 2, ack: 12 });
    expect(s.state).toBe('CLOSED');
    expect(s.conn.error).toBeNull();
  });

  it('still receives after closing its own half', () => {
    const s = Peer.established();
    s.close();
    s.send({ flags: '.', seq: 1, ack: 2 });
    expect(s.send({ flags: 'P.', seq: 1, ack: 2, len: 100 })).toMatchObject([
      { flags: '.', ack: 101 },
    ]);
    expect(s.read()).toBe(100);
  });

  it('sends FIN with the last data, and retransmits it when it is lost', () => {
    const s = Peer.established();
    s.conn.send(new Uint8Array(10));
    expect(s.close()).toMatchObject([{ flags: 'FP.', seq: 1, len: 10 }]);
    expect(s.wait(SECOND)[0]).toMatchObject({ flags: 'FP.', seq: 1, len: 10 });
    s.send({ flags: '.', seq: 1, ack: 12 });
    expect(s.state).toBe('FIN-WAIT-2');
  });

  it('holds FIN back until the data before it may be sent', () => {
    const s = Peer.established({}, { win: 1000 }, 1000);
    s.conn.send(new Uint8Array(3000));
    expect(s.close().map((x) => x.flags)).not.toContain('F.');
    s.send({ flags: '.', seq: 1, ack: 1001, win: 5000 });
    expect(s.last).toMatchObject({ flags: 'FP.', seq: 2461 });
  });

  it("MUST-36: holds FIN back and probes while the window is zero, because the FIN's number must be within the window", () => {
    const s = Peer.established();
    s.write(10);
    s.send({ flags: '.', seq: 1, ack: 11, win: 0 });
    s.conn.shutdown(s.now);
    expect(s.poll()).toEqual([]);
    expect(s.wait(SECOND)[0]).toMatchObject({ flags: '.', seq: 10, len: 0 });
    expect(s.send({ flags: '.', seq: 1, ack: 11, win: 1 })).toMatchObject([
      { flags: 'F.', seq: 11, len: 0 },
    ]);
    s.send({ flags: '.', seq: 1, ack: 12, win: 0 });
    expect(s.state).toBe('FIN-WAIT-2');
    expect(s.wait(10 * SECOND)).toEqual([]);
  });

  it('sends the last data alone into a window that has no room for the FIN after it', () => {
    const s = Peer.established();
    s.write(10);
    s.send({ flags: '.', seq: 1, ack: 11, win: 0 });
    s.conn.send(new Uint8Array(20));
    s.conn.shutdown(s.now);
    expect(s.send({ flags: '.', seq: 1, ack: 11, win: 20 })).toMatchObject([
      { flags: 'P.', seq: 11, len: 20 },
    ]);
    expect(s.send({ flags: '.', seq: 1, ack: 31, win: 20 })).toMatchObject([
      { flags: 'F.', seq: 31, len: 0 },
    ]);
  });

  it('acknowledges a retransmitted FIN', () => {
    const s = Peer.established();
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    expect(s.send({ flags: 'F.', seq: 1, ack: 1 })).toMatchObject([{ flags: '.', ack: 2 }]);
  });

  it('SHLD-31: processes a FIN that arrived out of order only when all data before it is here', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'F.', seq: 11, ack: 1 })).toMatchObject([{ flags: '.', ack: 1 }]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.send({ flags: 'P.', seq: 1, ack: 1, len: 10 })).toMatchObject([
      { flags: '.', ack: 12 },
    ]);
    expect(s.state).toBe('CLOSE-WAIT');
  });

  it('discards data beyond a FIN that arrived before the FIN', () => {
    const s = Peer.established();
    s.send({ flags: '.', seq: 21, ack: 1, len: 10 });
    s.send({ flags: 'F.', seq: 1, ack: 1, len: 24 });
    expect(s.state).toBe('CLOSE-WAIT');
    expect(s.last.ack).toBe(26);
    expect(s.read()).toBe(24);
  });

  it('ignores a FIN in the middle of received data', () => {
    const s = Peer.established();
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 100 });
    s.send({ flags: 'F.', seq: 51, ack: 1, len: 49 });
    expect(s.state).toBe('ESTABLISHED');
    s.send({ flags: 'F.', seq: 101, ack: 1 });
    expect(s.state).toBe('CLOSE-WAIT');
  });

  it('does not accept data after the FIN', () => {
    const s = Peer.established();
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    s.send({ flags: 'P.', seq: 2, ack: 1, len: 10 });
    expect(s.drops).toEqual(['tcpAfterClose']);
    expect(s.read()).toBe(0);
  });
});

describe('a connection that is closed by its user', () => {
  it('SHLD-3, MAY-1: CLOSE with unread data sends RST', () => {
    const s = Peer.established();
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 10 });
    expect(s.release()).toMatchObject([{ flags: 'R.', seq: 1, ack: 11 }]);
    expect(s.state).toBe('CLOSED');
  });

  it('SHLD-3: data that arrives after CLOSE is answered with RST', () => {
    const s = Peer.established();
    expect(s.release()).toMatchObject([{ flags: 'F.' }]);
    s.send({ flags: '.', seq: 1, ack: 2 });
    expect(s.send({ flags: 'P.', seq: 1, ack: 2, len: 10 })).toMatchObject([
      { flags: 'R', seq: 2 },
    ]);
    expect(s.state).toBe('CLOSED');
  });

  it('does not wait in FIN-WAIT-2 for ever (tcp_fin_timeout)', () => {
    const s = Peer.established();
    s.release();
    s.send({ flags: '.', seq: 1, ack: 2 });
    expect(s.state).toBe('FIN-WAIT-2');
    s.wait(MINUTE - 1);
    expect(s.state).toBe('FIN-WAIT-2');
    s.wait(1);
    expect(s.state).toBe('CLOSED');
  });

  it('waits in FIN-WAIT-2 as long as the user reads', () => {
    const s = Peer.established();
    s.close();
    s.send({ flags: '.', seq: 1, ack: 2 });
    s.wait(1000 * MINUTE);
    expect(s.state).toBe('FIN-WAIT-2');
  });
});

describe('reset', () => {
  it('ABORT sends RST and discards everything', () => {
    const s = Peer.established();
    s.write(100);
    expect(s.abort()).toMatchObject([{ flags: 'R.', seq: 101, ack: 1 }]);
    expect(s.state).toBe('CLOSED');
    expect(s.wait(10 * MINUTE)).toEqual([]);
    expect(s.env.pool.lent).toBe(0);
  });

  it('ABORT in TIME-WAIT causes no event, because the end was already reported', () => {
    const s = Peer.established();
    s.close();
    s.send({ flags: 'F.', seq: 1, ack: 2 });
    expect(s.state).toBe('TIME-WAIT');
    expect(s.takeEvents()).toContain('closed');
    expect(s.abort()).toEqual([]);
    expect([s.state, s.takeEvents()]).toEqual(['CLOSED', []]);
  });

  it('SHLD-2: a RST with data resets', () => {
    const s = Peer.established();
    s.send({ flags: 'R.', seq: 1, ack: 1, len: 20 });
    expect(s.conn.error).toBe('ECONNRESET');
  });

  it('SHLD-2: a RST with data also resets while the connection opens', () => {
    const active = Peer.connect();
    active.send({ flags: 'R.', seq: 0, ack: 1, len: 20 });
    expect(active.conn.error).toBe('ECONNREFUSED');
    const passive = Peer.listen();
    passive.send({ flags: 'S' });
    passive.send({ flags: 'R', seq: 1, len: 20 });
    expect(passive.state).toBe('CLOSED');
  });

  it('RFC 5961 3.2: RST at RCV.NXT resets, elsewhere in the window gets a challenge ACK, outside is ignored', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'R', seq: 2 })).toMatchObject([{ flags: '.', seq: 1, ack: 1 }]);
    expect(s.send({ flags: 'R', seq: 0 })).toEqual([]);
    expect(s.send({ flags: 'R', seq: 70_000_000 })).toEqual([]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.drops).toEqual(['tcpRstChallenge', 'tcpRstOutsideWindow', 'tcpRstOutsideWindow']);
    s.send({ flags: 'R', seq: 1 });
    expect(s.conn.error).toBe('ECONNRESET');
  });

  it('as in Linux: a RST with the number of the preceding FIN resets, and one at the end of out-of-order data', () => {
    const s = Peer.established();
    s.send({ flags: 'R', seq: 0 });
    expect(s.state).toBe('ESTABLISHED');
    s.send({ flags: 'F.', seq: 1, ack: 1 });
    s.send({ flags: 'R', seq: 0 });
    expect(s.state).toBe('CLOSE-WAIT');
    s.send({ flags: 'R', seq: 1 });
    expect([s.state, s.conn.error]).toEqual(['CLOSED', 'EPIPE']);
    for (const sack of [true, false]) {
      const t = Peer.established({}, { sackOk: sack });
      t.send({ flags: '.', seq: 101, ack: 1, len: 100 });
      t.send({ flags: '.', seq: 301, ack: 1, len: 100 });
      for (const seq of [201, 400]) t.send({ flags: 'R', seq });
      expect(t.state).toBe('ESTABLISHED');
      t.send({ flags: 'R', seq: 401 });
      expect(t.state, 'without SACK the peer does not know').toBe(sack ? 'CLOSED' : 'ESTABLISHED');
    }
  });

  it('RFC 5961 4.2: SYN in a synchronized state gets a challenge ACK, inside and outside of the window', () => {
    for (const seq of [0, 1, 100, -5000]) {
      const s = Peer.established();
      expect(s.send({ flags: 'S', seq })).toMatchObject([{ flags: '.', seq: 1, ack: 1 }]);
      expect(s.state).toBe('ESTABLISHED');
    }
  });

  it('RFC 5961 section 7: challenge ACKs are limited to one in half a second', () => {
    const s = Peer.established();
    expect(s.send({ flags: 'R', seq: 2 })).toHaveLength(1);
    expect(s.send({ flags: 'R', seq: 2 })).toHaveLength(0);
    expect(s.send({ flags: 'S', seq: 9 })).toHaveLength(0);
    s.wait(SECOND / 2);
    expect(s.send({ flags: 'R', seq: 2 })).toHaveLength(1);
    expect(s.env.counters.TcpExtTCPACKSkippedChallenge).toBe(2);
  });

  it.each([
    ['without text', 0],
    ['with text beyond the window', 5],
  ])(
    'MUST-66: URG, ACK and RST of a segment %s are processed while our window is zero',
    (_what, len) => {
      const s = Peer.established({ config: { receiveBufferBytes: 2920 } });
      s.send({ flags: '.', seq: 1, ack: 1, len: 1460 });
      s.send({ flags: '.', seq: 1461, ack: 1, len: 1460 });
      expect(s.last.win).toBe(0);
      s.write(10);
      s.send({ flags: 'U.', seq: 2921, ack: 11, urg: 1, len });
      expect(s.conn.rcv.urgent.pending, 'URG').toBe(true);
      expect(s.conn.snd.una, 'ACK').toBe(s.conn.snd.nxt);
      expect(s.conn.rcv.queue.length, 'its text is not accepted').toBe(2920);
      s.send({ flags: 'R', seq: 2921, len });
      expect(s.conn.error, 'RST').toBe('ECONNRESET');
    },
  );

  describe.each([
    ['linux', 'CLOSE-WAIT'],
    ['rfc', 'ESTABLISHED'],
  ] as const)('%s: a FIN right after the window', (profile, state) => {
    const filled = (): Peer => {
      const s = Peer.established({ profile, config: { receiveBufferBytes: 2920 } });
      s.send({ flags: '.', seq: 1, ack: 1, len: 1460 });
      return s;
    };

    it('that is zero', () => {
      const s = filled();
      s.send({ flags: '.', seq: 1461, ack: 1, len: 1460 });
      expect(s.last.win).toBe(0);
      s.send({ flags: 'F.', seq: 2921, ack: 1 });
      expect(s.state).toBe(state);
      s.read();
      s.send({ flags: 'F.', seq: 2921, ack: 1 });
      expect(s.state, 'there is room now').toBe('CLOSE-WAIT');
    });

    it('that its text fills', () => {
      const s = filled();
      s.send({ flags: 'F.', seq: 1461, ack: 1, len: 1460 });
      expect([s.state, s.conn.rcv.queue.length]).toEqual([state, 2920]);
    });
  });
});
