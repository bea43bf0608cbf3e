/**
 * One connection when the path's MTU changes (RFC 1191 section 6.4), and when it probes for the MTU
 * (RFC 4821), with Linux's values.
 */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, MINUTE, SECOND } from '../../../src/base/time.js';
import { FastOpen } from '../../../src/tcp/fast-open.js';
import { pathMtuChanged } from '../../../src/tcp/path-mtu.js';
import type { MtuCause } from '../../../src/tcp/notes.js';
import { Peer, type PeerOptions, type Sent, type Wire } from '../peer.js';
import { setWindow } from '../congestion/set-window.js';

const RTT = 20 * MILLISECOND;
const pieces = (sent: Sent[]): [number, number][] => sent.map((x) => [x.seq, x.len]);

/** An established connection with SACK and a large window. */
function open(o: PeerOptions = {}, syn: Partial<Wire> = {}): Peer {
  const s = Peer.listen(o);
  s.send({ flags: 'S', mss: 1460, wscale: 7, sackOk: true, ...syn });
  s.wait(5 * RTT);
  s.send({ flags: '.', seq: 1, ack: 1, ...(syn.ts ? { ts: [syn.ts[0] + 1, s.last.ts![0]] } : {}) });
  return s;
}

/** The same with an active open. */
function openActive(o: PeerOptions = {}, sackOk = true): Peer {
  const s = Peer.connect(o);
  s.wait(RTT);
  s.send({ flags: 'S.', seq: 0, ack: 1, mss: 1460, wscale: 7, sackOk });
  return s;
}

/** ICMP reports the MTU. */
function tooBig(s: Peer, mtu: number, why: MtuCause = 'icmp'): Sent[] {
  pathMtuChanged(s.conn, mtu, why, s.now);
  return s.poll();
}

describe('a smaller path MTU', () => {
  it('splits segments in flight that are too large, retransmits them at once, and does not change cwnd', () => {
    const s = open();
    s.write(4 * 1460 + 500);
    // As in Linux: split again in pairs, as sent.
    expect(pieces(tooBig(s, 1040))).toEqual([
      [1, 1000],
      [1001, 1000],
      [2001, 920],
      [2921, 1000],
      [3921, 1000],
      [4921, 920],
    ]);
    const { congestion, state } = { ...s.conn.snapshot(s.now), state: s.state };
    expect(state).toBe('ESTABLISHED');
    expect(congestion).toMatchObject({
      cwnd: 10,
      ssthresh: Infinity,
      state: 'Loss',
      lost: 6,
      resent: 6,
      inFlight: 7,
    });
    // Their ACK ends it without a reduction.
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 4 * 1460 + 501 });
    expect(s.conn.snapshot(s.now).congestion).toMatchObject({
      state: 'Open',
      ssthresh: Infinity,
      lost: 0,
    });
    expect(s.conn.snd.congestion.cwnd).toBeGreaterThanOrEqual(10);
    expect(pieces(s.write(1500))).toEqual([
      [6341, 1000],
      [7341, 500],
    ]);
    expect(s.notes).toContain('path-mtu');
  });

  it('sends no more than cwnd at once; the rest follows as ACKs arrive', () => {
    const s = open();
    s.write(10 * 1460);
    expect(tooBig(s, 1040)).toHaveLength(10);
    s.now += RTT;
    const next = s.send({ flags: '.', seq: 1, ack: 2921 });
    expect(pieces(next.slice(0, 2))).toEqual([
      [9761, 1000],
      [10_761, 920],
    ]);
  });

  it('does not change segments that were SACKed or are small enough', () => {
    const s = open({ config: { noDelay: true } });
    s.write(1460);
    s.write(700);
    s.write(1460);
    s.now += RTT / 4;
    s.send({ flags: '.', seq: 1, ack: 1, sack: [[2161, 3621]] });
    expect(pieces(tooBig(s, 1040))).toEqual([
      [1, 1000],
      [1001, 460],
    ]);
  });

  it('subtracts the option bytes: twelve fewer with timestamps', () => {
    const s = open({}, { ts: [1, 0] });
    s.write(3000);
    expect(tooBig(s, 1040).map((x) => x.len)).toEqual([988, 988, 920]);
    expect(s.conn.snd.mss).toBe(988);
  });

  it('is the size into which a device splits super-segments', () => {
    const s = open({ gsoBytes: 60_000 });
    expect(s.write(14_600).map((x) => [x.len, x.gsoSize])).toEqual([[14_600, 1460]]);
    expect(tooBig(s, 1040).map((x) => [x.seq, x.len, x.gsoSize])).toEqual([[1, 10_000, 1000]]);
  });

  it('without SACK keeps the count of duplicate ACKs, and those of the old packets do not start fast retransmit', () => {
    const s = Peer.established({}, { wscale: 7 });
    s.write(10 * 1460);
    tooBig(s, 1040);
    for (let i = 0; i < 5; i++) s.send({ flags: '.', seq: 1, ack: 1 });
    expect(s.conn.snapshot(s.now).congestion).toMatchObject({
      state: 'Loss',
      cwnd: 10,
      ssthresh: Infinity,
    });
  });

  it('keeps ssthresh in the middle of a reduction', () => {
    const s = open();
    s.write(20 * 1460);
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 1, sack: [[1461, 14_601]] });
    s.wait(10 * MILLISECOND);
    const { ssthresh } = s.conn.snd.congestion;
    expect(ssthresh).toBe(7);
    tooBig(s, 1040);
    expect(s.conn.snapshot(s.now).congestion).toMatchObject({ state: 'Loss', ssthresh });
  });

  it('is not below 48 bytes of payload and options for any reported MTU', () => {
    const s = open();
    s.write(1460);
    tooBig(s, 1);
    expect(s.conn.snd.mss).toBe(48);
  });

  it('while our SYN has data (Fast Open): the SYN is retransmitted without data', () => {
    const fastOpen = new FastOpen({
      cookie: new Uint8Array(8),
      experimental: false,
      mostSynData: 1400,
    });
    const s = Peer.connect({ fastOpen, early: new Uint8Array(1000) });
    expect(s.got.map((x) => [x.flags, x.len])).toEqual([['S', 1000]]);
    expect(tooBig(s, 600).map((x) => [x.flags, x.len])).toEqual([['S', 0]]);
    s.now += RTT;
    expect(s.send({ flags: 'S.', ack: 1, mss: 1460 }).map((x) => x.len)).toEqual([560, 440]);
  });

  it('is used from the start if it is known, and does not change the announced MSS', () => {
    const s = Peer.connect();
    tooBig(s, 1040);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect([s.got[0]!.mss, s.conn.snd.mss]).toEqual([1460, 1000]);
  });
});

describe('a larger path MTU', () => {
  it('makes the next segments larger, without retransmissions', () => {
    const s = open();
    tooBig(s, 1040);
    s.write(2000);
    expect(tooBig(s, 1500, 'aged')).toEqual([]);
    expect(pieces(s.write(1460))).toEqual([[2001, 1460]]);
  });

  it('is limited by the MSS of the peer', () => {
    const s = open({}, { mss: 1200 });
    tooBig(s, 1040);
    tooBig(s, 1500, 'aged');
    expect(s.conn.snd.mss).toBe(1200);
  });
});

describe('path MTU probing (tcp_mtu_probing=2)', () => {
  const config = { mtuProbing: 2 } as const;

  /**
   * Ten segments of 1024 bytes are sent, two of them acknowledged: cwnd is 12, and the next segment
   * is a probe halfway between 1064 and 1500.
   */
  function probing(more: PeerOptions = {}): { s: Peer; probe: Sent; after: Sent[] } {
    const s = openActive({ ...more, config: { ...config, ...more.config } });
    expect(s.write(60_000).map((x) => x.len)).toEqual(Array<number>(10).fill(1024));
    s.now += RTT;
    const [probe, ...after] = s.send({ flags: '.', seq: 1, ack: 2049 });
    return { s, probe: probe!, after };
  }

  it('starts at tcp_base_mss and sends a probe of the size in the middle, in the room of two segments', () => {
    const { s, probe, after } = probing();
    expect([probe.seq, probe.len]).toEqual([10_241, 1242]);
    expect(after.map((x) => x.len)).toEqual([1024, 1024]);
    expect(s.conn.snapshot(s.now).pmtu).toEqual({
      mtu: 1500,
      discover: 1,
      probing: true,
      low: 1064,
      high: 1500,
      probe: 1282,
    });
    expect(s.conn.snd.congestion.cwnd).toBe(11);
    expect(s.notes).toContain('mtu-probe');
  });

  it('on the passive side starts with full segments; the first probe that arrives sets the size from then on, as in Linux', () => {
    const s = open({ config });
    expect(s.write(60_000).map((x) => x.len)).toEqual(Array<number>(10).fill(1460));
    s.now += 5 * RTT;
    expect(pieces(s.send({ flags: '.', seq: 1, ack: 2921 }))).toEqual([
      [14_601, 1242],
      [15_843, 1460],
      [17_303, 1460],
    ]);
    expect(s.conn.snd.congestion.cwnd).toBe(11);
    s.now += 5 * RTT;
    const next = s.send({ flags: '.', seq: 1, ack: 15_843 });
    expect(pieces(next.slice(0, 2))).toEqual([
      [18_763, 1351],
      [20_114, 1242],
    ]);
    expect([s.conn.snd.mss, s.conn.snd.congestion.cwnd]).toEqual([1242, 20]);
  });

  it('that arrives sets the segment size, and cwnd stays the same in bytes', () => {
    const { s } = probing();
    s.now += RTT;
    const next = s.send({ flags: '.', seq: 1, ack: 11_483 });
    // 11 segments in packets of 1064 are 9 in packets of 1282; nine more were acknowledged.
    expect(s.conn.snd.mss).toBe(1242);
    expect(s.conn.snd.congestion.cwnd).toBe(9 + 9 - 1); // less the room of the next probe
    expect(next[0]!.len).toBe(((1282 + 1500) >> 1) - 40);
    expect(s.env.counters).toMatchObject({ TcpExtTCPMTUPSuccess: 1, TcpExtTCPMTUPFail: 0 });
  });

  it('that is lost is split and retransmitted; cwnd stays, and the search continues with smaller sizes', () => {
    const { s } = probing();
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 10_241 });
    const cwnd = s.conn.snd.congestion.cwnd;
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 10_241, sack: [[11_483, 13_531]] });
    const again = s.send({ flags: '.', seq: 1, ack: 10_241, sack: [[11_483, 14_555]] });
    expect(pieces(again.slice(0, 2))).toEqual([
      [10_241, 1024],
      [11_265, 218],
    ]);
    expect(s.conn.snapshot(s.now).pmtu).toMatchObject({ low: 1064, high: 1281, probe: 0 });
    expect(s.conn.snd.congestion).toMatchObject({ cwnd: cwnd + 1, ssthresh: Infinity });
    expect(s.env.counters).toMatchObject({
      TcpExtTCPMTUPSuccess: 0,
      TcpExtTCPMTUPFail: 1,
      TcpExtTCPSackRecovery: 0,
    });
    expect(s.notes).toContain('mtu-probe-lost');
    s.now += RTT;
    const next = s.send({ flags: '.', seq: 1, ack: s.conn.snd.nxt - s.conn.iss });
    expect(next[0]!.len).toBe(((1064 + 1281) >> 1) - 40);
  });

  it('without SACK three duplicate ACKs mean its loss, and the probe is split as well', () => {
    const s = openActive({ config }, false);
    s.write(60_000);
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 2049 });
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 10_241 });
    const { cwnd } = s.conn.snd.congestion;
    s.send({ flags: '.', seq: 1, ack: 10_241 });
    s.send({ flags: '.', seq: 1, ack: 10_241 });
    const again = s.send({ flags: '.', seq: 1, ack: 10_241 });
    expect(pieces(again.slice(0, 2))).toEqual([
      [10_241, 1024],
      [11_265, 218],
    ]);
    expect(s.env.counters).toMatchObject({ TcpExtTCPMTUPFail: 1, TcpExtTCPRenoRecovery: 0 });
    expect(s.conn.snd.congestion).toMatchObject({ cwnd: cwnd + 1, ssthresh: Infinity });
  });

  it('is inconclusive if a segment before it was also lost, because that is congestion', () => {
    const { s } = probing();
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 9217, sack: [[11_483, 13_531]] });
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 9217, sack: [[11_483, 14_555]] });
    expect(s.conn.snapshot(s.now).pmtu).toMatchObject({ probe: 0, high: 1500 });
    expect(s.conn.snapshot(s.now).congestion).toMatchObject({ state: 'Recovery' });
    expect(s.env.counters).toMatchObject({ TcpExtTCPMTUPFail: 0, TcpExtTCPSackRecovery: 1 });
  });

  it('is one segment even if the device splits super-segments', () => {
    const s = open({ config, gsoBytes: 60_000 });
    s.write(60_000);
    s.now += RTT;
    const [probe] = s.send({ flags: '.', seq: 1, ack: 2049 });
    expect([probe!.len, probe!.gsoSize]).toEqual([1242, undefined]);
  });

  it('waits for a large enough send window and cwnd, and for enough data', () => {
    const small = openActive({ config: { ...config, initialWindow: 8 } });
    small.write(60_000);
    small.now += RTT;
    small.send({ flags: '.', seq: 1, ack: 2049 });
    expect(small.conn.snd.congestion.cwnd).toBe(10);
    expect(small.notes).not.toContain('mtu-probe');
    const s = openActive({ config });
    s.write(10 * 1024 + 1242 + 4 * 1024 - 1);
    s.now += RTT;
    s.send({ flags: '.', seq: 1, ack: 2049 });
    expect(s.notes).not.toContain('mtu-probe');
  });

  it('holds other data back until there is room for the probe, if there is room for only one segment', () => {
    const s = open({ config });
    s.write(60_000);
    s.now += RTT;
    setWindow(s.conn.snd.congestion, { cwnd: 11, ssthresh: 5 });
    expect(s.poll()).toEqual([]);
    expect(s.conn.snd.sent.inFlight).toBe(10);
  });

  it('ends when the range is smaller than tcp_probe_threshold, and starts again after tcp_probe_interval', () => {
    const s = openActive({ config: { ...config, slowStartAfterIdle: false } });
    s.conn.size.low = 1400;
    s.conn.size.high = 1407;
    const round = (): boolean => {
      const from = s.notes.length;
      s.write(60_000);
      for (let i = 0; i < 60 && s.conn.snd.flight > 0; i++) {
        s.now += RTT;
        s.send({ flags: '.', seq: 1, ack: (s.conn.snd.nxt - s.conn.iss) | 0 });
      }
      return s.notes.slice(from).includes('mtu-probe');
    };
    expect(round()).toBe(false);
    s.wait(9 * MINUTE);
    expect(round()).toBe(false);
    s.wait(MINUTE);
    expect([round(), round()]).toEqual([false, true]); // the range is reset, and then used
  });
});

describe('a black hole', () => {
  /** No answer arrives; returns the size of the segment sent at each timeout. */
  const timeouts = (mtuProbing: 0 | 1 | 2, total: number): [number, number][] => {
    const s = open({ config: { mtuProbing, tlp: false } });
    s.write(1460);
    return s.wait(total).map((x) => [Math.round((x.at - SECOND) / MILLISECOND), x.len]);
  };

  it('is suspected after tcp_retries1 timeouts, each of which then halves the segments (tcp_mtu_probing=1)', () => {
    const seen = timeouts(1, 2 * MINUTE);
    // 3 s after the first retransmission: tcp_base_mss, then half of it, and so on.
    expect(seen.map(([at, length]) => `${at} ${length}`)).toEqual([
      '400 1460',
      '1000 1460',
      '2200 1460',
      '4600 1024',
      '9400 512',
      '19000 256',
      '38200 128',
      '76600 64',
    ]);
  });

  it('is not suspected without probing (tcp_mtu_probing=0, the default)', () => {
    expect(new Set(timeouts(0, 2 * MINUTE).map(([, length]) => length))).toEqual(new Set([1460]));
  });

  it('with probing from the start: below tcp_base_mss at once, down to tcp_mtu_probe_floor', () => {
    const s = open({ config: { mtuProbing: 2, tlp: false } });
    s.write(1024);
    s.wait(20 * MINUTE);
    expect(s.conn.snd.mss).toBe(48);
  });
});
