/**
 * The receiving half: RCV.*, reassembly, and which ACKs we owe. It never sends: it keeps count of
 * what is owed, and output pays. It knows nothing of the sending half.
 *
 *            1          2          3
 *       ──────────┼───────────┼──────────
 *              RCV.NXT    RCV.NXT + RCV.WND                     (RFC 9293 figure 4)
 *
 *     1 received and acknowledged   2 may come now   3 not yet
 *
 * The window that we offer: receive-window.ts. When an ACK may wait: delayed-ack.ts. Duplicate
 * ACKs: owed-duplicates.ts.
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
import { NEVER, SECOND } from '../../base/time.js';
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

/** Quick ACKs when ECN says that the sender waits for us. */
const ECN_QUICK_ACKS = 2;
/** What the timestamps option takes of each segment, with its padding. */
export const TIMESTAMP_BYTES = 12;

/** RFC 7323 section 5.5: after 24 days the timestamp clock of a peer may have wrapped. */
const PAWS_IDLE: Micros = 24 * 86_400 * SECOND;

/** A piece of data out of order costs so many bytes beside its own. */
const PIECE_COST = 200;
/** Under memory pressure the window opens to so many segments (Linux's tcp_adjust_rcv_ssthresh). */
const PRESSED_SEGMENTS = 4;

/**
 * What nearly every connection has out of order, all its life: nobody adds to it, and what empties
 * it changes nothing.
 */
const NOTHING = new OutOfOrder(0, () => {
  throw new Error('nothing is kept here');
});

export class Receiver {
  irs: Seq = 0;
  nxt: Seq = 0;
  /** RFC 7323: TS.Recent, when it was set, and Last.ACK.sent. */
  tsRecent = 0;
  tsRecentAt: Micros = -NEVER;
  lastAckSent: Seq = 0;
  /** The window as last told, for those who watch it close and open. */
  announcedWindow = -1;
  /** A FIN came; its sequence number. It counts once RCV.NXT gets there. */
  finSeen = false;
  finSeq: Seq = 0;
  /** The FIN was reached: RCV.NXT is past it. */
  finReceived = false;
  /** Nobody reads any more: data is not kept. */
  orphaned = false;
  /** Segments that came before something that they follow. */
  outOfOrderSegments = 0;
  /** An ACK is owed at once: for data, to open the window, or a challenge ACK (RFC 5961). */
  ackNow = false;
  /** When data came in order; at first, when the connection was established. */
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
  private announcedMss: number;
  private readonly share: MemoryShare;
  private readonly strictTimestamps: boolean;

  /** `announcedMss`: the MSS option that we send. */
  constructor(config: TcpConfig, announcedMss: number, allocate: Allocate, share: MemoryShare) {
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

  /** The peer's SYN came. */
  start(irs: Seq, timestamps: boolean, windowScaling: boolean, now: Micros): void {
    this.irs = irs;
    this.nxt = seqAdd(irs, 1);
    this.lastAckSent = this.nxt;
    const mss = this.fullSegment(timestamps);
    if (windowScaling) this.window.wscale = this.window.wantedWscale;
    this.window.start(this.nxt, mss);
    this.tuning.start(this.window.ssthresh, mss, now);
  }

  /** What a full segment of the peer's carries, as far as its SYN tells. */
  private fullSegment(timestamps: boolean): number {
    return timestamps ? this.announcedMss - TIMESTAMP_BYTES : this.announcedMss;
  }

  /** TCP_MAXSEG was set before our SYN went out. */
  announceMss(mss: number): void {
    this.announcedMss = mss;
    this.ack.announcedMss = mss;
  }

  /** To be looked at; what may add to it takes `ownOutOfOrder`. */
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

  /** RCV.WND: what may still come by what we told the peer. */
  get wnd(): number {
    return this.window.size(this.nxt);
  }

  /** Our window shift (Rcv.Wind.Shift). */
  get wscale(): number {
    return this.window.wscale;
  }

  /** RMSS, as seen: payload bytes of a full segment from the peer. */
  get mss(): number {
    return this.ack.mss;
  }

  /** The sequence number of the next byte that the user reads. */
  get unread(): Seq {
    return seqAdd(this.nxt, -(this.queue.length + (this.finReceived ? 1 : 0)));
  }

  /** The next piece of the stream; null when nothing waits. */
  read(): Uint8Array | null {
    return this.urgent.pending ? this.urgent.read(this.unread, this.queue) : this.queue.shift();
  }

  /** Segments that each wait for a duplicate ACK of their own. */
  get duplicatesOwed(): number {
    return this.duplicates.count;
  }

  /** RFC 9293 3.10.7.4, first step: the four cases of the acceptability test. */
  isAcceptable(seq: Seq, len: number): boolean {
    const wnd = this.wnd;
    const right = seqAdd(this.nxt, wnd);
    if (wnd === 0) return seq === this.nxt; // MUST-66: ACK, URG and RST count; the text does not
    const startIn = seqGeq(seq, this.nxt) && seqLt(seq, right);
    if (len === 0) return startIn;
    const last = seqAdd(seq, len - 1);
    return startIn || (seqGeq(last, this.nxt) && seqLt(last, right));
  }

  /**
   * Seventh step: the text of a segment, of which any part may be old, new, out of order or beyond
   * the window. Returns what became of it; RCV.NXT moves over everything that is now in order.
   * `rto`: our retransmission timeout.
   */
  takeText(seg: Segment, now: Micros, rto: Micros): DropReason {
    const segEnd = seqAdd(seg.seq, seg.payloadBytes + ((seg.flags & TcpFlag.SYN) >> 1));
    const dataSeq = seg.has(TcpFlag.SYN) ? seqAdd(seg.seq, 1) : seg.seq;
    const start = seqMax(dataSeq, this.nxt);
    // MUST-66 and REC-1 aside, what lies beyond the window or after a FIN that we know of is cut
    // off.
    let end = seqMin(segEnd, seqAdd(this.nxt, this.wnd));
    if (this.finSeen) end = seqMin(end, this.finSeq);
    if (seqGeq(start, end)) {
      this.ack.enterQuickMode(this.wnd);
      if (seqLt(dataSeq, this.nxt)) {
        // all of it is old: a duplicate, told by D-SACK
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

  /** The text of a SYN, as far as the window has room. Returns how many bytes that is. */
  takeTextOfSyn(syn: Segment): number {
    const bytes = Math.min(syn.payloadBytes, this.wnd);
    this.queue.pushPayload(syn, 0, bytes);
    this.nxt = seqAdd(this.nxt, bytes);
    return bytes;
  }

  /** Before `takeText`, when ECN is agreed on: RFC 3168 section 6.1.3. */
  takeEcn(seg: Segment): void {
    const urgency = this.ecn.onData(seg);
    if (urgency === EcnUrgency.now) this.ackNow = true;
    else if (urgency === EcnUrgency.quick) this.ack.enterQuickMode(this.wnd, ECN_QUICK_ACKS);
  }

  private takeInOrder(seg: Segment, skip: number, length: number, end: Seq): void {
    const hadHole = !this.outOfOrder.isEmpty;
    const heldTwice = this.held.overlapping(this.nxt, end);
    if (!this.orphaned) this.queue.pushPayload(seg, skip, length);
    this.nxt = end;
    if (hadHole) {
      this.nxt = this.held.drain(end, this.orphaned ? null : this.queue);
      this.ackNow = true; // RFC 5681 section 4.2: at once when all or part of a hole is filled
      this.duplicates.forgetBelow(this.nxt);
    }
    if (skip > 0) this.owe(seg.seq, seqAdd(seg.seq, skip));
    else if (heldTwice !== null) this.owe(heldTwice.left, seqMin(heldTwice.right, end));
  }

  /**
   * The stack's memory is used up. As in Linux what waits out of order goes: nobody has
   * acknowledged it for good (RFC 2018 section 8). Data in order is taken all the same when nothing
   * waits before it, or nothing would ever move; else it must come again.
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
    // One more ACK at once tells the peer of it.
    if (window.grow(seg.payloadBytes, queued, this.announcedMss)) this.ack.quick |= 1;
  }

  private takeOutOfOrder(seg: Segment, start: Seq, end: Seq): DropReason {
    this.outOfOrderSegments += seg.wireSegments;
    this.ack.outOfOrderArrived(seg);
    const held = this.ownOutOfOrder();
    const twice = held.overlapping(start, end);
    // What was held before came twice. An ACK has room for one D-SACK: the first such range.
    // Without one the range is empty.
    const from = twice === null ? start : seqMax(start, twice.left);
    const to = twice === null ? start : seqMin(end, twice.right);
    const isNew = from !== start || to !== end;
    const added = isNew ? held.insert(seg, start, end) : 0;
    if (added >= 0) held.touched(start);
    this.owe(from, to);
    return added < 0 ? Drop.tcpOutOfOrderLimit : Drop.none;
  }

  /**
   * A FIN at `seq` came, in a segment that begins at `start`: nothing can lie beyond it. Known
   * before the text of its segment is taken, or text that came out of order and contradicts it
   * would be put behind that text.
   */
  noteFin(seq: Seq, start: Seq): void {
    if (this.finSeen || seqLt(seq, this.nxt)) return; // the latter contradicts what was received
    // In order and with nothing beyond it, it ends nothing that is held; beyond a hole it waits,
    // and SACK tells of it.
    if (this.held !== NOTHING || seqGt(start, this.nxt)) this.ownOutOfOrder().endAt(seq);
    this.finSeen = true;
    this.finSeq = seq;
  }

  /** A FIN alone, beyond a hole. */
  finOutOfOrder(seq: Seq): void {
    this.outOfOrderSegments++;
    this.owe(seq, seq);
  }

  /** Eighth step: true when everything before the FIN is here, once. */
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
   * When is an ACK due (SHLD-18, SHLD-19)? At once for more than one full segment (a super-segment
   * counts as what it was), while quick ACKs are left, and whenever `ackNow` was set on the way
   * here; else it is delayed. Linux would let more than one full segment wait, too, while the
   * window cannot move: RFC 9293 section 3.8.6.3 knows no such exception.
   */
  private decideAck(): void {
    if (seqDiff(this.nxt, this.lastAckSent) > this.ack.mss || this.ack.isQuick) this.ackNow = true;
  }

  /** The user read `bytes`: is an ACK due now, because of what was read or to open the window? */
  onRead(bytes: number): void {
    const { ack, queue } = this;
    this.tuning.userRead(bytes);
    if (this.finReceived) return;
    if (ack.isPushed && queue.length === 0) this.ackNow = true;
    else if (this.windowUpdateDue()) this.ackNow = true;
  }

  /**
   * One more duplicate ACK; [start, end) not empty is reported as a duplicate by D-SACK (RFC 2883).
   */
  owe(start: Seq, end: Seq): void {
    this.duplicates.owe(start, end);
  }

  /** The next ACK has SACK blocks, where SACK was agreed on. */
  get hasBlocksToTell(): boolean {
    return this.duplicates.count > 0 || !this.outOfOrder.hasNothingToSack;
  }

  /** SACK blocks for the next ACK into `seg`, at most `room`. */
  writeSack(seg: Segment, room: number): void {
    this.duplicates.writeSack(seg, room, this.outOfOrder);
  }

  /** An ACK went out, and with it everything owed but further duplicates. */
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

  /** The window field of a SYN. `timestamps`: they were agreed on. */
  offerSynWindow(timestamps: boolean): number {
    return this.window.offerOnSyn(this.nxt, this.fullSegment(timestamps));
  }

  windowUpdateDue(): boolean {
    return this.window.updateDue(this.nxt, this.queued, this.ack.mss);
  }

  /** What is kept here, in bytes of memory. */
  get memory(): number {
    return this.queue.length + this.outOfOrder.bytes + PIECE_COST * this.outOfOrder.pieceCount;
  }

  /** Bytes that wait to be read and take up room; nothing does when nobody reads. */
  private get queued(): number {
    return this.orphaned ? 0 : this.queue.length;
  }

  /**
   * PAWS (RFC 7323 section 5.3 R1): is `tsVal` older than TS.Recent by more than `tolerance`?
   * TS.Recent proves nothing when it was not refreshed for 24 days (section 5.5). As in Linux,
   * neither does 0: some hosts send it on their SYN only.
   */
  isOldTimestamp(tsVal: number, tolerance: number, now: Micros): boolean {
    if (((this.tsRecent - tsVal) | 0) <= tolerance || now - this.tsRecentAt >= PAWS_IDLE)
      return false;
    return this.strictTimestamps || this.tsRecent !== 0;
  }

  /**
   * RFC 7323 section 4.3 (2) and (3): TS.Recent follows in-order segments, so a delayed ACK echoes
   * the earliest.
   */
  updateTsRecent(seg: Segment, now: Micros): void {
    if (seqLeq(seg.seq, this.lastAckSent) && !this.isOldTimestamp(seg.tsVal, 0, now)) {
      this.tsRecent = seg.tsVal;
      this.tsRecentAt = now;
    }
  }

  checkInvariants(): string | null {
    if (seqGt(this.nxt, this.window.edge)) return 'RCV.NXT is beyond the window that was offered';
    if (this.queue.length < 0) return 'receive counts below zero';
    return this.outOfOrder.checkInvariants(this.nxt);
  }
}
