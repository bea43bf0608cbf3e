import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../src/base/time.js';
import { pathMtuChanged } from '../../src/tcp/path-mtu.js';
import { pattern, Peer } from './peer.js';

/** A buffer that needs a window scale of 5. */
const megabyte = { config: { receiveBufferBytes: 1 << 20 } };

describe('passive open', () => {
  it('answers a SYN with SYN,ACK and its options, and is established by the ACK', () => {
    const s = Peer.listen(megabyte);
    const [synAck] = s.send({ flags: 'S', mss: 1400, sackOk: true, ts: [1000, 0], wscale: 7 });
    expect(synAck).toMatchObject({
      flags: 'S.',
      seq: 0,
      ack: 1,
      mss: 1460,
      sackOk: true,
      wscale: 5,
      win: 65_535,
    });
    expect(synAck!.ts![1]).toBe(1000);
    expect(s.state).toBe('SYN-RECEIVED');
    expect(s.send({ flags: '.', seq: 1, ack: 1, ts: [1001, synAck!.ts![0]] })).toEqual([]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.takeEvents()).toEqual(['established']);
  });

  it('leaves options out of the SYN,ACK that the SYN did not offer', () => {
    const [synAck] = Peer.listen().send({ flags: 'S', mss: 1460 });
    expect(synAck).not.toHaveProperty('ts');
    expect(synAck).not.toHaveProperty('wscale');
    expect(synAck).not.toHaveProperty('sackOk');
  });

  it('sends SYN,ACK again for a retransmitted SYN', () => {
    const s = Peer.listen();
    s.send({ flags: 'S' });
    expect(s.send({ flags: 'S' })).toMatchObject([{ flags: 'S.', seq: 0, ack: 1 }]);
  });

  it('accepts data on the last ACK of the handshake', () => {
    const s = Peer.listen();
    s.send({ flags: 'S' });
    expect(s.send({ flags: 'P.', seq: 1, ack: 1, len: 5 })).toMatchObject([{ flags: '.', ack: 6 }]);
    s.read();
    expect(s.readBytes).toEqual(pattern(5));
  });

  it('sends a RST if the ACK of the handshake acknowledges something else', () => {
    const s = Peer.listen();
    s.send({ flags: 'S' });
    for (const ack of [0, 2, -5]) {
      expect(s.send({ flags: '.', seq: 1, ack })).toMatchObject([{ flags: 'R', seq: ack }]);
    }
    expect(s.state).toBe('SYN-RECEIVED');
  });

  it('sends SYN,ACK 6 times at 0, 1, 3, 7, 15, 31 s, and gives up at 63 s', () => {
    const s = Peer.listen();
    s.send({ flags: 'S' });
    const start = s.now;
    s.wait(5 * MINUTE);
    expect(s.got.map((x) => (x.at - start) / SECOND)).toEqual([0, 1, 3, 7, 15, 31]);
    expect(s.state).toBe('CLOSED');
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('MUST-11: RST in SYN-RECEIVED ends a passive open silently, and refuses an active one', () => {
    const passive = Peer.listen();
    passive.send({ flags: 'S' });
    passive.send({ flags: 'R', seq: 1 });
    expect(passive.conn.error).toBe('ECONNRESET');

    const active = Peer.connect();
    active.send({ flags: 'S' });
    expect(active.state).toBe('SYN-RECEIVED');
    active.send({ flags: 'R', seq: 1 });
    expect(active.conn.error).toBe('ECONNREFUSED');
  });
});

describe('active open', () => {
  it('sends SYN with all options, then ACK', () => {
    const s = Peer.connect(megabyte);
    expect(s.got).toMatchObject([
      { flags: 'S', seq: 0, mss: 1460, sackOk: true, wscale: 5, win: 65_535 },
    ]);
    expect(s.got[0]!.ts![1]).toBe(0);
    const answer = s.send({
      flags: 'S.',
      ack: 1,
      mss: 1460,
      sackOk: true,
      wscale: 7,
      ts: [5, s.got[0]!.ts![0]],
    });
    expect(answer).toMatchObject([{ flags: '.', seq: 1, ack: 1 }]);
    expect(s.state).toBe('ESTABLISHED');
  });

  it('is refused only by a RST,ACK that acknowledges the SYN', () => {
    const s = Peer.connect();
    s.send({ flags: 'R.', ack: 7 });
    s.send({ flags: 'R' });
    expect(s.state).toBe('SYN-SENT');
    s.send({ flags: 'R.', ack: 1 });
    expect(s.state).toBe('CLOSED');
    expect(s.conn.error).toBe('ECONNREFUSED');
    expect(s.takeEvents()).toEqual(['error', 'closed']);
  });

  it('answers an ACK of data that was never sent with a RST of that number', () => {
    const s = Peer.connect();
    for (const ack of [0, 2])
      expect(s.send({ flags: 'S.', ack })).toMatchObject([{ flags: 'R', seq: ack }]);
    expect(s.state).toBe('SYN-SENT');
  });

  it('sends SYN again soon after a RST for an old connection of the peer, but only once', () => {
    const s = Peer.connect();
    const start = s.now;
    expect(s.send({ flags: '.', ack: 1000 })).toMatchObject([{ flags: 'R', seq: 1000 }]);
    s.wait(10 * MILLISECOND);
    s.send({ flags: '.', ack: 1000 });
    s.wait(SECOND);
    const syns = s.got.filter((x) => x.flags === 'S');
    expect(syns.map((x) => (x.at - start) / MILLISECOND)).toEqual([0, 8, 1008]);
  });

  it('MUST-22: SYN is retransmitted 4 times a second apart, then at doubling intervals, until ETIMEDOUT at 131 s as in Linux', () => {
    const s = Peer.connect();
    const start = s.now;
    s.wait(10 * MINUTE);
    expect(s.got.map((x) => (x.at - start) / SECOND)).toEqual([
      0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67,
    ]);
    expect(s.conn.error).toBe('ETIMEDOUT');
    const gaveUp = s.transitions.find((line) => line.includes('-> CLOSED'))!;
    expect((Number(gaveUp.split(' ')[0]) - start) / SECOND).toBe(131);
  });

  it('MUST-22: at R1 a soft error is reported to the user, as for data, and the attempt continues', () => {
    const s = Peer.connect({ profile: 'rfc' });
    s.wait(7 * SECOND - 1); // timeouts at 1 and 3 s
    expect(s.takeEvents()).toEqual([]);
    s.wait(1);
    expect([s.takeEvents(), s.conn.softError, s.state]).toEqual([
      ['softError'],
      'ETIMEDOUT',
      'SYN-SENT',
    ]);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect([s.state, s.takeEvents()]).toEqual(['ESTABLISHED', ['established']]);
  });

  it('MUST-22: R1 is reported only if reports of soft errors are on, and never for a half-open connection', () => {
    const quiet = Peer.connect();
    quiet.conn.setSoftErrorReports(false);
    const halfOpen = Peer.listen();
    halfOpen.send({ flags: 'S' });
    for (const s of [quiet, halfOpen]) {
      s.wait(20 * SECOND);
      expect(s.takeEvents()).toEqual([]);
    }
    expect([quiet.conn.softError, halfOpen.conn.softError]).toEqual(['ETIMEDOUT', null]);
  });

  it('MUST-21: a SYN is retransmitted until the user timeout, whether shorter or longer than R2', () => {
    for (const limit of [5 * SECOND, 10 * MINUTE]) {
      const s = Peer.connect({ config: { synRetries: 100 } });
      s.conn.setUserTimeout(limit);
      s.wait(limit - 1);
      expect(s.state).toBe('SYN-SENT');
      s.wait(1);
      expect(s.conn.error).toBe('ETIMEDOUT');
    }
  });

  it('MUST-23: in the rfc profile SYN is retransmitted for at least 3 minutes', () => {
    const s = Peer.connect({ profile: 'rfc' });
    s.wait(3 * MINUTE - 1);
    expect(s.state).toBe('SYN-SENT');
    s.wait(5 * MINUTE);
    expect(s.conn.error).toBe('ETIMEDOUT');
  });

  it('MUST-10: a simultaneous open establishes both sides', () => {
    const s = Peer.connect();
    const synAck = s.send({ flags: 'S', mss: 1460 });
    expect(synAck).toMatchObject([{ flags: 'S.', seq: 0, ack: 1 }]);
    expect(s.state).toBe('SYN-RECEIVED');
    expect(s.send({ flags: 'S.', seq: 0, ack: 1, win: 1000 })).toMatchObject([
      { flags: '.', seq: 1, ack: 1 },
    ]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.conn.snd.wnd).toBe(1000);
  });

  it('CLOSE before the answer ends the attempt without a segment', () => {
    const s = Peer.connect();
    expect(s.close()).toEqual([]);
    expect(s.state).toBe('CLOSED');
    expect(s.conn.error).toBeNull();
  });
});

describe('maximum segment size', () => {
  it("MUST-14: our SYN carries MSS, and the peer's MSS is respected", () => {
    const s = Peer.established({}, { mss: 700 });
    expect(s.got[0]!.mss).toBe(1460);
    expect(s.write(2000).map((x) => x.len)).toEqual([700, 700, 600]);
  });

  it.each([
    [4, 536],
    [6, 1220],
  ])('MUST-15: without an MSS option over IPv%i, %i is assumed', (_version, defaultMss) => {
    const s = Peer.listen({ defaultMss });
    s.send({ flags: 'S' });
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect(s.write(4000)[0]!.len).toBe(defaultMss);
  });

  it('MUST-16: the effective send MSS leaves room for options and respects our own limit', () => {
    const s = Peer.established({ mss: 1000 }, { mss: 9000, ts: [1, 0] });
    expect(s.write(3000)[0]!.len).toBe(1000 - 12);
  });

  it("MUST-16: the effective send MSS is the peer's if that is smaller than the path's", () => {
    const s = Peer.established({ mss: 1460 }, { mss: 700, ts: [1, 0] });
    expect(s.write(3000)[0]!.len).toBe(700 - 12);
  });

  it("MUST-16: the effective send MSS is the path's if ICMP reported a smaller path MTU", () => {
    const s = Peer.established({ mss: 1460 }, { mss: 1460, ts: [1, 0] });
    pathMtuChanged(s.conn, 1000, 'icmp', s.now);
    expect(s.write(3000)[0]!.len).toBe(1000 - 40 - 12);
  });

  it('MUST-16: a segment with SACK blocks has less text by their size', () => {
    const s = Peer.established({}, { sackOk: true, ts: [1, 0] });
    s.send({ flags: '.', seq: 101, ack: 1, len: 100, ts: [2, 0] });
    expect(s.write(3000).map((x) => [x.len, x.sack?.length])).toContainEqual([1460 - 12 - 12, 1]);
    expect(s.got.every((x) => x.len + (x.sack === undefined ? 12 : 24) <= 1460)).toBe(true);
  });

  it('MUST-65: no segment but a SYN carries MSS', () => {
    const s = Peer.established();
    s.write(5000);
    s.send({ flags: 'F.', seq: 1, ack: 5001 });
    s.close();
    expect(s.got.filter((x) => x.mss !== undefined).map((x) => x.flags)).toEqual(['S.']);
    expect(s.got.length).toBeGreaterThan(4);
  });

  it('SHLD-5, MAY-3: MSS is always sent', () => {
    expect(Peer.connect({ mss: 536 }).got[0]!.mss).toBe(536);
  });

  it('SHLD-5, MAY-3: MSS is in every SYN: of a simultaneous open, SYN,ACK, and retransmissions', () => {
    const active = Peer.connect();
    active.wait(SECOND);
    active.send({ flags: 'S', mss: 1460 });
    const passive = Peer.listen();
    passive.send({ flags: 'S', mss: 1460 });
    passive.wait(SECOND);
    const all = [...active.got, ...passive.got];
    expect(all.map((x) => x.flags)).toEqual(['S', 'S', 'S.', 'S.', 'S.']);
    expect(all.map((x) => x.mss)).toEqual([1460, 1460, 1460, 1460, 1460]);
  });

  it('MUST-67: the MSS that we announce is the MTU of our link less IP and TCP headers without options', () => {
    const s = Peer.connect({ mss: 9000 - 40 });
    expect(s.got[0]!.mss).toBe(8960);
  });

  it('treats a tiny announced MSS as 48, as in Linux', () => {
    const s = Peer.established({}, { mss: 1 });
    expect(s.write(100)[0]!.len).toBe(48);
  });
});

describe('MUST-5: options on any segment', () => {
  it('MUST-5: timestamps and SACK are read on data segments, and an MSS option on one is ignored', () => {
    const s = Peer.established({}, { ts: [10, 0] });
    s.send({ flags: 'P.', seq: 1, ack: 1, len: 3, ts: [99, 0], mss: 100 });
    expect(s.last.ts![1]).toBe(99);
    expect(s.conn.snd.mss).toBe(1448);
  });

  it.each([
    ['a bare ACK', { flags: '.', seq: 1 }],
    ['data', { flags: 'P.', seq: 1, len: 3 }],
    ['a FIN', { flags: 'F.', seq: 1 }],
  ])('MUST-5: SACK and timestamps are processed on %s', (_what, segment) => {
    const s = Peer.established({}, { sackOk: true, ts: [10, 0] });
    s.write(3 * 1448);
    s.send({ ...segment, ack: 1, ts: [99, 0], sack: [[1449, 2897]] });
    expect(s.conn.snd.sent.sackedOut).toBe(1);
    expect(s.abort()[0]!.ts![1]).toBe(99);
  });

  it('MUST-5: a RST with options resets', () => {
    const s = Peer.established({}, { sackOk: true, ts: [10, 0] });
    s.send({ flags: 'R', seq: 1, ts: [99, 0], mss: 100 });
    expect(s.conn.error).toBe('ECONNRESET');
  });
});
