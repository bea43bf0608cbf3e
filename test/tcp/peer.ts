/**
 * One connection of ours against a peer that the test plays by hand, in virtual time. Sequence
 * numbers are relative, as tcpdump shows them: ours to our ISS, the peer's to its ISS (a SYN is 0,
 * the first byte 1). Segments that the peer receives are returned as plain data.
 *
 *     const s = Peer.listen();
 *     s.send({ flags: 'S', mss: 1460 });         // -> [{ flags: 'S.', seq: 0, ack: 1, ... }]
 *     s.send({ flags: '.', ack: 1 });
 *     s.wait(SECOND);                            // fires every timer on the way
 *
 * A peer keeps the steps that were played. When a test fails, the message ends with them
 * (steps.ts).
 */
import { expect } from 'vitest';
import { SeededRandom } from '../../src/base/random.js';
import { seqAdd, seqDiff } from '../../src/base/seq.js';
import { SlabPool } from '../../src/base/slab-pool.js';
import { Slab } from '../../src/base/slab.js';
import { SECOND, type Micros } from '../../src/base/time.js';
import { DROP_NAMES, type DropReason } from '../../src/wire/drop.js';
import { ABSENT, Segment, TcpFlag, tcpOptionBytes } from '../../src/wire/tcp.js';
import { ChallengeLimiter } from '../../src/tcp/challenge.js';
import { PROFILES, type ProfileName, type TcpConfig } from '../../src/tcp/config.js';
import { Connection } from '../../src/tcp/connection.js';
import { TcpMemory } from '../../src/tcp/memory.js';
import { AckNews } from '../../src/tcp/recovery/ack-news.js';
import { AckSample } from '../../src/tcp/congestion/ack-sample.js';
import { TcpCounters } from '../../src/tcp/counters.js';
import { SentSegmentPool } from '../../src/tcp/send/sent-queue.js';
import type { TcpEnv } from '../../src/tcp/env.js';
import type { FastOpen } from '../../src/tcp/fast-open.js';
import type { TcpObserver } from '../../src/tcp/observer.js';
import type { SegmentSink } from '../../src/tcp/output.js';
import { State, STATE_NAMES } from '../../src/tcp/state.js';
import { TIMER_NAMES, type Timer } from '../../src/tcp/timers.js';
import { TcpEvent } from '../../src/tcp/events.js';
import { Steps } from './steps.js';

/** A segment in packet scripts' terms. `flags`: letters S F R P U E W A and `.` for ACK. */
export interface Wire {
  flags: string;
  seq?: number;
  ack?: number;
  win?: number;
  len?: number;
  data?: Uint8Array;
  urg?: number;
  mss?: number;
  wscale?: number;
  sackOk?: boolean;
  ts?: [val: number, ecr: number];
  sack?: [left: number, right: number][];
  gsoSize?: number;
  /** The ECN field of IP: a value of `Ecn`. */
  ecn?: number;
  /** Fast Open: the cookie's bytes, none for a request; `exp` for the experimental option. */
  cookie?: number[];
  exp?: boolean;
}

export interface Sent extends Wire {
  seq: number;
  win: number;
  len: number;
  data: Uint8Array;
  at: Micros;
}

export interface PeerOptions {
  config?: Partial<TcpConfig>;
  profile?: ProfileName;
  /** Absolute ISSs of both sides. Near a wrap by default, so that every test crosses it. */
  iss?: number;
  peerIss?: number;
  mss?: number;
  defaultMss?: number;
  gsoBytes?: number;
  now?: Micros;
  seed?: number;
  /**
   * The connection's Fast Open settings, and the data that its user writes before the SYN is sent.
   */
  fastOpen?: FastOpen;
  early?: Uint8Array;
}

const FLAG_LETTERS: [string, number][] = [
  ['F', TcpFlag.FIN],
  ['S', TcpFlag.SYN],
  ['R', TcpFlag.RST],
  ['P', TcpFlag.PSH],
  ['U', TcpFlag.URG],
  ['E', TcpFlag.ECE],
  ['W', TcpFlag.CWR],
  ['A', TcpFlag.AE],
  ['.', TcpFlag.ACK],
];

export const flagBits = (text: string): number =>
  FLAG_LETTERS.reduce((bits, [letter, bit]) => (text.includes(letter) ? bits | bit : bits), 0);
export const flagText = (bits: number): string =>
  FLAG_LETTERS.reduce((text, [letter, bit]) => (bits & bit ? text + letter : text), '');

/** Bytes that depend on their place in the stream. */
export function pattern(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (from + i) * 31 + ((from + i) >> 8));
}

export class Peer {
  readonly conn: Connection;
  readonly env: TcpEnv;
  readonly peerIss: number;
  now: Micros;
  private readonly startedAt: Micros;
  /** Everything that the peer got from us, in order. */
  readonly got: Sent[] = [];
  /** The played steps, for the message of a failing test. */
  readonly steps = new Steps();
  readonly drops: string[] = [];
  readonly notes: string[] = [];
  readonly states: string[] = [];
  /** Each transition with its time and its cause. */
  readonly transitions: string[] = [];
  events = 0;
  /** The data that our user read. */
  readBytes = new Uint8Array(0);
  /** Whether a local queue drops our packets. */
  dropsAll = false;
  private readonly sink: SegmentSink & { dropsAll?: boolean };
  private readonly seg = new Segment();

  private constructor(o: PeerOptions) {
    const config: TcpConfig = { ...PROFILES[o.profile ?? 'linux'], ...o.config };
    const counters = new TcpCounters();
    this.now = this.startedAt = o.now ?? SECOND;
    this.peerIss = o.peerIss ?? 0x7fffff00;
    this.env = {
      config,
      counters,
      memory: new TcpMemory(config.memory, counters, config.maxOrphans),
      challenges: new ChallengeLimiter(new SeededRandom(o.seed ?? 1), config.challengeAckLimit),
      pool: new SlabPool(),
      records: new SentSegmentPool(),
      news: new AckNews(),
      sample: new AckSample(),
      allocate: (n) => new Uint8Array(n),
      countDrop: () => {},
      observer: this.observer(),
    };
    this.conn = new Connection({
      flow: { localPort: 80, remotePort: 50_000 },
      env: this.env,
      config,
      iss: (o.iss ?? 0xffffff00) | 0,
      tsOffset: 0,
      mss: o.mss ?? 1460,
      defaultMss: o.defaultMss ?? 536,
      gsoBytes: o.gsoBytes ?? 0,
    });
    this.conn.fastOpen = o.fastOpen ?? null;
    this.sink = { segment: new Segment(), send: (_c, seg) => this.record(seg) };
  }

  /** To a listener; the first `send` must be a SYN. */
  static listen(o: PeerOptions = {}): Peer {
    return new Peer(o);
  }

  /** Our active open: its SYN is in `got[0]`. */
  static connect(o: PeerOptions = {}): Peer {
    const s = new Peer(o);
    s.conn.openActive(s.now);
    if (o.early !== undefined) s.conn.send(o.early);
    s.poll();
    return s;
  }

  /** A connection in ESTABLISHED: passive, with the options given on the peer's SYN. */
  static established(o: PeerOptions = {}, syn: Partial<Wire> = {}, win = 65_535): Peer {
    const s = Peer.listen(o);
    s.send({ flags: 'S', mss: 1460, ...syn });
    s.send({
      flags: '.',
      seq: 1,
      ack: 1,
      win,
      ...(syn.ts ? { ts: [syn.ts[0] + 1, s.last.ts![0]] } : {}),
    });
    expect(s.state).toBe('ESTABLISHED');
    s.takeEvents();
    return s;
  }

  get state(): string {
    return this.conn.stateName;
  }

  get last(): Sent {
    return this.got[this.got.length - 1]!;
  }

  /** The peer sends a segment. Returns the segments that it receives in reply. */
  send(w: Wire): Sent[] {
    this.arrive(w);
    return this.poll();
  }

  /** The peer's segments arrive in one batch: we answer after the last. */
  sendBatch(...ws: Wire[]): Sent[] {
    for (const w of ws) this.arrive(w);
    return this.poll();
  }

  private arrive(w: Wire): void {
    this.step(`< ${describe(w)}`);
    const seg = this.seg;
    fill(seg, w, this.peerIss, this.conn.iss);
    if (this.conn.state === State.closed && /^S[EWA]*$/.test(w.flags))
      this.conn.openPassive(seg, this.now);
    else this.conn.onSegment(seg, this.now);
    this.check();
  }

  /** Sends pending output. Returns the segments that the peer receives. */
  poll(): Sent[] {
    const from = this.got.length;
    this.sink.dropsAll = this.dropsAll;
    this.conn.pollTransmit(this.now, this.sink);
    this.events |= this.conn.takeEvents();
    this.check();
    return this.got.slice(from);
  }

  /**
   * Time passes, and every timer expires at its deadline. Returns the segments that the peer
   * receives.
   */
  wait(duration: Micros): Sent[] {
    this.step(`wait ${(duration / SECOND).toFixed(6)}`);
    const from = this.got.length;
    const end = this.now + duration;
    for (let guard = 0; ; guard++) {
      if (guard > 100_000) throw new Error('the timers never stop');
      const next = this.conn.nextTimeout();
      if (next > end) break;
      this.now = Math.max(this.now, next);
      this.conn.onTimeout(this.now);
      this.poll();
    }
    this.now = end;
    return this.got.slice(from);
  }

  /** Our user writes. */
  write(data: Uint8Array | number): Sent[] {
    const bytes = typeof data === 'number' ? pattern(data) : data;
    const taken = this.conn.send(bytes);
    this.step(`write(${bytes.length}) = ${taken}`);
    return this.poll();
  }

  /** Our user reads all queued data; returns how many bytes. */
  read(): number {
    let n = 0;
    for (let piece = this.conn.receive(); piece !== null; piece = this.conn.receive()) {
      n += piece.length;
      const joined = new Uint8Array(this.readBytes.length + piece.length);
      joined.set(this.readBytes);
      joined.set(piece, this.readBytes.length);
      this.readBytes = joined;
    }
    this.step(`read() = ${n}`);
    this.poll();
    return n;
  }

  close(): Sent[] {
    this.step('close()');
    this.conn.shutdown(this.now);
    return this.poll();
  }

  release(): Sent[] {
    this.step('release()');
    this.conn.release(this.now);
    return this.poll();
  }

  abort(): Sent[] {
    this.step('abort()');
    this.conn.abort(this.now);
    return this.poll();
  }

  /** Names of the events since the last call. */
  takeEvents(): string[] {
    const names = Object.entries(TcpEvent).flatMap(([name, bit]) =>
      this.events & bit ? [name] : [],
    );
    this.events = 0;
    return names;
  }

  /** Microseconds until a timer fires, or Infinity. */
  timer(name: (typeof TIMER_NAMES)[number]): number {
    return this.conn.timers.deadline(TIMER_NAMES.indexOf(name) as Timer) - this.now;
  }

  private check(): void {
    const broken = this.conn.checkInvariants();
    if (broken !== null) throw new Error(broken);
  }

  private step(text: string): void {
    this.steps.add(this.now - this.startedAt, text);
  }

  private record(seg: Segment): void {
    const data = new Uint8Array(seg.payloadBytes);
    if (seg.payloadBytes > 0) seg.source!.copyTo(data, 0, seg.payloadOffset, data.length);
    const sent: Sent = {
      flags: flagText(seg.flags),
      seq: seqDiff(seg.seq, this.conn.iss),
      win: seg.wnd,
      len: seg.payloadBytes,
      data,
      at: this.now,
    };
    if (seg.has(TcpFlag.ACK)) sent.ack = seqDiff(seg.ack, this.peerIss | 0);
    if (seg.mss !== ABSENT) sent.mss = seg.mss;
    if (seg.wscale !== ABSENT) sent.wscale = seg.wscale;
    if (seg.sackPermitted) sent.sackOk = true;
    if (seg.hasTimestamps) sent.ts = [seg.tsVal, seg.tsEcr];
    if (seg.gsoSize > 0) sent.gsoSize = seg.gsoSize;
    if (seg.ecn > 0) sent.ecn = seg.ecn;
    if (seg.cookieBytes !== ABSENT) {
      sent.cookie = [...seg.cookie.subarray(0, seg.cookieBytes)];
      if (seg.cookieExperimental) sent.exp = true;
    }
    if (seg.has(TcpFlag.URG)) sent.urg = seg.urgentPointer;
    if (seg.sackCount > 0) {
      sent.sack = Array.from({ length: seg.sackCount }, (_, i) => [
        seqDiff(seg.sackEdges[2 * i]!, this.peerIss | 0),
        seqDiff(seg.sackEdges[2 * i + 1]!, this.peerIss | 0),
      ]);
    }
    expect(tcpOptionBytes(seg), 'options fit into the header').toBeLessThanOrEqual(40);
    this.step(`> ${describe(sent)}`);
    this.got.push(sent);
  }

  private observer(): TcpObserver {
    return {
      segmentArrived: () => {},
      segmentSent: () => {},
      segmentDropped: (_c, _s, reason: DropReason) => {
        this.drops.push(DROP_NAMES[reason]!);
        this.step(`  dropped: ${DROP_NAMES[reason]!}`);
      },
      stateChanged: (_c, from, to, cause) => {
        this.states.push(STATE_NAMES[to]);
        const transition = `${STATE_NAMES[from]} -> ${STATE_NAMES[to]}: ${cause}`;
        this.transitions.push(`${this.now} ${transition}`);
        this.step(`  ${transition}`);
      },
      timerSet: () => {},
      timerStopped: () => {},
      timerExpired: (_c, timer) => this.step(`  timer ${TIMER_NAMES[timer]} expires`),
      noted: (_c, { note }) => this.notes.push(note),
      called: () => {},
    };
  }
}

/** Fills `seg` from a wire description; numbers relative to both ISSs. */
export function fill(seg: Segment, w: Wire, peerIss: number, iss: number): void {
  seg.clear();
  seg.sourcePort = 50_000;
  seg.destinationPort = 80;
  seg.flags = flagBits(w.flags);
  seg.seq = seqAdd(peerIss | 0, w.seq ?? 0);
  seg.ack = w.ack === undefined ? 0 : seqAdd(iss, w.ack);
  seg.wnd = w.win ?? 65_535;
  seg.urgentPointer = w.urg ?? 0;
  const data = w.data ?? (w.len ? pattern(w.len, (w.seq ?? 1) - 1) : undefined);
  if (data !== undefined) {
    seg.payload = new Slab(data);
    seg.payloadOffset = 0;
    seg.payloadBytes = data.length;
  }
  seg.gsoSize = w.gsoSize ?? 0;
  seg.ecn = w.ecn ?? 0;
  if (w.cookie !== undefined) {
    seg.cookieBytes = w.cookie.length;
    seg.cookieExperimental = w.exp ?? false;
    seg.cookie.set(w.cookie);
  }
  if (w.mss !== undefined) seg.mss = w.mss;
  if (w.wscale !== undefined) seg.wscale = w.wscale;
  seg.sackPermitted = w.sackOk ?? false;
  if (w.ts !== undefined) {
    seg.hasTimestamps = true;
    [seg.tsVal, seg.tsEcr] = w.ts;
  }
  for (const [i, [left, right]] of (w.sack ?? []).entries()) {
    seg.sackEdges[2 * i] = seqAdd(iss, left);
    seg.sackEdges[2 * i + 1] = seqAdd(iss, right);
    seg.sackCount = i + 1;
  }
}

/** As tcpdump and packet scripts write a segment. */
function describe(w: Wire): string {
  const options = [
    w.mss !== undefined ? `mss ${w.mss}` : '',
    w.sackOk ? 'sackOK' : '',
    w.ts ? `TS val ${w.ts[0]} ecr ${w.ts[1]}` : '',
    w.wscale !== undefined ? `wscale ${w.wscale}` : '',
    w.sack ? `sack ${w.sack.map(([l, r]) => `${l}:${r}`).join(' ')}` : '',
    w.cookie ? `${w.exp ? 'FOEXP' : 'FO'} ${Buffer.from(w.cookie).toString('hex')}`.trim() : '',
  ].filter((s) => s !== '');
  const [seq, len] = [w.seq ?? 0, w.len ?? w.data?.length ?? 0];
  const ack = w.ack === undefined ? '' : ` ack ${w.ack}`;
  const urg = w.urg ? ` urg ${w.urg}` : '';
  const list = options.length === 0 ? '' : ` <${options.join(',')}>`;
  return `${w.flags} ${seq}:${seq + len}(${len})${ack} win ${w.win ?? 65_535}${urg}${list}`;
}
