/**
 * Explicit congestion notification, RFC 3168: the handshake, the receiver's echo, the sender's
 * answer.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import { Ecn } from '../../src/wire/tcp.js';
import { Peer, type PeerOptions, type Wire } from './peer.js';

/**
 * A passive connection that negotiated ECN and has used up its quick ACKs, so that ACKs are delayed
 * again.
 */
function agreed(o: PeerOptions = {}, syn: Partial<Wire> = {}): Peer {
  const s = Peer.listen(o);
  s.send({ flags: 'SEW', mss: 1460, ...syn });
  s.send({ flags: '.', seq: 1, ack: 1 });
  return s;
}
const SEGMENT = 1000;
const data = (n: number, more: Partial<Wire> = {}): Wire => ({
  flags: '.',
  seq: 1 + n * SEGMENT,
  ack: 1,
  len: SEGMENT,
  ...more,
});
/** Receives and reads `count` segments in order with ECT(0); the next has number `count`. */
function past(s: Peer, count: number): void {
  for (let n = 0; n < count; n++) s.send(data(n, { ecn: Ecn.ect0 }));
  s.read();
  s.wait(100 * MILLISECOND); // less than the RTO: a longer silence would bring quick ACKs again
}

describe('the handshake (RFC 3168 section 6.1.1)', () => {
  it.each([
    [2, 'SEW', Ecn.notEct, 'SE.'],
    [1, 'SEW', Ecn.notEct, 'SE.'],
    [0, 'SEW', Ecn.notEct, 'S.'],
    [2, 'S', Ecn.notEct, 'S.'],
    [2, 'SE', Ecn.notEct, 'S.'],
    [2, 'SW', Ecn.notEct, 'S.'],
    // AccECN (RFC 9768) requests with three bits, and accepts the reply of a classic host.
    [2, 'SEWA', Ecn.notEct, 'SE.'],
    [2, 'SEWA', Ecn.ect0, 'SE.'],
    [0, 'SEWA', Ecn.notEct, 'S.'],
    // A middlebox rewrites the field.
    [2, 'SEW', Ecn.ect0, 'S.'],
  ] as const)(
    'SHLD-8: tcp_ecn=%i: %s with ECN field %i is answered by %s',
    (ecn, flags, field, answer) => {
      const s = Peer.listen({ config: { ecn } });
      const [synAck] = s.send({ flags, mss: 1460, ecn: field });
      expect(synAck).toMatchObject({ flags: answer });
      expect(synAck!.ecn, 'a SYN,ACK is never ECT').toBeUndefined();
      s.send({ flags: '.', seq: 1, ack: 1 });
      const [first] = s.write(100);
      expect(first!.ecn).toBe(answer === 'SE.' ? Ecn.ect0 : undefined);
    },
  );

  it('a retransmitted SYN,ACK still has ECE', () => {
    const s = Peer.listen();
    s.send({ flags: 'SEW', mss: 1460 });
    expect(s.wait(SECOND).map((x) => x.flags)).toEqual(['SE.']);
  });

  it.each([
    [1, 'SEW', 'SE.', true],
    [1, 'SEW', 'S.', false],
    // A broken host reflects what it was sent.
    [1, 'SEW', 'SEW.', false],
    [2, 'S', 'SE.', false],
    [0, 'S', 'SE.', false],
  ] as const)(
    'SHLD-8: tcp_ecn=%i: our SYN is %s, and %s agrees: %s',
    (ecn, syn, synAck, agrees) => {
      const s = Peer.connect({ config: { ecn } });
      expect(s.last).toMatchObject({ flags: syn });
      expect(s.last.ecn).toBeUndefined();
      const [ack] = s.send({ flags: synAck, ack: 1, mss: 1460 });
      expect(ack).toMatchObject({ flags: '.' });
      expect(ack!.ecn, 'the ACK is not ECT').toBeUndefined();
      expect(s.write(100)[0]!.ecn).toBe(agrees ? Ecn.ect0 : undefined);
    },
  );

  it('a SYN without an answer is retransmitted without an ECN request (tcp_ecn_fallback)', () => {
    const s = Peer.connect({ config: { ecn: 1 } });
    expect(s.wait(SECOND).map((x) => x.flags)).toEqual(['S']);
    // The reply to the first SYN may still arrive.
    s.send({ flags: 'SE.', ack: 1, mss: 1460 });
    expect(s.write(100)[0]!.ecn).toBe(Ecn.ect0);
    const stubborn = Peer.connect({ config: { ecn: 1, ecnFallback: false } });
    expect(stubborn.wait(SECOND).map((x) => x.flags)).toEqual(['SEW']);
  });

  it('in a simultaneous open both ends agree if both request ECN', () => {
    for (const [syn, answer] of [
      ['SEW', 'SE.'],
      ['S', 'S.'],
    ] as const) {
      const s = Peer.connect({ config: { ecn: 1 } });
      expect(s.send({ flags: syn, mss: 1460 })).toMatchObject([{ flags: answer }]);
      s.send({ flags: syn === 'SEW' ? 'SE.' : 'S.', ack: 1, mss: 1460 });
      expect(s.state).toBe('ESTABLISHED');
      expect(s.write(100)[0]!.ecn).toBe(syn === 'SEW' ? Ecn.ect0 : undefined);
    }
  });
});

describe('the receiver (RFC 3168 section 6.1.3)', () => {
  it('SHLD-8: after CE every ACK carries ECE, until CWR arrives', () => {
    const s = agreed();
    past(s, 20);
    expect(s.send(data(20, { ecn: Ecn.ce }))).toMatchObject([{ flags: 'E.', ack: 21_001 }]);
    expect(s.send(data(21, { ecn: Ecn.ect0 }))).toMatchObject([{ flags: 'E.' }]);
    // Duplicate ACKs and data of our own carry it as well.
    expect(s.send(data(23, { ecn: Ecn.ect0 }))).toMatchObject([{ flags: 'E.', ack: 22_001 }]);
    expect(s.write(100)).toMatchObject([{ flags: 'PE.' }]);
    expect(s.send(data(22, { flags: 'W.', ack: 101, ecn: Ecn.ect0 }))).toMatchObject([
      { flags: '.', ack: 24_001 },
    ]);
    expect(s.notes.filter((n) => n.startsWith('ecn'))).toEqual(['ecn-marked', 'ecn-answered']);
  });

  it('a segment with both CWR and CE continues the ECE', () => {
    const s = agreed();
    s.send(data(0, { ecn: Ecn.ce }));
    expect(s.send(data(1, { flags: 'W.', ecn: Ecn.ce }))).toMatchObject([{ flags: 'E.' }]);
    expect(s.send(data(2, { flags: 'W.', ecn: Ecn.ect0 }))).toMatchObject([{ flags: '.' }]);
  });

  it('acknowledges segments with CE or CWR at once, because a sender with a window of one waits for the ACK', () => {
    const s = agreed();
    past(s, 20);
    expect(s.send(data(20, { ecn: Ecn.ect0 })), 'the quick ACKs are used up').toEqual([]);
    s.wait(40 * MILLISECOND);
    expect(s.send(data(21, { ecn: Ecn.ce }))).toHaveLength(1);
    expect(s.send(data(22, { ecn: Ecn.ect0 }))).toHaveLength(1);
    expect(s.send(data(23, { ecn: Ecn.ect0 })), 'two quick ACKs are enough').toEqual([]);
    s.wait(40 * MILLISECOND);
    expect(s.send(data(24, { flags: 'W.', ecn: Ecn.ect0 }))).toHaveLength(1);
    // Not ECT among segments that are: most likely a retransmission.
    expect(s.send(data(25))).toHaveLength(1);
  });

  it('ignores CE if ECN was not negotiated, and CE outside the window', () => {
    const s = Peer.established();
    expect(s.send(data(0, { ecn: Ecn.ce }))).toMatchObject([{ flags: '.' }]);
    const t = agreed();
    t.send(data(0, { ecn: Ecn.ect0 }));
    expect(t.send(data(-5, { ecn: Ecn.ce }))).toMatchObject([{ flags: '.', ack: 1001 }]);
    expect(t.conn.rcv.ecn.echo).toBe(false);
  });
});

describe('the sender (RFC 3168 section 6.1.2)', () => {
  it('SHLD-8: reduces cwnd once in a window of data, and sends CWR on the next new data', () => {
    const s = agreed({}, { sackOk: true });
    s.write(30 * 1460);
    const before = s.conn.snd.congestion.cwnd;
    expect(s.got.slice(-10).map((x) => [x.len, x.ecn, x.flags.includes('W')])).toEqual(
      Array.from({ length: 10 }, () => [1460, Ecn.ect0, false]),
    );
    // Every segment of that window may cause another ECE. PRR reduces the window as the ACKs
    // arrive.
    let out = [] as Wire[];
    for (let n = 2; n <= 10; n += 2)
      out = out.concat(s.send({ flags: 'E.', seq: 1, ack: 1 + n * 1460 }));
    expect(s.conn.snd.congestion.cwnd).toBeLessThanOrEqual(0.7 * before);
    expect(s.env.counters.TcpExtTCPDeliveredCE).toBe(10);
    expect(out.filter((x) => x.flags.includes('W'))).toHaveLength(1);
    const first = out.find((x) => (x.len ?? 0) > 0);
    expect(first, 'the first new data').toMatchObject({
      flags: 'W.',
      seq: 1 + 10 * 1460,
      len: 1460,
      ecn: Ecn.ect0,
    });
    expect(s.notes.filter((n) => n === 'ecn-reduced')).toHaveLength(1);
    // A mark from the next window reduces again.
    for (let n = 11; n <= 13; n++) s.send({ flags: 'E.', seq: 1, ack: 1 + n * 1460 });
    expect(s.notes.filter((n) => n === 'ecn-reduced')).toHaveLength(2);
  });

  it('retransmits nothing, because nothing was lost', () => {
    const s = agreed();
    s.write(20 * 1460);
    s.send({ flags: 'E.', seq: 1, ack: 1 + 1460 });
    expect(s.conn.stats.retransmissions).toBe(0);
  });

  it('SHLD-8: marks neither retransmissions, nor bare ACKs, probes and FIN', () => {
    const s = agreed();
    s.write(1000);
    expect(s.last.ecn).toBe(Ecn.ect0);
    const again = s.wait(300 * MILLISECOND);
    expect(again).toMatchObject([{ len: 1000, seq: 1 }]);
    expect(again[0]!.ecn).toBeUndefined();
    s.send({ flags: '.', seq: 1, ack: 1001, win: 0 });
    s.write(1000);
    const [probe] = s.wait(SECOND);
    expect(probe).toMatchObject({ seq: 1000, len: 0 });
    expect(probe!.ecn).toBeUndefined();
    s.send({ flags: '.', seq: 1, ack: 1001 });
    s.send({ flags: '.', seq: 1, ack: 2001 });
    const [fin] = s.close();
    expect(fin).toMatchObject({ flags: 'F.', len: 0 });
    expect(fin!.ecn).toBeUndefined();
    const [ack] = s.send({ flags: 'F.', seq: 1, ack: 2002 });
    expect(ack!.ecn).toBeUndefined();
  });

  it('ignores ECE if ECN was not negotiated', () => {
    const s = Peer.established();
    s.write(20 * 1460);
    const before = s.conn.snd.congestion.cwnd;
    s.send({ flags: 'E.', seq: 1, ack: 1 });
    expect(s.conn.snd.congestion.cwnd).toBe(before);
  });
});
