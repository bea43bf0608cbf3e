/**
 * The receiving half: RCV.*, reassembly, the window that we offer, and which ACKs we owe. It never sends: it keeps count
 * of what is owed, and output pays. It knows nothing of the sending half.
 *
 *            1          2          3
 *       ──────────┼───────────┼──────────
 *              RCV.NXT    RCV.NXT + RCV.WND                     (RFC 9293 figure 4)
 *
 *     1 received and acknowledged   2 may come now   3 not yet
 */
import { seqAdd, seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import { NEVER } from '../base/time.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { MAX_SACK_BLOCKS, MAX_WINDOW_SHIFT, TcpFlag, type Segment } from '../wire/tcp.js';
import type { TcpConfig } from './config.js';
import { EcnReceiver, EcnUrgency } from './ecn-receiver.js';
import { OutOfOrder } from './out-of-order.js';
import { ReceiveQueue, type Allocate } from './receive-queue.js';

/** Linux's TCP_MAX_QUICKACKS: segments that are acknowledged at once when a connection is new, so that the peer's slow start runs. */
const MAX_QUICK_ACKS = 16;
/** As many again when ECN says that the sender waits for us. */
const ECN_QUICK_ACKS = 2;
/** The window field has 16 bits (RFC 9293 section 3.1). */
const MAX_WINDOW_FIELD = 0xffff;
/** Duplicate ACKs that can be owed at once; more in one batch are one. */
const MAX_OWED = 64;

export class Receiver {
  irs: Seq = 0;
  nxt: Seq = 0;
  /** RCV.NXT + RCV.WND as we last told the peer: it never moves left (SHLD-14). */
  edge: Seq = 0;
  /** Our window shift (Rcv.Wind.Shift). */
  wscale = 0;
  /** What the peer sends at most in one segment, as seen (RMSS); 0 until data came. */
  mss = 0;
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

  /** An ACK is owed at once. */
  ackNow = false;
  /** In-order bytes and segments that came since our last ACK. */
  unackedBytes = 0;
  unackedSegments = 0;
  /** Each out-of-order or duplicate segment owes its own duplicate ACK: [start, end) of each. */
  private readonly owed = new Int32Array(2 * MAX_OWED);
  private owedAt = 0;
  private owedEnd = 0;
  private quickAcks = MAX_QUICK_ACKS;
  /** Linux's pingpong: we answer what we receive, so our ACKs ride on our data. */
  private interactive = false;

  readonly ecn = new EcnReceiver();
  readonly queue: ReceiveQueue;
  readonly outOfOrder: OutOfOrder;
  private readonly bufferBytes: number;

  constructor(config: TcpConfig, allocate: Allocate) {
    this.bufferBytes = config.receiveBufferBytes;
    this.queue = new ReceiveQueue(allocate);
    this.outOfOrder = new OutOfOrder(config.outOfOrderPieces, allocate);
  }

  /** The peer's SYN came. */
  start(irs: Seq): void {
    this.irs = irs;
    this.nxt = seqAdd(irs, 1);
    this.edge = this.nxt;
    this.lastAckSent = this.nxt;
  }

  /** RCV.WND: what may still come by what we told the peer. */
  get wnd(): number {
    return Math.max(0, seqDiff(this.edge, this.nxt));
  }

  /** Segments that each wait for a duplicate ACK of their own. */
  get duplicatesOwed(): number {
    return this.owedEnd - this.owedAt;
  }

  get ackOwed(): boolean {
    return this.ackNow || this.unackedSegments > 0;
  }

  /** RFC 9293 3.10.7.4, first step: the four cases of the acceptability test. */
  isAcceptable(seq: Seq, len: number): boolean {
    const wnd = this.wnd;
    const right = seqAdd(this.nxt, wnd);
    if (wnd === 0) return len === 0 && seq === this.nxt;
    const startIn = seqGeq(seq, this.nxt) && seqLt(seq, right);
    if (len === 0) return startIn;
    const last = seqAdd(seq, len - 1);
    return startIn || (seqGeq(last, this.nxt) && seqLt(last, right));
  }

  /**
   * Seventh step: the text of a segment, of which any part may be old, new, out of order or beyond the window.
   * Returns what became of it; RCV.NXT moves over everything that is now in order.
   */
  takeText(seg: Segment): DropReason {
    const segEnd = seqAdd(seg.seq, seg.payloadBytes + ((seg.flags & TcpFlag.SYN) >> 1));
    const dataSeq = seg.has(TcpFlag.SYN) ? seqAdd(seg.seq, 1) : seg.seq;
    const start = seqMax(dataSeq, this.nxt);
    // MUST-66 and REC-1 aside, what lies beyond the window or after a FIN that we know of is cut off.
    let end = seqMin(segEnd, seqAdd(this.nxt, this.wnd));
    if (this.finSeen) end = seqMin(end, this.finSeq);
    if (seqGeq(start, end)) {
      if (seqLt(dataSeq, this.nxt)) {
        this.owe(dataSeq, seqMin(segEnd, this.nxt)); // all of it is old: a duplicate, told by D-SACK
        return Drop.none;
      }
      this.ackNow = true;
      return Drop.tcpBeyondWindow;
    }
    if (seg.payloadBytes > this.mss)
      this.mss = Math.min(seg.payloadBytes, seg.gsoSize > 0 ? seg.gsoSize : seg.payloadBytes);
    if (start === this.nxt) this.takeInOrder(seg, seqDiff(start, dataSeq), seqDiff(end, start), end);
    else return this.takeOutOfOrder(seg, start, end);
    return seqLt(end, segEnd) ? Drop.tcpBeyondWindow : Drop.none;
  }

  /** Before `takeText`, when ECN is agreed on: RFC 3168 section 6.1.3. */
  takeEcn(seg: Segment): void {
    const urgency = this.ecn.onData(seg);
    if (urgency === EcnUrgency.now) this.ackNow = true;
    else if (urgency === EcnUrgency.quick) {
      this.quickAcks = Math.max(this.quickAcks, ECN_QUICK_ACKS);
      this.interactive = false;
    }
  }

  private takeInOrder(seg: Segment, skip: number, length: number, end: Seq): void {
    const hadHole = !this.outOfOrder.isEmpty;
    if (!this.orphaned) this.queue.pushPayload(seg, skip, length);
    this.nxt = end;
    if (hadHole) {
      this.nxt = this.outOfOrder.drain(end, this.orphaned ? null : this.queue);
      this.ackNow = true; // RFC 5681 section 4.2: at once when all or part of a hole is filled
      this.forgetOwed();
    }
    if (skip > 0) this.owe(seg.seq, seqAdd(seg.seq, skip));
    this.unackedBytes += length;
    this.unackedSegments += seg.wireSegments;
    this.decideAck();
  }

  private takeOutOfOrder(seg: Segment, start: Seq, end: Seq): DropReason {
    if (this.outOfOrder.contains(start, end)) {
      this.owe(start, end);
      return Drop.none;
    }
    const added = this.outOfOrder.insert(seg, start, end);
    if (added >= 0) this.outOfOrder.touched(start);
    this.owe(start, start); // an empty range: a duplicate ACK without D-SACK
    return added < 0 ? Drop.tcpOutOfOrderLimit : Drop.none;
  }

  /**
   * A FIN at `seq` came: nothing can lie beyond it. Known before the text of its segment is taken, or text that came out of order and contradicts it
   * would be put behind that text.
   */
  noteFin(seq: Seq): void {
    if (this.finSeen || seqLt(seq, this.nxt)) return; // the latter contradicts what was received
    this.finSeen = true;
    this.finSeq = seq;
    this.outOfOrder.cutAt(seq);
  }

  /** Eighth step: true when everything before the FIN is here, once. */
  reachFin(): boolean {
    if (!this.finSeen || this.finReceived || this.nxt !== this.finSeq) return false;
    this.finReceived = true;
    this.nxt = seqAdd(this.nxt, 1);
    this.edge = seqMax(this.edge, this.nxt);
    this.ackNow = true;
    return true;
  }

  /**
   * When is an ACK due (SHLD-18, SHLD-19)? At once for the second full segment, while quick ACKs are left, and whenever
   * `ackNow` was set on the way here; else it is delayed. A super-segment counts as the segments that it was.
   */
  private decideAck(): void {
    if (this.unackedSegments >= 2 && this.unackedBytes > this.mss) this.ackNow = true;
    else if (this.quickAcks > 0 && !this.interactive) this.ackNow = true;
  }

  /** We sent data of our own in answer: Linux's pingpong mode ends the quick ACKs. */
  sentData(): void {
    this.interactive = this.unackedSegments > 0 || this.interactive;
  }

  /** One more duplicate ACK; [start, end) not empty is reported as a duplicate by D-SACK (RFC 2883). */
  owe(start: Seq, end: Seq): void {
    if (this.owedAt === this.owedEnd) {
      this.owedAt = 0;
      this.owedEnd = 0;
    }
    if (this.owedEnd === MAX_OWED) return;
    this.owed[2 * this.owedEnd] = start;
    this.owed[2 * this.owedEnd + 1] = end;
    this.owedEnd++;
  }

  /** The hole was filled: duplicate ACKs owed for what lay beyond it would now tell of no hole. D-SACKs stay. */
  private forgetOwed(): void {
    let kept = this.owedAt;
    for (let i = this.owedAt; i < this.owedEnd; i++) {
      const start = this.owed[2 * i]!;
      const end = this.owed[2 * i + 1]!;
      if (start === end && seqLt(start, this.nxt)) continue;
      this.owed[2 * kept] = start;
      this.owed[2 * kept + 1] = end;
      kept++;
    }
    this.owedEnd = kept;
  }

  /** SACK blocks for the next ACK into `seg`: first what triggered it (a duplicate: D-SACK), then the latest blocks. */
  writeSack(seg: Segment, room: number): void {
    const most = Math.min(room, MAX_SACK_BLOCKS);
    const edges = seg.sackEdges;
    let count = 0;
    let from = 0;
    if (this.owedAt < this.owedEnd) {
      const start = this.owed[2 * this.owedAt]!;
      const end = this.owed[2 * this.owedAt + 1]!;
      const trigger = start === end ? this.outOfOrder.blockAt(start) : null;
      if (start !== end) {
        edges[0] = start;
        edges[1] = end;
        count = 1;
        from = 1; // RFC 2883 section 4: the block that holds the duplicate may follow
      } else if (trigger !== null) {
        edges[0] = trigger.left;
        edges[1] = trigger.right;
        count = 1;
      }
    }
    seg.sackCount = this.outOfOrder.isEmpty ? count : this.outOfOrder.writeBlocks(edges, count, most, from);
  }

  /** An ACK went out, and with it everything owed but further duplicates. */
  ackSent(): void {
    this.ackNow = false;
    if (this.unackedSegments > 0 && this.quickAcks > 0)
      this.quickAcks -= Math.min(this.quickAcks, this.unackedSegments);
    this.unackedBytes = 0;
    this.unackedSegments = 0;
    this.lastAckSent = this.nxt;
    if (this.owedAt < this.owedEnd) this.owedAt++;
  }

  /** The window field of the next segment. The edge moves right only when that is worth a segment (MUST-39), never left. */
  offerWindow(): number {
    const offered = this.windowIfOffered();
    this.edge = seqMax(this.edge, seqAdd(this.nxt, offered));
    return offered >> this.wscale;
  }

  /** The window field of a SYN, which is never scaled (RFC 7323 section 2.2). */
  offerSynWindow(): number {
    const offered = Math.min(this.bufferBytes, MAX_WINDOW_FIELD);
    this.edge = seqMax(this.edge, seqAdd(this.nxt, offered));
    return offered;
  }

  /** The smallest shift with which the window field can offer the whole buffer. */
  get wantedWscale(): number {
    let shift = 0;
    while (shift < MAX_WINDOW_SHIFT && MAX_WINDOW_FIELD << shift < this.bufferBytes) shift++;
    return shift;
  }

  private windowIfOffered(): number {
    const unit = 1 << this.wscale;
    const free = this.orphaned ? this.bufferBytes : Math.max(0, this.bufferBytes - this.queue.length);
    const open = Math.min(free - (free % unit), MAX_WINDOW_FIELD << this.wscale);
    const current = this.wnd;
    // RFC 9293 3.8.6.2.2: keep the edge until it can move by a segment or half the buffer.
    if (open - current >= Math.min(this.bufferBytes / 2, Math.max(this.mss, 1))) return open;
    // Scaling tells the window in units only. Rounded down the edge would seem to move left (RFC 7323 section 2.4), so it is
    // rounded up; but not for ever, or a rain of tiny segments would push the edge on and on.
    const up = current + ((unit - (current % unit)) % unit);
    return up - free < this.bufferBytes / 8 ? up : current - (current % unit);
  }

  /** After a read: is the peer owed a window update? When the window was nearly closed, or could open by half the buffer. */
  windowUpdateDue(): boolean {
    const grow = this.windowIfOffered() - this.wnd;
    return grow > 0 && (grow >= this.bufferBytes / 2 || this.wnd < Math.max(this.mss, 1) || grow >= 2 * this.wnd);
  }

  /** RFC 7323 section 4.3 (2) and (3): TS.Recent follows in-order segments, so a delayed ACK echoes the earliest. */
  updateTsRecent(seg: Segment, now: Micros): void {
    if (seqLeq(seg.seq, this.lastAckSent) && ((seg.tsVal - this.tsRecent) | 0) >= 0) {
      this.tsRecent = seg.tsVal;
      this.tsRecentAt = now;
    }
  }

  checkInvariants(): string | null {
    if (seqGt(this.nxt, this.edge)) return 'RCV.NXT is beyond the window that was offered';
    if (this.unackedBytes < 0 || this.queue.length < 0) return 'receive counts below zero';
    return this.outOfOrder.checkInvariants(this.nxt);
  }
}
