/**
 * The table of TIME-WAIT: one row of int32 words for each closed connection, without an object and
 * without a timer. Every row lives for 2 MSL, so the order of insertion is the order of expiry; a
 * row that is restarted moves to the end. The table doubles up to its limit. At the limit the
 * oldest row is evicted and counted. Each remote host has a limit of its own.
 *
 *     row: local 0-3 | remote 4-7 | ports 8 | SND.NXT 9 | RCV.NXT 10 | wnd, flags, TOS 11
 *          | TS.Recent 12 | TS offset 13 | hash 14 | next in chain 15 | older 16 | newer 17
 *          | answered 18
 *
 * 19 words and an 8-byte deadline are 84 bytes, plus 4 or 8 bytes of a bucket.
 */
import { MILLISECOND, NEVER, type Micros } from '../../base/time.js';
import { Address } from '../../ip/address.js';
import { TimeWaitRecord } from '../../tcp/time-wait.js';
import type { AddressWords } from '../../wire/ip.js';
import { type Tuple, Words } from '../tuple.js';
import type { TcpEntry } from './entry.js';
import { HostCounts } from './host-counts.js';

const WORDS = 19;
const SMALLEST = 256;
const NONE = -1;
const REMOTE = 4;
const PORTS = 8;
const SND_NXT = 9;
const RCV_NXT = 10;
const WND = 11;
const TS_RECENT = 12;
const TS_OFFSET = 13;
const HASH = 14;
const CHAIN = 15;
const OLDER = 16;
const NEWER = 17;
const ANSWERED = 18;
/** The bit above the 16 bits of the window. */
const HAS_TIMESTAMPS = 1 << 16;
/** The type of service is in the highest byte of the same word. */
const TOS_SHIFT = 24;

/** A row, for those who show it. */
export interface TimeWaitRow {
  readonly row: number;
  readonly local: Address;
  readonly localPort: number;
  readonly remote: Address;
  readonly remotePort: number;
  /** When it expires. */
  readonly deadline: Micros;
}

export class TimeWaitTable {
  size = 0;
  private capacity = 0;
  private words = new Int32Array(0);
  private deadlines = new Float64Array(0);
  private buckets = new Int32Array(0);
  private free = NONE;
  private oldest = NONE;
  private newest = NONE;
  private readonly limit: number;
  private readonly hostLimit: number;
  private readonly hosts: HostCounts;
  private readonly duration: Micros;

  /**
   * `limit`: maximum number of rows; `hostLimit`: of one remote host; `duration`: 2 MSL; `secret`:
   * 16 bytes, for `HostCounts`.
   */
  constructor(
    limit: number,
    duration: Micros,
    hostLimit = limit,
    secret: Uint8Array = new Uint8Array(16),
  ) {
    this.limit = Math.max(1, limit);
    this.hostLimit = hostLimit;
    this.hosts = new HostCounts(secret);
    this.duration = duration;
  }

  /** True at the limit of this host: its next connection ends without TIME-WAIT. */
  isHostFull(remote: AddressWords): boolean {
    return this.hosts.of(remote) >= this.hostLimit;
  }

  /**
   * Adds a row for the connection of `e`, or for the one in `e.before`. Returns false if the oldest
   * row was evicted for it.
   */
  add(e: TcpEntry, now: Micros): boolean {
    let hadRoom = true;
    if (this.free === NONE && this.capacity < this.limit) this.grow();
    if (this.free === NONE) {
      hadRoom = false;
      this.remove(this.oldest);
    }
    const row = this.free;
    const w = this.words;
    const at = row * WORDS;
    this.free = w[at + CHAIN]!;
    const { local, remote } = e;
    const r = e.before ?? recordOf(e);
    w[at] = local.w0;
    w[at + 1] = local.w1;
    w[at + 2] = local.w2;
    w[at + 3] = local.w3;
    w[at + REMOTE] = remote.w0;
    w[at + REMOTE + 1] = remote.w1;
    w[at + REMOTE + 2] = remote.w2;
    w[at + REMOTE + 3] = remote.w3;
    w[at + PORTS] = (e.localPort << 16) | e.remotePort;
    w[at + SND_NXT] = r.sndNxt;
    w[at + RCV_NXT] = r.rcvNxt;
    w[at + WND] = r.wnd | (r.timestamps ? HAS_TIMESTAMPS : 0) | (r.tos << TOS_SHIFT);
    w[at + TS_RECENT] = r.tsRecent;
    w[at + TS_OFFSET] = r.tsOffset;
    w[at + ANSWERED] = 0;
    w[at + HASH] = e.hash;
    const bucket = e.hash & (this.buckets.length - 1);
    w[at + CHAIN] = this.buckets[bucket]!;
    this.buckets[bucket] = row;
    this.append(row, now);
    this.hosts.add(remote);
    this.size++;
    return hadRoom;
  }

  /** Index of the row with this four-tuple, or -1. */
  find(tuple: Tuple): number {
    if (this.size === 0) return NONE;
    const w = this.words;
    const { hash, ports, local, remote } = tuple;
    for (
      let row = this.buckets[hash & (this.buckets.length - 1)]!;
      row !== NONE;
      row = w[row * WORDS + CHAIN]!
    ) {
      const at = row * WORDS;
      if (
        w[at + HASH] === hash &&
        w[at + PORTS] === ports &&
        w[at + REMOTE + 3] === remote.w3 &&
        w[at + REMOTE + 2] === remote.w2 &&
        w[at + REMOTE + 1] === remote.w1 &&
        w[at + REMOTE] === remote.w0 &&
        w[at + 3] === local.w3 &&
        w[at + 2] === local.w2 &&
        w[at + 1] === local.w1 &&
        w[at] === local.w0
      ) {
        return row;
      }
    }
    return NONE;
  }

  /** Copies a row's record into `out`. */
  read(row: number, out: TimeWaitRecord): void {
    const w = this.words;
    const at = row * WORDS;
    out.sndNxt = w[at + SND_NXT]!;
    out.rcvNxt = w[at + RCV_NXT]!;
    out.wnd = w[at + WND]! & 0xffff;
    out.timestamps = (w[at + WND]! & HAS_TIMESTAMPS) !== 0;
    out.tsRecent = w[at + TS_RECENT]!;
    out.tsOffset = w[at + TS_OFFSET]!;
    out.tos = w[at + WND]! >>> TOS_SHIFT;
  }

  setTsRecent(row: number, tsRecent: number): void {
    this.words[row * WORDS + TS_RECENT] = tsRecent;
  }

  /** Restarts the 2 MSL of a row. */
  restart(row: number, now: Micros): void {
    this.unlinkAge(row);
    this.append(row, now);
  }

  /**
   * Limits replies to one per `interval` (tcp_invalid_ratelimit): returns false if the last allowed
   * reply is more recent than that.
   */
  mayAnswer(row: number, interval: Micros, now: Micros): boolean {
    const at = row * WORDS + ANSWERED;
    const ms = Math.floor(now / MILLISECOND) | 0;
    const last = this.words[at]!;
    if (last !== 0 && ((ms - last) | 0) * MILLISECOND < interval) return false;
    this.words[at] = ms === 0 ? 1 : ms;
    return true;
  }

  remove(row: number): void {
    const w = this.words;
    const at = row * WORDS;
    remoteOf.set(w[at + REMOTE]!, w[at + REMOTE + 1]!, w[at + REMOTE + 2]!, w[at + REMOTE + 3]!);
    this.hosts.remove(remoteOf);
    this.unlinkAge(row);
    const bucket = w[at + HASH]! & (this.buckets.length - 1);
    let before = this.buckets[bucket]!;
    if (before === row) this.buckets[bucket] = w[at + CHAIN]!;
    else {
      while (w[before * WORDS + CHAIN] !== row) before = w[before * WORDS + CHAIN]!;
      w[before * WORDS + CHAIN] = w[at + CHAIN]!;
    }
    w[at + CHAIN] = this.free;
    this.free = row;
    this.size--;
  }

  nextTimeout(): Micros {
    return this.oldest === NONE ? NEVER : this.deadlines[this.oldest]!;
  }

  /** Removes the rows whose time is over. */
  expire(now: Micros): void {
    while (this.oldest !== NONE && this.deadlines[this.oldest]! <= now) this.remove(this.oldest);
  }

  /** True if a row has this local port. Takes time proportional to the number of rows. */
  holdsPort(port: number): boolean {
    for (let row = this.oldest; row !== NONE; row = this.words[row * WORDS + NEWER]!) {
      if (this.words[row * WORDS + PORTS]! >>> 16 === port) return true;
    }
    return false;
  }

  /** The rows, oldest first. The table must not change meanwhile. */
  *[Symbol.iterator](): Generator<TimeWaitRow> {
    const w = this.words;
    for (let row = this.oldest; row !== NONE; row = w[row * WORDS + NEWER]!) {
      const at = row * WORDS;
      const r = at + REMOTE;
      yield {
        row,
        local: Address.fromWords(w[at]!, w[at + 1]!, w[at + 2]!, w[at + 3]!),
        localPort: w[at + PORTS]! >>> 16,
        remote: Address.fromWords(w[r]!, w[r + 1]!, w[r + 2]!, w[r + 3]!),
        remotePort: w[at + PORTS]! & 0xffff,
        deadline: this.deadlines[row]!,
      };
    }
  }

  private append(row: number, now: Micros): void {
    const w = this.words;
    this.deadlines[row] = now + this.duration;
    w[row * WORDS + OLDER] = this.newest;
    w[row * WORDS + NEWER] = NONE;
    if (this.newest === NONE) this.oldest = row;
    else w[this.newest * WORDS + NEWER] = row;
    this.newest = row;
  }

  private unlinkAge(row: number): void {
    const w = this.words;
    const older = w[row * WORDS + OLDER]!;
    const newer = w[row * WORDS + NEWER]!;
    if (older === NONE) this.oldest = newer;
    else w[older * WORDS + NEWER] = newer;
    if (newer === NONE) this.newest = older;
    else w[newer * WORDS + OLDER] = older;
  }

  private grow(): void {
    const from = this.capacity;
    this.capacity = Math.min(this.limit, Math.max(SMALLEST, from * 2));
    const words = new Int32Array(this.capacity * WORDS);
    words.set(this.words);
    const deadlines = new Float64Array(this.capacity);
    deadlines.set(this.deadlines);
    this.words = words;
    this.deadlines = deadlines;
    for (let row = this.capacity - 1; row >= from; row--) {
      words[row * WORDS + CHAIN] = this.free;
      this.free = row;
    }
    this.rehash();
  }

  private rehash(): void {
    const w = this.words;
    this.buckets = new Int32Array(1 << (32 - Math.clz32(this.capacity - 1))).fill(NONE);
    for (let row = this.oldest; row !== NONE; row = w[row * WORDS + NEWER]!) {
      const bucket = w[row * WORDS + HASH]! & (this.buckets.length - 1);
      w[row * WORDS + CHAIN] = this.buckets[bucket]!;
      this.buckets[bucket] = row;
    }
  }
}

/** Remote address of the row that is being removed. */
const remoteOf = new Words();

/** Overwritten by each `recordOf`. */
const out = new TimeWaitRecord();

/** The record of TIME-WAIT for the connection of `e`. */
function recordOf({ conn, tos }: TcpEntry): TimeWaitRecord {
  const { rcv } = conn;
  out.sndNxt = conn.snd.nxt;
  out.rcvNxt = rcv.nxt;
  out.wnd = Math.min(rcv.wnd >> rcv.wscale, 0xffff);
  out.timestamps = conn.timestamps;
  out.tsRecent = rcv.tsRecent;
  out.tsOffset = conn.tsOffset;
  out.tos = tos;
  return out;
}
