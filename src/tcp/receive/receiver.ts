/**
 * The receiving half: RCV.*, reassembly, and the ACKs that are owed. It never sends: it notes what
 * is owed, and output sends it. It does not know the sending half.
 *
 *            1          2          3
 *       ──────────┼───────────┼──────────
 *              RCV.NXT    RCV.NXT + RCV.WND                     (RFC 9293 figure 4)
 *
 *     1 received and acknowledged   2 acceptable now   3 not yet allowed
 *
 * The advertised window: receive-window.ts. When an ACK may wait: delayed-ack.ts. Duplicate ACKs:
 * owed-duplicates.ts.
 */
import {
  seqAdd,
  seqDiff,
  seqGeq,
  seqGt,
  seqLeq,
  seqLt,
  seqMax,
  seqMin,
  type Seq,
} from '../../base/seq.js';
import type { Micros } from '../../base/time.js';
import { LONG_AGO, SECOND } from '../../base/time.js';
import type { Bytes, Segments } from '../../base/units.js';
import { Drop, type DropReason } from '../../wire/drop.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { TcpConfig } from '../config.js';
import { DelayedAck } from './delayed-ack.js';
import { EcnReceiver, EcnUrgency } from './ecn-receiver.js';
import type { MemoryShare } from '../memory.js';
import { OutOfOrder } from './out-of-order.js';
import { OwedDuplicates } from './owed-duplicates.js';
import { ReceiveQueue, type Allocate } from './receive-queue.js';
import { ReceiveTuning } from './receive-tuning.js';
import { ReceiveWindow } from './receive-window.js';
import { UrgentReceiver } from './urgent-receiver.js';

/** Quick ACKs when ECN shows that the sender waits for an ACK. */
const ECN_QUICK_ACKS = 2;
/** Bytes of the timestamps option in each segment, with padding. */
export const TIMESTAMP_BYTES = 12;

/** RFC 7323 section 5.5: after 24 days the timestamp clock of a peer may have wrapped. */
const PAWS_IDLE: Micros = 24 * 86_400 * SECOND;

/** Overhead of a piece of out-of-order data, in bytes. */
const PIECE_COST = 200;
/**
 * Under memory pressure the window is at most this many segments (Linux's tcp_adjust_rcv_ssthresh).
 */
const PRESSED_SEGMENTS = 4;

/**
 * Shared by all connections without out-of-order data, which are nearly all. Nothing is ever added
 * to it, and emptying it has no effect.
 */
const NOTHING = new OutOfOrder(0, () => {
  throw new Error('the shared empty OutOfOrder takes no data');
});

export class Receiver {
  irs: Seq = 0;
  nxt: Seq = 0;
  /** RFC 7323: TS.Recent, when it was set, and Last.ACK.sent. */
  tsRecent = 0;
  tsRecentAt: Micros = LONG_AGO;
  lastAckSent: Seq = 0;
  /** The last advertised window, to observe when it closes and opens; -1 before the first. */
  announcedWindow: Bytes = -1;
  /** A FIN was received, and its sequence number. It takes effect once RCV.NXT reaches it. */
  finSeen = false;
  finSeq: Seq = 0;
  /** The FIN was reached: RCV.NXT is past it. */
  finReceived = false;
  /** The user has closed, so data is not kept. */
  orphaned = false;
  /** Number of out-of-order segments received. */
  outOfOrderSegments: Segments = 0;
  /** An ACK is owed at once: for data, to open the window, or a challenge ACK (RFC 5961). */
  ackNow = false;
  /** When in-order data last arrived; at first, when the connection was established. */
  dataAt: Micros = 0;

  readonly ecn = new EcnReceiver();
  readonly window: ReceiveWindow;
  readonly tuning = new ReceiveTuning();
  readonly ack: DelayedAck;
  readonly duplicates = new OwedDuplicates();
  readonly urgent: UrgentReceiver;
  readonly queue: ReceiveQueue;
  private held = NOTHING;
  private readonly outOfOrderPieces: number;
  private readonly allocate: Allocate;
  private announcedMss: Bytes;
  private readonly share: MemoryShare;
  private readonly strictTimestamps: boolean;

  /** `announcedMss`: the MSS option that we send. */
  constructor(config: TcpConfig, announcedMss: Bytes, allocate: Allocate, share: MemoryShare) {
    this.share = share;
    this.strictTimestamps = config.strictTimestamps;
    this.announcedMss = announcedMss;
    this.window = new ReceiveWindow(config);
    this.ack = new DelayedAck(config, announcedMss);
    this.urgent = new UrgentReceiver(config.urgentInline);
    this.queue = new ReceiveQueue(allocate);
    this.outOfOrderPieces = config.outOfOrderPieces;
    this.allocate = allocate;
  }

  /** The peer's SYN arrived. */
  start(irs: Seq, timestamps: boolean, windowScaling: boolean, now: Micros): void {
    this.irs = irs;
    this.nxt = seqAdd(irs, 1);
    this.lastAckSent = this.nxt;
    const mss = this.fullSegment(timestamps);
    if (windowScaling) this.window.wscale = this.window.wantedWscale;
    this.window.start(this.nxt, mss);
    this.tuning.start(this.window.ssthresh, mss, now);
  }

  /** Payload bytes of a full segment from the peer, by the options of the handshake. */
  private fullSegment(timestamps: boolean): number {
    return timestamps ? this.announcedMss - TIMESTAMP_BYTES : this.announcedMss;
  }

  /** TCP_MAXSEG was set before our SYN went out. */
  announceMss(mss: Bytes): void {
    this.announcedMss = mss;
    this.ack.announcedMss = mss;
  }

  /** For reading; code that may add to it uses `ownOutOfOrder`. */
  get outOfOrder(): OutOfOrder {
    return this.held;
  }

  private ownOutOfOrder(): OutOfOrder {
    if (this.held === NOTHING) {
      this.held = new OutOfOrder(this.outOfOrderPieces, this.allocate);
      if (this.finSeen) this.held.endAt(this.finSeq);
    }
    return this.held;
  }

  /** RCV.WND: the rest of the advertised window. */
  get wnd(): Bytes {
    return this.window.size(this.nxt);
  }

  /** Our window shift (Rcv.Wind.Shift). */
  get wscale(): number {
    return this.window.wscale;
  }

  /** RMSS as estimated: payload bytes of a full segment from the peer. */
  get mss(): Bytes {
    return this.ack.mss;
  }

  /** The sequence number of the next byte that the user reads. */
  get unread(): Seq {
    return seqAdd(this.nxt, -(this.queue.length + (this.finReceived ? 1 : 0)));
  }

  /** Removes and returns the next piece of the stream; null if nothing is unread. */
  read(): Uint8Array | null {
    return this.urgent.pending ? this.urgent.read(this.unread, this.queue) : this.queue.shift();
  }

  /** Number of owed duplicate ACKs. */
  get duplicatesOwed(): number {
    return this.duplicates.count;
  }

  /** RFC 9293 section 3.10.7.4, first step: the four cases of the acceptability test. */
  isAcceptable(seq: Seq, len: number): boolean {
    const wnd = this.wnd;
    const right = seqAdd(this.nxt, wnd);
    // MUST-66: ACK, URG and RST are processed, the text is not
    if (wnd === 0) return seq === this.nxt;
    const startIn = seqGeq(seq, this.nxt) && seqLt(seq, right);
    if (len === 0) return startIn;
    const last = seqAdd(seq, len - 1);
    return startIn || (seqGeq(last, this.nxt) && seqLt(last, right));
  }

  /**
   * Seventh step: the text of a segment, any part of which may be old, new, out of order or beyond
   * the window. Returns the drop reason, or `Drop.none`. RCV.NXT advances over all data that is now
   * in order. `rto`: our retransmission timeout.
   */
  takeText(seg: Segment, now: Micros, rto: Micros): DropReason {
    const segEnd = seqAdd(seg.seq, seg.payloadBytes + ((seg.flags & TcpFlag.SYN) >> 1));
    const dataSeq = seg.has(TcpFlag.SYN) ? seqAdd(seg.seq, 1) : seg.seq;
    const start = seqMax(dataSeq, this.nxt);
    // Data beyond the window or after a known FIN is trimmed.
    let end = seqMin(segEnd, seqAdd(this.nxt, this.wnd));
    if (this.finSeen) end = seqMin(end, this.finSeq);
    if (seqGeq(start, end)) {
      this.ack.enterQuickMode(this.wnd);
      if (seqLt(dataSeq, this.nxt)) {
        // all of it is old: a duplicate, reported by D-SACK
        this.owe(dataSeq, seqMin(segEnd, this.nxt));
        return Drop.none;
      }
      this.ackNow = true;
      return Drop.tcpBeyondWindow;
    }
    if (!this.share.mayReceive(seqDiff(end, start)) && !this.makeRoom(start, end))
      return Drop.tcpMemory;
    if (start !== this.nxt) return this.takeOutOfOrder(seg, start, end);
    this.takeInOrder(seg, seqDiff(start, dataSeq), seqDiff(end, start), end);
    this.sizeWindow(seg, now);
    this.ack.dataArrived(seg, now, rto, this.wnd);
    this.decideAck();
    return seqLt(end, segEnd) ? Drop.tcpBeyondWindow : Drop.none;
  }

  /** Accepts the text of a SYN as far as the window allows. Returns the number of bytes. */
  takeTextOfSyn(syn: Segment): number {
    const bytes = Math.min(syn.payloadBytes, this.wnd);
    this.queue.pushPayload(syn, 0, bytes);
    this.nxt = seqAdd(this.nxt, bytes);
    return bytes;
  }

  /** Called before `takeText` if ECN was negotiated (RFC 3168 section 6.1.3). */
  takeEcn(seg: Segment): void {
    const urgency = this.ecn.onData(seg);
    if (urgency === EcnUrgency.now) this.ackNow = true;
    else if (urgency === EcnUrgency.quick) this.ack.enterQuickMode(this.wnd, ECN_QUICK_ACKS);
  }

  private takeInOrder(seg: Segment, skip: number, length: Bytes, end: Seq): void {
    const hadHole = !this.outOfOrder.isEmpty;
    const heldTwice = this.held.overlapping(this.nxt, end);
    if (!this.orphaned) this.queue.pushPayload(seg, skip, length);
    this.nxt = end;
    if (hadHole) {
      this.nxt = this.held.drain(end, this.orphaned ? null : this.queue);
      this.ackNow = true; // RFC 5681 section 4.2: at once when a gap is filled or shrinks
      this.duplicates.forgetBelow(this.nxt);
    }
    if (skip > 0) this.owe(seg.seq, seqAdd(seg.seq, skip));
    else if (heldTwice !== null) this.owe(heldTwice.left, seqMin(heldTwice.right, end));
  }

  /**
   * The stack's memory is exhausted. As in Linux out-of-order data is discarded, which SACK permits
   * (RFC 2018 section 8). In-order data is still accepted if nothing is unread, because otherwise
   * no progress would be possible. Else it is dropped, and the peer must retransmit it.
   */
  private makeRoom(start: Seq, end: Seq): boolean {
    const { counters } = this.share.all;
    counters.TcpExtPruneCalled++;
    const inOrder = start === this.nxt;
    if (inOrder && !this.outOfOrder.isEmpty) {
      counters.TcpExtOfoPruned++;
      const before = this.memory;
      this.held.clear();
      this.share.settle(this.share.held - before + this.memory);
      if (this.share.mayReceive(seqDiff(end, start))) return true;
    }
    if (inOrder && this.queue.length === 0) return true;
    counters.TcpExtRcvPruned++;
    if (inOrder) counters.TcpExtTCPRcvQDrop++;
    else counters.TcpExtTCPOFODrop++;
    this.ackNow = true;
    return false;
  }

  private sizeWindow(seg: Segment, now: Micros): void {
    const { window, tuning, queued } = this;
    tuning.measureWindow(this.nxt, this.wnd, now);
    const wanted = tuning.adjust(queued, now);
    if (this.share.all.isPressed) {
      window.shrinkTo(PRESSED_SEGMENTS * this.announcedMss);
      return;
    }
    if (wanted > 0) window.expand(wanted + this.outOfOrder.bytes);
    // One more immediate ACK advertises it.
    if (window.grow(seg.payloadBytes, queued, this.announcedMss)) this.ack.quick |= 1;
  }

  private takeOutOfOrder(seg: Segment, start: Seq, end: Seq): DropReason {
    this.outOfOrderSegments += seg.wireSegments;
    this.ack.outOfOrderArrived(seg);
    const held = this.ownOutOfOrder();
    const twice = held.overlapping(start, end);
    // Data that was already held is a duplicate. An ACK has room for one D-SACK, so the first such
    // range is reported; the range is empty if there is none.
    const from = twice === null ? start : seqMax(start, twice.left);
    const to = twice === null ? start : seqMin(end, twice.right);
    const isNew = from !== start || to !== end;
    const added = isNew ? held.insert(seg, start, end) : 0;
    if (added >= 0) held.touched(start);
    this.owe(from, to);
    return added < 0 ? Drop.tcpOutOfOrderLimit : Drop.none;
  }

  /**
   * A FIN at `seq` was received in a segment that begins at `start`: no data can follow it. It is
   * noted before the text of its segment is processed. Otherwise earlier out-of-order data beyond
   * the FIN would be delivered after that text.
   */
  noteFin(seq: Seq, start: Seq): void {
    if (this.finSeen || seqLt(seq, this.nxt)) return; // the latter contradicts received data
    // If it is in order and no out-of-order data was ever held, there is nothing to cut. After a
    // gap it is held, and SACK reports it.
    if (this.held !== NOTHING || seqGt(start, this.nxt)) this.ownOutOfOrder().endAt(seq);
    this.finSeen = true;
    this.finSeq = seq;
  }

  /** A FIN without data, after a gap. */
  finOutOfOrder(seq: Seq): void {
    this.outOfOrderSegments++;
    this.owe(seq, seq);
  }

  /** Eighth step: returns true once, when all data before the FIN has arrived. */
  reachFin(): boolean {
    if (!this.finSeen || this.finReceived || this.nxt !== this.finSeq) return false;
    this.finReceived = true;
    this.held.finReached();
    this.nxt = seqAdd(this.nxt, 1);
    this.window.edge = seqMax(this.window.edge, this.nxt);
    this.ack.finArrived();
    return true;
  }

  /**
   * When an ACK is due (SHLD-18, SHLD-19): at once for more than one full segment (a super-segment
   * counts as its parts), while quick ACKs are left, and if `ackNow` is already set; otherwise it
   * is delayed. Linux also delays the ACK of more than one full segment while the window cannot
   * move; RFC 9293 section 3.8.6.3 has no such exception.
   */
  private decideAck(): void {
    if (seqDiff(this.nxt, this.lastAckSent) > this.ack.mss || this.ack.isQuick) this.ackNow = true;
  }

  /** The user read `bytes`: an ACK may now be due, for the data or to open the window. */
  onRead(bytes: Bytes): void {
    const { ack, queue } = this;
    this.tuning.userRead(bytes);
    if (this.finReceived) return;
    if (ack.isPushed && queue.length === 0) this.ackNow = true;
    else if (this.windowUpdateDue()) this.ackNow = true;
  }

  /**
   * Owes one more duplicate ACK. A non-empty [start, end) is reported as a duplicate by D-SACK (RFC
   * 2883).
   */
  owe(start: Seq, end: Seq): void {
    this.duplicates.owe(start, end);
  }

  /** The next ACK has SACK blocks, if SACK was negotiated. */
  get hasBlocksToTell(): boolean {
    return this.duplicates.count > 0 || !this.outOfOrder.hasNothingToSack;
  }

  /** Writes the SACK blocks of the next ACK into `seg`, at most `room`. */
  writeSack(seg: Segment, room: number): void {
    this.duplicates.writeSack(seg, room, this.outOfOrder);
  }

  /** An ACK was sent, which covers everything owed except further duplicate ACKs. */
  ackSent(): void {
    this.ackNow = false;
    this.ack.ackSent();
    this.lastAckSent = this.nxt;
    this.duplicates.paid();
  }

  /** The window field of the next segment. */
  offerWindow(): number {
    const { queued } = this;
    if (this.window.isTight(queued)) this.ack.quick = 0;
    return this.window.offer(this.nxt, queued, this.ack.mss);
  }

  /** The window field of a SYN. `timestamps`: they were negotiated. */
  offerSynWindow(timestamps: boolean): number {
    return this.window.offerOnSyn(this.nxt, this.fullSegment(timestamps));
  }

  windowUpdateDue(): boolean {
    return this.window.updateDue(this.nxt, this.queued, this.ack.mss);
  }

  /** Memory held, in bytes. */
  get memory(): Bytes {
    return this.queue.length + this.outOfOrder.bytes + PIECE_COST * this.outOfOrder.pieceCount;
  }

  /** Unread bytes that take up room; 0 for an orphan, whose data is not kept. */
  private get queued(): Bytes {
    return this.orphaned ? 0 : this.queue.length;
  }

  /**
   * PAWS (RFC 7323 section 5.3 R1): true if `tsVal` is older than TS.Recent by more than
   * `tolerance` ticks. TS.Recent is invalid if it was not refreshed for 24 days (section 5.5). As
   * in Linux it is also invalid if it is 0, because some hosts send 0 only on their SYN.
   */
  isOldTimestamp(tsVal: number, tolerance: number, now: Micros): boolean {
    if (((this.tsRecent - tsVal) | 0) <= tolerance || now - this.tsRecentAt >= PAWS_IDLE)
      return false;
    return this.strictTimestamps || this.tsRecent !== 0;
  }

  /**
   * RFC 7323 section 4.3 (2) and (3): TS.Recent is taken from in-order segments, so a delayed ACK
   * echoes the earliest.
   */
  updateTsRecent(seg: Segment, now: Micros): void {
    if (seqLeq(seg.seq, this.lastAckSent) && !this.isOldTimestamp(seg.tsVal, 0, now)) {
      this.tsRecent = seg.tsVal;
      this.tsRecentAt = now;
    }
  }

  checkInvariants(): string | null {
    if (seqGt(this.nxt, this.window.edge)) return 'RCV.NXT is beyond the advertised window';
    if (this.queue.length < 0) return 'the receive queue has a negative length';
    return this.outOfOrder.checkInvariants(this.nxt);
  }
}
