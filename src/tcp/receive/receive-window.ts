/**
 * The advertised receive window and its right edge. The edge never moves left (RFC 9293 section
 * 3.8.6, SHLD-14), except with tcp_shrink_window.
 *
 *     read by the user │       unread       │        RCV.WND        │
 *     ─────────────────┼────────────────────┼───────────────────────┼────────
 *                      │                 RCV.NXT                  edge
 *                      └─────────────── space ──────────────────────┘
 *
 * As in Linux half of the buffer is window, because SO_RCVBUF counts the overhead of segments, too.
 * The window opens step by step as data arrives (`ssthresh`), so that a peer that sends little
 * never takes much of our memory. It closes to zero rather than to a small window (section
 * 3.8.6.2.2). receive-tuning.ts chooses the buffer size.
 */
import { seqAdd, seqDiff, seqMax, type Seq } from '../../base/seq.js';
import type { Bytes } from '../../base/units.js';
import { MAX_WINDOW_SHIFT } from '../../wire/tcp.js';
import type { TcpConfig } from '../config.js';
import { SOCK_MIN_RCVBUF } from '../linux-constants.js';

/** The window field has 16 bits (RFC 9293 section 3.1). */
const MAX_WINDOW_FIELD = 0xffff;
/** Smaller segments do not open the window, because their overhead exceeds their data. */
const MIN_GROWTH_LENGTH = 128;

export class ReceiveWindow {
  /** RCV.NXT + RCV.WND as last advertised. */
  edge: Seq = 0;
  /** Our window shift (Rcv.Wind.Shift). */
  wscale = 0;
  /** Linux's sk_rcvbuf: twice the window. */
  bufferBytes: Bytes;
  /** SO_RCVBUF was set, so the buffer is not tuned. */
  locked: boolean;
  /** Upper bound of the window, by the buffer and TCP_WINDOW_CLAMP. */
  clamp: Bytes = 0;
  /** Linux's rcv_ssthresh: the current limit of the opening window. */
  ssthresh: Bytes = 0;
  /** RCV.WND when it was last advertised. */
  told: Bytes = 0;
  /** TCP_WINDOW_CLAMP, or the largest window that the header can express. */
  private limit: Bytes;
  private readonly config: TcpConfig;

  constructor(config: TcpConfig) {
    this.config = config;
    this.locked = config.receiveBufferBytes > 0;
    this.bufferBytes = this.locked ? 2 * config.receiveBufferBytes : config.rmem.default;
    this.limit = config.windowClamp > 0 ? config.windowClamp : MAX_WINDOW_FIELD << MAX_WINDOW_SHIFT;
  }

  /** Most unread bytes: the largest window. */
  get space(): Bytes {
    return this.bufferBytes >> 1;
  }

  /**
   * The peer's SYN arrived. `mss`: what we advertised. If our SYN was sent before, its window may
   * already be in use (Fast Open).
   */
  start(nxt: Seq, mss: Bytes): void {
    const { space } = this;
    this.edge = seqAdd(nxt, this.told);
    this.ssthresh = this.initial(mss);
    this.clamp = Math.min(this.limit, space, MAX_WINDOW_FIELD << this.wscale);
    // As in Linux: room for one more segment is not advertised.
    if (this.clamp > 2 * mss && this.clamp + mss > space)
      this.clamp = Math.max(2 * mss, space - mss);
    this.ssthresh = Math.min(this.ssthresh, this.clamp);
  }

  /** The window of a new connection, in whole segments. */
  private initial(mss: Bytes): Bytes {
    const space = Math.min(this.space, this.limit);
    return space > mss ? space - (space % mss) : space;
  }

  /** RCV.WND: the rest of the advertised window. */
  size(nxt: Seq): number {
    return Math.max(0, seqDiff(this.edge, nxt));
  }

  /**
   * Returns the window field of the next segment, and advertises it. `queued`: unread bytes. `mss`:
   * a full segment of the peer.
   */
  offer(nxt: Seq, queued: Bytes, mss: Bytes): Bytes {
    const offered = this.next(nxt, queued, mss);
    this.told = offered;
    const edge = seqAdd(nxt, offered);
    this.edge = this.mayShrink ? edge : seqMax(this.edge, edge);
    // a SYN may have granted more than the field can express
    return Math.min(offered >> this.wscale, MAX_WINDOW_FIELD);
  }

  /**
   * The same for a SYN, whose field is never scaled (RFC 7323 section 2.2). It may express less
   * than the intended window, and as in Linux all of that is accepted. `mss`: the expected payload
   * of a full segment from the peer.
   */
  offerOnSyn(nxt: Seq, mss: Bytes): Bytes {
    const offered = this.initial(mss);
    this.told = offered;
    this.edge = seqMax(this.edge, seqAdd(nxt, offered));
    return this.onSyn(mss);
  }

  /** The window field of a SYN, which is never scaled (RFC 7323 section 2.2). */
  onSyn(mss: Bytes): Bytes {
    return Math.min(this.initial(mss), MAX_WINDOW_FIELD);
  }

  /** The smallest shift that can express the window of the largest possible buffer. */
  get wantedWscale(): number {
    const most = this.locked ? this.space : Math.max(this.space, this.config.rmem.max);
    const wanted = Math.min(most, this.limit);
    let shift = 0;
    while (shift < MAX_WINDOW_SHIFT && wanted >> shift > MAX_WINDOW_FIELD) shift++;
    return shift;
  }

  /**
   * Less than half of the window is free, so no quick ACKs, which would make the peer send faster.
   */
  isTight(queued: Bytes): boolean {
    return this.space - queued < Math.min(this.clamp, this.space) / 2;
  }

  /**
   * True if the new window is to be advertised at once after a read: it is at least twice the
   * window that the peer knows.
   */
  updateDue(nxt: Seq, queued: Bytes, mss: Bytes): boolean {
    const current = this.size(nxt);
    if (2 * current > this.clamp) return false;
    const next = this.next(nxt, queued, mss);
    return next > 0 && next >= 2 * current;
  }

  /** tcp_shrink_window: as in Linux only a scaled window may shrink. */
  private get mayShrink(): boolean {
    return this.config.shrinkWindow && this.wscale > 0;
  }

  /**
   * With tcp_shrink_window: the window is the free space in whole units, even if more was
   * advertised before, and zero rather than a small window.
   */
  private shrunk(queued: Bytes, mss: Bytes): Bytes {
    const unit = 1 << this.wscale;
    const { space, ssthresh } = this;
    const full = Math.min(this.clamp, space);
    const left = Math.max(0, space - queued);
    const free = left - (left % unit);
    if (free < full / 2 && (free < space / 16 || free < Math.min(mss, full) || free < unit))
      return 0;
    return Math.min(
      free > ssthresh ? roundUp(ssthresh, unit) : free,
      MAX_WINDOW_FIELD << this.wscale,
    );
  }

  private next(nxt: Seq, queued: Bytes, mss: Bytes): Bytes {
    if (this.mayShrink) return this.shrunk(queued, mss);
    const unit = 1 << this.wscale;
    const { space } = this;
    const full = Math.min(this.clamp, space);
    const segment = Math.min(mss, full);
    const current = this.size(nxt);
    let free = Math.max(0, space - queued);
    let offered = 0;
    if (free < full / 2) free -= free % unit;
    // RFC 9293 section 3.8.6.2.2: zero rather than less than a segment or than a sixteenth of the
    // buffer.
    if (free >= full / 2 || (free >= segment && free >= space / 16)) {
      free = Math.min(free, this.ssthresh);
      offered = this.wscale > 0 ? roundUp(free, unit) : this.wholeSegments(free, segment, full);
    }
    if (offered <= current) offered = this.keep(current, space - queued, unit);
    return offered;
  }

  /**
   * An unscaled window is exact to the byte. It changes by whole segments and stays constant in
   * between.
   */
  private wholeSegments(free: number, segment: number, full: number): number {
    const { told } = this;
    if (told <= free - segment || told > free) return free - (free % segment);
    return segment === full && free > told + full / 2 ? free : told;
  }

  /**
   * Keeps the edge. A scaled window is expressed in units: rounded down, the edge would move left
   * (RFC 7323 section 2.4), so it is rounded up. Rounding up is limited, because many tiny segments
   * would move the edge right without end.
   */
  private keep(current: number, free: number, unit: number): number {
    const up = roundUp(current, unit);
    return up - free < this.space / 8 ? up : current - (current % unit);
  }

  /**
   * A segment with `length` payload bytes arrived in order: Linux's tcp_grow_window. Returns true
   * if the window may open further.
   */
  grow(length: Bytes, queued: Bytes, mss: Bytes): boolean {
    if (length < MIN_GROWTH_LENGTH) return false;
    const room = Math.min(this.clamp, this.space - queued) - this.ssthresh;
    if (room <= 0) return false;
    this.ssthresh += Math.min(room, 2 * Math.max(length, mss));
    return true;
  }

  /**
   * Grows the buffer for a window of `bytes`, up to the maximum of tcp_rmem, unless SO_RCVBUF was
   * set.
   */
  expand(bytes: Bytes): void {
    const buffer = Math.min(2 * bytes, this.config.rmem.max);
    if (this.locked || buffer <= this.bufferBytes) return;
    this.bufferBytes = buffer;
    this.clamp = Math.min(this.limit, this.space);
  }

  /** Memory is short: limits the window to `bytes` for now. */
  shrinkTo(bytes: Bytes): void {
    if (this.ssthresh > bytes) this.ssthresh = bytes;
  }

  /**
   * SO_RCVBUF: sets the buffer to twice `bytes`, as in Linux, and ends tuning. A window that was
   * advertised stays valid.
   */
  setBuffer(bytes: Bytes): void {
    this.locked = true;
    this.bufferBytes = Math.max(2 * bytes, SOCK_MIN_RCVBUF);
  }

  /** TCP_WINDOW_CLAMP: limits the window to `bytes`, at least half of SOCK_MIN_RCVBUF. */
  setClamp(bytes: Bytes): void {
    const old = this.clamp;
    this.limit = Math.max(bytes, SOCK_MIN_RCVBUF / 2);
    this.clamp = this.limit;
    if (this.clamp < old) this.ssthresh = Math.min(this.ssthresh, this.clamp);
    else this.ssthresh = Math.max(this.ssthresh, Math.min(this.told, this.clamp));
  }
}

const roundUp = (n: number, unit: number): number => n + ((unit - (n % unit)) % unit);
