/**
 * The window that we offer: how far its right edge may go. It never moves left (RFC 9293 section
 * 3.8.6, SHLD-14), unless tcp_shrink_window says so.
 *
 *     read by the user │  waits to be read  │        RCV.WND        │
 *     ─────────────────┼────────────────────┼───────────────────────┼────────
 *                      │                 RCV.NXT                  edge
 *                      └─────────────── space ──────────────────────┘
 *
 * As Linux does: half of the buffer (SO_RCVBUF counts what segments cost, not only their payload)
 * is window. It opens step by step as data comes (`ssthresh`), so that a peer which never sends
 * much never has much of our memory; and it closes to nothing rather than to a sliver (section
 * 3.8.6.2.2). How large the buffer becomes is decided in receive-tuning.ts.
 */
import { seqAdd, seqDiff, seqMax, type Seq } from '../../base/seq.js';
import { MAX_WINDOW_SHIFT } from '../../wire/tcp.js';
import type { TcpConfig } from '../config.js';

/** The window field has 16 bits (RFC 9293 section 3.1). */
const MAX_WINDOW_FIELD = 0xffff;
/** SOCK_MIN_RCVBUF: no buffer is smaller. */
const MIN_BUFFER_BYTES = 2304;
/** Smaller segments do not let the window grow: they cost more than they bring. */
const MIN_GROWTH_LENGTH = 128;

export class ReceiveWindow {
  /** RCV.NXT + RCV.WND as we last told the peer. */
  edge: Seq = 0;
  /** Our window shift (Rcv.Wind.Shift). */
  wscale = 0;
  /** Linux's sk_rcvbuf: twice the window. */
  bufferBytes: number;
  /** SO_RCVBUF was set: the buffer stays as it is. */
  locked: boolean;
  /** The window stays below: as much as the buffer allows, and TCP_WINDOW_CLAMP. */
  clamp = 0;
  /** Linux's rcv_ssthresh: the window opens so far now. */
  ssthresh = 0;
  /** RCV.WND when it was last told. */
  told = 0;
  /** TCP_WINDOW_CLAMP, or what the header can say at most. */
  private limit: number;
  private readonly config: TcpConfig;

  constructor(config: TcpConfig) {
    this.config = config;
    this.locked = config.receiveBufferBytes > 0;
    this.bufferBytes = this.locked ? 2 * config.receiveBufferBytes : config.rmem.default;
    this.limit = config.windowClamp > 0 ? config.windowClamp : MAX_WINDOW_FIELD << MAX_WINDOW_SHIFT;
  }

  /** Bytes that may wait to be read: the largest window. */
  get space(): number {
    return this.bufferBytes >> 1;
  }

  /**
   * The peer's SYN came. `mss`: what we announced. What our own SYN offered, if it went out before,
   * may be in use already (Fast Open).
   */
  start(nxt: Seq, mss: number): void {
    const { space } = this;
    this.edge = seqAdd(nxt, this.told);
    this.ssthresh = this.initial(mss);
    this.clamp = Math.min(this.limit, space, MAX_WINDOW_FIELD << this.wscale);
    // As Linux: room for one more segment stays unannounced.
    if (this.clamp > 2 * mss && this.clamp + mss > space)
      this.clamp = Math.max(2 * mss, space - mss);
    this.ssthresh = Math.min(this.ssthresh, this.clamp);
  }

  /** A new connection's window: whole segments. */
  private initial(mss: number): number {
    const space = Math.min(this.space, this.limit);
    return space > mss ? space - (space % mss) : space;
  }

  /** RCV.WND: what may still come by what we told the peer. */
  size(nxt: Seq): number {
    return Math.max(0, seqDiff(this.edge, nxt));
  }

  /**
   * The window field of the next segment, `queued` bytes waiting to be read. `mss`: a full segment
   * of the peer's.
   */
  offer(nxt: Seq, queued: number, mss: number): number {
    const offered = this.next(nxt, queued, mss);
    this.told = offered;
    const edge = seqAdd(nxt, offered);
    this.edge = this.mayShrink ? edge : seqMax(this.edge, edge);
    // a SYN may have meant more than can be said
    return Math.min(offered >> this.wscale, MAX_WINDOW_FIELD);
  }

  /**
   * The same on a SYN, where the field is never scaled (RFC 7323 section 2.2): it may say less than
   * the window that is meant, and as in Linux all of that is taken. `mss`: what a full segment from
   * the peer will carry, as far as we know.
   */
  offerOnSyn(nxt: Seq, mss: number): number {
    const offered = this.initial(mss);
    this.told = offered;
    this.edge = seqMax(this.edge, seqAdd(nxt, offered));
    return this.onSyn(mss);
  }

  /** The window field of a SYN, which is never scaled (RFC 7323 section 2.2). */
  onSyn(mss: number): number {
    return Math.min(this.initial(mss), MAX_WINDOW_FIELD);
  }

  /**
   * The smallest shift with which the window field can offer the whole buffer, as large as it may
   * become.
   */
  get wantedWscale(): number {
    const most = this.locked ? this.space : Math.max(this.space, this.config.rmem.max);
    const wanted = Math.min(most, this.limit);
    let shift = 0;
    while (shift < MAX_WINDOW_SHIFT && wanted >> shift > MAX_WINDOW_FIELD) shift++;
    return shift;
  }

  /** Less than half is left: no time for quick ACKs, which would only let the peer send faster. */
  isTight(queued: number): boolean {
    return this.space - queued < Math.min(this.clamp, this.space) / 2;
  }

  /**
   * After a read: does the peer hear of the new window at once? When it is at least twice what the
   * peer knows of.
   */
  updateDue(nxt: Seq, queued: number, mss: number): boolean {
    const current = this.size(nxt);
    if (2 * current > this.clamp) return false;
    const next = this.next(nxt, queued, mss);
    return next > 0 && next >= 2 * current;
  }

  /** tcp_shrink_window. As in Linux only a scaled window may. */
  private get mayShrink(): boolean {
    return this.config.shrinkWindow && this.wscale > 0;
  }

  /**
   * The window is what is free, in whole units, also when that is less than was offered: down to
   * nothing rather than to a sliver.
   */
  private shrunk(queued: number, mss: number): number {
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

  private next(nxt: Seq, queued: number, mss: number): number {
    if (this.mayShrink) return this.shrunk(queued, mss);
    const unit = 1 << this.wscale;
    const { space } = this;
    const full = Math.min(this.clamp, space);
    const segment = Math.min(mss, full);
    const current = this.size(nxt);
    let free = Math.max(0, space - queued);
    let offered = 0;
    if (free < full / 2) free -= free % unit;
    // RFC 9293 3.8.6.2.2: nothing rather than less than a segment, or than a sixteenth of the
    // buffer.
    if (free >= full / 2 || (free >= segment && free >= space / 16)) {
      free = Math.min(free, this.ssthresh);
      offered = this.wscale > 0 ? roundUp(free, unit) : this.wholeSegments(free, segment, full);
    }
    if (offered <= current) offered = this.keep(current, space - queued, unit);
    return offered;
  }

  /**
   * Unscaled, the window is told to the byte: it moves by whole segments, and stays where it is
   * until it can.
   */
  private wholeSegments(free: number, segment: number, full: number): number {
    const { told } = this;
    if (told <= free - segment || told > free) return free - (free % segment);
    return segment === full && free > told + full / 2 ? free : told;
  }

  /**
   * The edge stays. Scaling tells the window in units only: rounded down the edge would seem to
   * move left (RFC 7323 section 2.4), so it is rounded up; but not for ever, or a rain of tiny
   * segments would push the edge on and on.
   */
  private keep(current: number, free: number, unit: number): number {
    const up = roundUp(current, unit);
    return up - free < this.space / 8 ? up : current - (current % unit);
  }

  /**
   * A segment of `length` payload bytes came in order: Linux's tcp_grow_window. True when the
   * window may open further now.
   */
  grow(length: number, queued: number, mss: number): boolean {
    if (length < MIN_GROWTH_LENGTH) return false;
    const room = Math.min(this.clamp, this.space - queued) - this.ssthresh;
    if (room <= 0) return false;
    this.ssthresh += Math.min(room, 2 * Math.max(length, mss));
    return true;
  }

  /**
   * The buffer grows so that its window is `bytes`, up to tcp_rmem's maximum; never when SO_RCVBUF
   * was set.
   */
  expand(bytes: number): void {
    const buffer = Math.min(2 * bytes, this.config.rmem.max);
    if (this.locked || buffer <= this.bufferBytes) return;
    this.bufferBytes = buffer;
    this.clamp = Math.min(this.limit, this.space);
  }

  /** Memory is short: the window opens to `bytes` at most for now. */
  shrinkTo(bytes: number): void {
    if (this.ssthresh > bytes) this.ssthresh = bytes;
  }

  /**
   * SO_RCVBUF: the buffer becomes twice `bytes`, as in Linux, and stays so. What was offered
   * already stays offered.
   */
  setBuffer(bytes: number): void {
    this.locked = true;
    this.bufferBytes = Math.max(2 * bytes, MIN_BUFFER_BYTES);
  }

  /** TCP_WINDOW_CLAMP: `bytes`, at least half of SOCK_MIN_RCVBUF. */
  setClamp(bytes: number): void {
    const old = this.clamp;
    this.limit = Math.max(bytes, MIN_BUFFER_BYTES / 2);
    this.clamp = this.limit;
    if (this.clamp < old) this.ssthresh = Math.min(this.ssthresh, this.clamp);
    else this.ssthresh = Math.max(this.ssthresh, Math.min(this.told, this.clamp));
  }
}

const roundUp = (n: number, unit: number): number => n + ((unit - (n % unit)) % unit);
