/** Fast Open (RFC 7413) of one connection: the data in the SYN, and its outcome. */
import { describe, expect, it } from 'vitest';
import { MILLISECOND, SECOND } from '../../src/base/time.js';
import {
  FastOpen,
  FastOpenFailure,
  type FastOpenMemory,
  type FastOpenOutcome,
} from '../../src/tcp/fast-open.js';
import { CaState } from '../../src/tcp/congestion/ack-sample.js';
import { pattern, Peer, type PeerOptions, type Wire } from './peer.js';

const COOKIE = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
const NO_COOKIE = new Uint8Array(0);

/** The values that the stack would cache. */
class Notes implements FastOpenMemory {
  readonly outcomes: FastOpenOutcome[] = [];
  blackholes = 0;
  successes = 0;
  learn(o: FastOpenOutcome): void {
    this.outcomes.push(o);
  }
  blackhole(): void {
    this.blackholes++;
  }
  worked(): void {
    this.successes++;
  }
}

interface ClientOptions extends PeerOptions {
  cookie?: Uint8Array | null;
  mostSynData?: number;
  write?: number;
  afterPause?: boolean;
}

function client(o: ClientOptions = {}): { s: Peer; notes: Notes } {
  const notes = new Notes();
  const { cookie = COOKIE, mostSynData = 1420, write = 1000, afterPause = false, ...rest } = o;
  const fastOpen = new FastOpen({
    cookie,
    experimental: false,
    mostSynData,
    memory: notes,
    afterPause,
  });
  return { s: Peer.connect({ fastOpen, early: pattern(write), ...rest }), notes };
}

describe('the client', () => {
  it('sends cookie and data with its SYN; acknowledged data is not sent again', () => {
    const { s, notes } = client();
    expect(s.got).toMatchObject([{ flags: 'S', seq: 0, len: 1000, cookie: [...COOKIE] }]);
    expect(s.got[0]!.data).toEqual(pattern(1000));
    expect(s.send({ flags: 'S.', ack: 1001, mss: 1200 })).toMatchObject([
      { flags: '.', seq: 1001, len: 0 },
    ]);
    expect(s.state).toBe('ESTABLISHED');
    expect(s.takeEvents()).toContain('acked');
    expect(s.env.counters).toMatchObject({
      TcpExtTCPFastOpenActive: 1,
      TcpExtTCPFastOpenActiveFail: 0,
    });
    expect(notes.outcomes).toMatchObject([{ mss: 1200, cookie: null, synLost: false }]);
    expect(s.conn.stats).toMatchObject({ bytesSent: 1000, bytesAcked: 1001, retransmissions: 0 });
  });

  it('sends no more with the SYN than a segment; the rest follows the SYN,ACK', () => {
    const { s } = client({ mostSynData: 500, write: 1200 });
    expect(s.last).toMatchObject({ flags: 'S', len: 500 });
    const out = s.send({ flags: 'S.', ack: 501, mss: 1460 });
    expect(out).toMatchObject([{ flags: 'P.', seq: 501, len: 700 }]);
  });

  it('retransmits data that the SYN,ACK does not acknowledge at once, without reducing cwnd', () => {
    const { s, notes } = client({ write: 1400 });
    const out = s.send({ flags: 'S.', ack: 1, mss: 1000, cookie: [9, 9, 9, 9] });
    expect(out.filter((x) => x.len > 0)).toMatchObject([
      { seq: 1, len: 1000 },
      { seq: 1001, len: 400 },
    ]);
    expect(s.conn.snd.congestion.cwnd).toBe(10);
    expect(s.env.counters).toMatchObject({
      TcpExtTCPFastOpenActive: 0,
      TcpExtTCPFastOpenActiveFail: 1,
    });
    expect(s.notes).toContain('fast-open-refused');
    expect(notes.outcomes).toMatchObject([{ mss: 1000, cookie: Uint8Array.of(9, 9, 9, 9) }]);
    s.send({ flags: '.', seq: 1, ack: 1401 });
    expect(s.conn.snd.allAcked).toBe(true);
    expect(s.conn.snd.congestion.cwnd).toBeGreaterThanOrEqual(10);
  });

  it('retransmits the part that is not acknowledged', () => {
    const { s } = client();
    const out = s.send({ flags: 'S.', ack: 401, mss: 1460 });
    expect(out.filter((x) => x.len > 0)).toMatchObject([{ seq: 401, len: 600 }]);
    expect(s.env.counters.TcpExtTCPFastOpenActiveFail).toBe(1);
  });

  it('retransmits its SYN without option and data; the outcome is reported', () => {
    const { s, notes } = client();
    const [again] = s.wait(SECOND);
    expect(again).toMatchObject({ flags: 'S', seq: 0, len: 0 });
    expect(again!.cookie).toBeUndefined();
    const out = s.send({ flags: 'S.', ack: 1, mss: 1460 });
    // As in Linux, with PSH: it was a separate write.
    expect(out.filter((x) => x.len > 0)).toMatchObject([{ seq: 1, len: 1000, flags: 'P.' }]);
    expect(s.conn.fastOpen).toMatchObject({
      failure: FastOpenFailure.synAgain,
      synDataAcked: false,
    });
    expect(notes.outcomes).toMatchObject([{ synLost: true }]);
  });

  it('requests a cookie if it has none, and its data waits', () => {
    const { s, notes } = client({ cookie: new Uint8Array(0), mostSynData: 0 });
    expect(s.last).toMatchObject({ flags: 'S', len: 0, cookie: [] });
    const out = s.send({ flags: 'S.', ack: 1, mss: 1460, cookie: [...COOKIE] });
    expect(out).toMatchObject([{ flags: 'P.', seq: 1, len: 1000 }]);
    expect(notes.outcomes).toMatchObject([{ cookie: COOKIE, notGranted: false }]);
    expect(s.env.counters).toMatchObject({
      TcpExtTCPFastOpenActive: 0,
      TcpExtTCPFastOpenActiveFail: 0,
    });
  });

  it('records that it got no cookie, and ignores a cookie that it did not request', () => {
    const { s, notes } = client({ cookie: new Uint8Array(0), mostSynData: 0 });
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect(notes.outcomes).toMatchObject([{ cookie: null, notGranted: true }]);
    const t = client({ cookie: null, mostSynData: 0 });
    t.s.send({ flags: 'S.', ack: 1, mss: 1460, cookie: [...COOKIE] });
    expect(t.notes.outcomes).toMatchObject([{ cookie: null, notGranted: false }]);
  });

  it('suspects a black hole at the third timeout in a row, in the handshake or after it', () => {
    const { s, notes } = client();
    s.wait(2 * SECOND);
    expect(notes.blackholes).toBe(0);
    s.wait(SECOND);
    expect(notes.blackholes).toBe(1);
    const later = client();
    later.s.send({ flags: 'S.', ack: 1001, mss: 1460 });
    later.s.write(100);
    later.s.wait(60 * SECOND);
    expect(later.notes.blackholes).toBe(1);
    const plain = client({ cookie: null, mostSynData: 0 });
    plain.s.wait(60 * SECOND);
    expect(plain.notes.blackholes).toBe(0);
  });

  it.each<
    [string, ClientOptions, number, Partial<Wire>, { synLost: boolean; notGranted: boolean }]
  >([
    ['at once, acknowledging only the SYN', {}, 0, {}, { synLost: false, notGranted: false }],
    ['to the second SYN', {}, SECOND, {}, { synLost: true, notGranted: false }],
    [
      'to the second SYN, with a cookie',
      {},
      SECOND,
      { cookie: [1, 2, 3, 4] },
      { synLost: false, notGranted: false },
    ],
    ['of data, late', {}, SECOND, { ack: 1001 }, { synLost: false, notGranted: false }],
    [
      'to the second SYN, without option',
      { cookie: null },
      SECOND,
      {},
      { synLost: false, notGranted: false },
    ],
    [
      'without cookie',
      { cookie: NO_COOKIE, mostSynData: 0 },
      0,
      {},
      { synLost: false, notGranted: true },
    ],
    [
      'without, late',
      { cookie: NO_COOKIE, mostSynData: 0 },
      SECOND,
      {},
      { synLost: false, notGranted: false },
    ],
    ['not asked', { cookie: null, mostSynData: 0 }, 0, {}, { synLost: false, notGranted: false }],
  ])('what a SYN,ACK tells about path and server: %s', (_, o, late, synAck, expected) => {
    const { s, notes } = client(o);
    s.wait(late);
    s.send({ flags: 'S.', ack: 1, mss: 1460, ...synAck });
    expect(notes.outcomes).toMatchObject([expected]);
  });

  it('suspects a black hole once, however long the silence; also for data without a cookie', () => {
    for (const cookie of [COOKIE, null]) {
      const { s, notes } = client({ cookie });
      s.wait(300 * SECOND);
      expect([s.state, notes.blackholes]).toEqual(['CLOSED', 1]);
    }
  });

  it('acknowledges a FIN on the SYN,ACK at once, unless the SYN,ACK acknowledges the data of the SYN', () => {
    const plain = client({ mostSynData: 0, write: 0 });
    expect(plain.s.send({ flags: 'SF.', ack: 1, mss: 1460 })).toMatchObject([
      { flags: '.', ack: 2 },
    ]);
    const answered = client();
    expect(answered.s.send({ flags: 'SF.', ack: 1001, mss: 1460 })).toEqual([]);
    expect(answered.s.wait(200 * MILLISECOND)).toMatchObject([{ flags: '.', ack: 2 }]);
  });

  it('a RST refuses the connection as without Fast Open', () => {
    const { s } = client();
    s.send({ flags: 'R.', ack: 1001 });
    expect([s.state, s.conn.error]).toEqual(['CLOSED', 'ECONNREFUSED']);
  });

  it('loses no data in a simultaneous open', () => {
    const { s } = client();
    expect(s.send({ flags: 'S', mss: 1460 })).toMatchObject([{ flags: 'S.', seq: 0, len: 0 }]);
    s.send({ flags: 'S.', ack: 1, mss: 1460 });
    expect(s.state).toBe('ESTABLISHED');
    const again = s.wait(5 * SECOND).filter((x) => x.len > 0);
    expect(again[0]).toMatchObject({ seq: 1, len: 1000 });
  });
});

describe('the server', () => {
  const accepting = (o: PeerOptions = {}): Peer =>
    Peer.listen({
      fastOpen: new FastOpen({ cookie: null, experimental: false, accepted: true }),
      ...o,
    });

  it('delivers the data of an accepted SYN, and acknowledges it with the SYN,ACK', () => {
    const s = accepting();
    expect(s.send({ flags: 'S', mss: 1460, len: 500 })).toMatchObject([
      { flags: 'S.', seq: 0, ack: 501, len: 0 },
    ]);
    expect(s.state).toBe('SYN-RECEIVED');
    expect(s.takeEvents()).toEqual(['readable']);
    expect(s.read()).toBe(500);
    s.send({ flags: '.', seq: 501, ack: 1 });
    expect(s.state).toBe('ESTABLISHED');
    expect(s.got).toHaveLength(1);
    expect(s.conn.stats).toMatchObject({ bytesIn: 500 });
  });

  it('TCP_INFO has FIN-WAIT-1 after close() before the end of the handshake, but not after shutdown(), as in Linux', () => {
    const s = accepting();
    const state = (): number => s.conn.tcpInfo(s.now).tcpi_state;
    s.send({ flags: 'S', mss: 1000 });
    s.close();
    expect(state()).toBe(3);
    expect(s.release()).toMatchObject([{ flags: 'F.', seq: 1 }]);
    expect(state()).toBe(4);
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect([s.state, state()]).toEqual(['FIN-WAIT-1', 4]);
  });

  it('may send data before the handshake ends, and continues after it', () => {
    const s = accepting();
    s.send({ flags: 'S', mss: 1000, len: 100, win: 4500 });
    const out = s.write(6000);
    expect(out.map((x) => [x.seq, x.len])).toEqual([
      [1, 1000],
      [1001, 1000],
      [2001, 1000],
      [3001, 1000],
    ]);
    expect(s.state).toBe('SYN-RECEIVED');
    const more = s.send({ flags: '.', seq: 101, ack: 2001, win: 4500 });
    expect(s.state).toBe('ESTABLISHED');
    expect(more).toMatchObject([
      { seq: 4001, len: 1000 },
      { seq: 5001, len: 1000 },
    ]);
    s.send({ flags: '.', seq: 101, ack: 6001 });
    expect(s.conn.snd.allAcked).toBe(true);
    expect(s.conn.stats.retransmissions).toBe(0);
  });

  it('retransmits SYN,ACK during the handshake, and data after it', () => {
    const s = accepting();
    s.send({ flags: 'S', mss: 1460, len: 100 });
    s.write(100);
    const again = s.wait(SECOND);
    expect(again).toMatchObject([{ flags: 'S.', seq: 0, ack: 101 }]);
    s.send({ flags: '.', seq: 101, ack: 1 });
    expect(s.state).toBe('ESTABLISHED');
    expect(s.wait(3 * SECOND).find((x) => x.len === 100)).toMatchObject({ seq: 1 });
  });

  it('a plain SYN after a lost SYN,ACK is answered by a SYN,ACK that acknowledges the data as well', () => {
    const s = accepting();
    s.send({ flags: 'S', mss: 1460, len: 100 });
    expect(s.send({ flags: 'S', mss: 1460 })).toMatchObject([{ flags: 'S.', ack: 101 }]);
    s.wait(500 * MILLISECOND);
    expect(s.send({ flags: 'S', mss: 1460, len: 100 })).toMatchObject([{ flags: 'S.', ack: 101 }]);
    expect(s.read()).toBe(100);
  });

  it('grants a cookie on the first SYN,ACK only, and does not acknowledge data that it does not accept', () => {
    const s = Peer.listen({ fastOpen: new FastOpen({ cookie: COOKIE, experimental: true }) });
    expect(s.send({ flags: 'S', mss: 1460, len: 100, cookie: [] })).toMatchObject([
      { flags: 'S.', ack: 1, cookie: [...COOKIE], exp: true },
    ]);
    const [again] = s.wait(SECOND);
    expect(again!.cookie).toBeUndefined();
    s.send({ flags: '.', seq: 1, ack: 1, len: 100 });
    expect(s.read()).toBe(100);
  });

  it('CLOSE before the handshake ends sends FIN after it', () => {
    const s = accepting();
    s.send({ flags: 'S', mss: 1460, len: 100 });
    s.write(10);
    expect(s.close()).toEqual([]);
    expect(s.send({ flags: '.', seq: 101, ack: 11 })).toMatchObject([{ flags: 'F.', seq: 11 }]);
    s.wait(40 * MILLISECOND);
    expect(s.state).toBe('FIN-WAIT-1');
  });
});

describe("the server's data before the handshake ends, and the SYN,ACK's timer", () => {
  const early = (o: PeerOptions = {}, syn: Partial<Wire> = {}): Peer => {
    const s = Peer.listen({
      fastOpen: new FastOpen({ cookie: null, experimental: false, accepted: true }),
      ...o,
    });
    s.send({ flags: 'S', mss: 1000, len: 100, sackOk: true, ...syn });
    return s;
  };
  const recovery = (s: Peer): number => s.conn.snd.recovery.state;
  const ts = (val: number, ecr: number): Pick<Wire, 'ts'> => ({ ts: [val, ecr] });

  it('accepts as much data from the SYN as the window has room for', () => {
    const s = early({ config: { receiveBufferBytes: 600 } }, { len: 1400 });
    expect([s.read(), s.last.ack, s.conn.fastOpen!.takenSynData]).toEqual([600, 601, 600]);
  });

  it('sends SYN,ACK once more often than for a handshake without data', () => {
    const count = (s: Peer): number => (s.wait(600 * SECOND), s.got.length);
    const plain = Peer.listen({ config: { synAckRetries: 2 } });
    plain.send({ flags: 'S', mss: 1000 });
    expect([count(plain), count(early({ config: { synAckRetries: 2 } }))]).toEqual([3, 4]);
  });

  it('data does not postpone the timer', () => {
    const s = early();
    s.wait(500 * MILLISECOND);
    s.write(2000);
    expect(s.wait(500 * MILLISECOND)).toMatchObject([{ flags: 'S.' }]);
  });

  it('after one timeout the data is still in flight, after two it counts as lost and is retransmitted on the ACK', () => {
    const one = early();
    one.write(2000);
    one.wait(SECOND);
    expect(one.send({ flags: '.', seq: 101, ack: 1 })).toEqual([]);
    expect(recovery(one)).toBe(CaState.open);
    const two = early();
    two.write(2000);
    expect(two.wait(3 * SECOND).filter((x) => x.len > 0)).toEqual([]);
    expect(two.send({ flags: '.', seq: 101, ack: 1 })).toMatchObject([{ seq: 1, len: 1000 }]);
    expect(recovery(two)).toBe(CaState.loss);
  });

  it('the third timeout does not reduce the window again', () => {
    const s = early();
    const ssthresh = [1, 2, 4, 8].map(
      (wait) => (s.wait(wait * SECOND), s.conn.snd.congestion.ssthresh),
    );
    expect(ssthresh).toEqual([Infinity, 7, 7, 7]);
  });

  it('an echo of a timestamp before the first timeout undoes the reduction; a later one does not', () => {
    for (const [n, cwnd] of [
      [0, 10],
      [1, 1],
      [2, 1],
    ] as const) {
      const s = early({}, ts(1000, 0));
      s.wait(3 * SECOND);
      expect([s.got.length, s.conn.snd.congestion.cwnd]).toEqual([3, 1]);
      s.send({ flags: '.', seq: 101, ack: 1, ...ts(1001, s.got[n]!.ts![0]) });
      expect([s.conn.snd.congestion.cwnd, recovery(s)]).toEqual([cwnd, CaState.open]);
    }
  });

  it('without SACK the Loss state lasts until later data is acknowledged (RFC 6582 section 6)', () => {
    const s = early({}, { sackOk: false });
    s.wait(3 * SECOND);
    s.send({ flags: '.', seq: 101, ack: 1 });
    expect(recovery(s)).toBe(CaState.loss);
  });

  it('a timeout of the SYN,ACK does not count among the timeouts of later data', () => {
    const s = early({ config: { frto: false, tlp: false } }, ts(1000, 0));
    s.wait(SECOND);
    s.send({ flags: '.', seq: 101, ack: 1, ...ts(1001, s.last.ts![0]) });
    const [data] = s.write(500);
    s.wait(2 * SECOND);
    expect(s.notes).toContain('rto-retransmit');
    s.send({ flags: '.', seq: 101, ack: 501, ...ts(1002, data!.ts![0]) });
    expect(s.env.counters.TcpExtTCPLossUndo).toBe(1);
  });

  it('the timeouts of a handshake without Fast Open do not affect data', () => {
    const s = Peer.listen();
    s.send({ flags: 'S', mss: 1000 });
    s.wait(3 * SECOND);
    s.send({ flags: '.', seq: 1, ack: 1 });
    expect([recovery(s), s.conn.snd.congestion.ssthresh]).toEqual([CaState.open, Infinity]);
  });

  it('one ACK of SYN,ACK and FIN leads to FIN-WAIT-2', () => {
    const s = early();
    s.read();
    expect(s.release()).toMatchObject([{ flags: 'F.', seq: 1 }]);
    s.send({ flags: '.', seq: 101, ack: 2 });
    expect(s.state).toBe('FIN-WAIT-2');
    expect(s.timer('fin-wait-2')).toBeLessThan(Infinity);
  });

  it('tcpi_last_data_sent counts from the arrival of the SYN', () => {
    const s = early();
    s.wait(20 * MILLISECOND);
    expect(s.conn.tcpInfo(s.now).tcpi_last_data_sent).toBe(20);
  });

  it('counts the segments of the handshake and the time of its timeouts; an active open counts each SYN', () => {
    const s = early();
    s.wait(1500 * MILLISECOND);
    s.send({ flags: '.', seq: 101, ack: 1 });
    expect(s.conn.tcpInfo(s.now)).toMatchObject({
      tcpi_segs_in: 2,
      tcpi_data_segs_in: 1,
      tcpi_total_rto_time: 500,
      tcpi_last_data_sent: 0,
    });
    const both = Peer.connect();
    both.send({ flags: 'S', mss: 1000 });
    both.send({ flags: 'S', mss: 1000 });
    both.send({ flags: '.', seq: 1, ack: 1 });
    expect([both.state, both.conn.stats.segsIn]).toEqual(['ESTABLISHED', 3]);
  });
});

describe('a black hole for Fast Open (tcp_fastopen_blackhole_timeout_sec)', () => {
  function connected(): { s: Peer; notes: Notes } {
    const opening = client();
    opening.s.send({ flags: 'S.', ack: 1001, mss: 1460 });
    return opening;
  }

  it('is suspected after an out-of-order RST, if no data arrived before', () => {
    const { s, notes } = connected();
    s.send({ flags: 'R', seq: 301 });
    expect(notes.blackholes).toBe(1);
  });

  it('is not suspected if data arrived before, or if the connection did not request Fast Open', () => {
    const { s, notes } = connected();
    s.send({ flags: '.', seq: 1, len: 100, ack: 1001 });
    s.send({ flags: 'R', seq: 301 });
    expect(notes.blackholes).toBe(0);
    const plain = client({ cookie: null });
    plain.s.send({ flags: 'S.', ack: 1001, mss: 1460 });
    plain.s.send({ flags: 'R', seq: 301 });
    expect(plain.notes.blackholes).toBe(0);
  });

  it('is suspected if only an out-of-order FIN ever arrived', () => {
    const { s, notes } = connected();
    s.send({ flags: 'F.', seq: 301, ack: 1001 });
    expect(notes.blackholes).toBe(0);
    s.send({ flags: 'R', seq: 1 });
    expect(s.state).toBe('CLOSED');
    expect(notes.blackholes).toBe(1);
  });

  it('is not suspected after a FIN in order, or one with data', () => {
    const first = connected();
    first.s.send({ flags: 'F.', seq: 1, ack: 1001 });
    first.s.send({ flags: 'R', seq: 2 });
    expect(first.notes.blackholes).toBe(0);
    const second = connected();
    second.s.send({ flags: 'F.', seq: 301, ack: 1001, len: 10 });
    second.s.send({ flags: 'R', seq: 1 });
    expect(second.notes.blackholes).toBe(0);
  });

  it('is not suspected after an out-of-order RST once we have closed', () => {
    const { s, notes } = connected();
    s.close();
    s.send({ flags: 'R', seq: 301 });
    expect([s.state, notes.blackholes]).toEqual(['FIN-WAIT-1', 0]);
  });

  it.each([
    ['in TIME-WAIT', true, true, 1],
    ['with a RST', true, true, 1],
    ['in TIME-WAIT', false, true, 0],
    ['with a RST', true, false, 0],
  ] as const)(
    'is no longer suspected after a success: ends %s, after a pause: %s, received data: %s',
    (end, pause, data, n) => {
      const { s, notes } = client({ afterPause: pause });
      s.send({ flags: 'S.', ack: 1001, mss: 1460 });
      if (data) s.send({ flags: '.', seq: 1, len: 100, ack: 1001 });
      s.close();
      if (end === 'with a RST') s.send({ flags: 'R.', seq: data ? 101 : 1, ack: 1002 });
      else s.send({ flags: 'F.', seq: data ? 101 : 1, ack: 1002 });
      expect([s.state, notes.successes]).toEqual([
        end === 'with a RST' ? 'CLOSED' : 'TIME-WAIT',
        n,
      ]);
    },
  );
});
