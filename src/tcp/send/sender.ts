/**
 * The sending half: SND.*, unsent data, data in flight, and when it must be retransmitted. It
 * decides how much may be sent; output.ts decides which segments that makes. It does not see the
 * receiving half.
 *
 *            1         2          3          4
 *       ──────────┼──────────┼──────────┼──────────
 *              SND.UNA    SND.NXT    SND.UNA + SND.WND        (RFC 9293 figure 3)
 *
 *     1 acknowledged   2 in flight   3 may be sent now   4 not yet
 *
 * A Sender owns the state of the sending half (`recovery`, `rack`, `pacing` and their like), and
 * none of these classes knows the Sender. The rules that work on all of it are functions that take
 * the Sender, in files of their own (recovery/recovery.ts, send/mtu-probe.ts, ...).
 */
import { roundUpPowerOfTwo } from '../../base/exact-math.js';
import { seqAdd, seqDiff, seqGeq, seqGt, type Seq } from '../../base/seq.js';
import type { SlabPool } from '../../base/slab-pool.js';
import { MILLISECOND, type Micros } from '../../base/time.js';
import type { Bytes } from '../../base/units.js';
import type { AckNews } from '../recovery/ack-news.js';
import type { TcpConfig } from '../config.js';
import type { AckSample } from '../congestion/ack-sample.js';
import type { CongestionControl } from '../congestion/control.js';
import type { TcpCounters } from '../counters.js';
import { ChronoClock } from './chrono.js';
import {
  createCongestionControl,
  type CongestionName,
  type HystartName,
} from '../congestion/index.js';
import { takeOver } from '../congestion/window.js';
import { CwndUsage } from './cwnd-usage.js';
import { DeliveryRate } from './delivery-rate.js';
import { Pacing } from './pacing.js';
import { Prr } from '../recovery/prr.js';
import { Rack } from '../recovery/rack.js';
import type { SenderPort } from './port.js';
import { RecordEnds } from './record-ends.js';
import { DUPLICATE_ACK_THRESHOLD, LossProbe, Recovery } from '../recovery/recovery-state.js';
import { RttEstimator } from './rtt.js';
import { SackMemory } from '../recovery/sack-memory.js';
import type { SegmentSize } from './segment-size.js';
import { SendBuffer } from './send-buffer.js';
import { SentQueue, type SentSegmentPool } from './sent-queue.js';
import { SOCK_MIN_SNDBUF, TCP_INIT_CWND, TCP_MSS_DEFAULT } from '../linux-constants.js';

/** Memory for records that even the smallest buffer allows, in bytes. */
const LEAST_RECORD_BYTES = 65_536;
/** Cost of a segment beside its payload, as Linux counts: room for headers, and the sk_buff. */
const SEGMENT_OVERHEAD = 640;
const DESCRIPTION = 256;

/** 64 KB less the room that Linux keeps for headers. */
const MOST_WRITE_UNIT = 65_215;

/** Bytes of memory for a segment: its payload and headers in a power of two. */
const memoryOf = (mss: Bytes): Bytes => roundUpPowerOfTwo(mss + SEGMENT_OVERHEAD) + DESCRIPTION;

/**
 * A send buffer of this size carries 8 Gbit/s over a round trip of that length, and fits into the
 * processor's cache.
 */
const CACHED_BYTES = 1 << 20;
const SHORT_ROUND_TRIP: Micros = MILLISECOND;

/** State shared by all senders of a stack. */
export interface SenderEnv {
  readonly counters: TcpCounters;
  readonly pool: SlabPool;
  /** Records of segments in flight that are free for reuse. */
  readonly records: SentSegmentPool;
  /** The news of the ACK being processed; valid only meanwhile, for any connection. */
  readonly news: AckNews;
  readonly sample: AckSample;
}

export class Sender {
  readonly port: SenderPort;
  readonly config: TcpConfig;
  readonly counters: TcpCounters;
  readonly size: SegmentSize;
  /** Options in force: offered before the peer's SYN arrives, negotiated after it. */
  timestamps: boolean;
  sack: boolean;
  /** Offset that is added to the clock's milliseconds for TSval. */
  readonly tsOffset: number;
  readonly iss: Seq;
  una: Seq;
  nxt: Seq;
  /** SND.UP: after the last urgent byte; follows SND.UNA when nothing is urgent. */
  up: Seq;
  /** SND.WND in bytes, scaled. MUST-1, REC-1: unsigned, kept in more than 16 bits. */
  wnd: Bytes = 0;
  wl1: Seq = 0;
  wl2: Seq = 0;
  /**
   * MAX.SND.WND: the largest window the peer ever offered (RFC 5961 section 5.2, sender's SWS
   * avoidance).
   */
  maxWnd: Bytes = 0;
  /** The peer's window shift (Snd.Wind.Shift). */
  wscale = 0;
  /**
   * Payload bytes of a full segment: the effective send MSS (MUST-16), option bytes already taken
   * off.
   */
  mss = TCP_MSS_DEFAULT;
  /** Our SYN is not acknowledged yet. */
  synUnacked = true;
  /** The user called CLOSE: FIN follows the last byte. */
  finQueued = false;
  finSent = false;
  noDelay: boolean;
  /** TCP_CORK. */
  cork = false;
  /** MSG_MORE: the last write announced another. It holds until a segment arrives. */
  moreComes = false;
  /** The last write had MSG_MORE, so its end gets no PSH. */
  endsWithMore = false;
  /**
   * Unsent data is sent once, even if the segment is small, because TCP_NODELAY was just set or
   * TCP_CORK cleared.
   */
  flush = false;
  /** Linux's sk_sndbuf: limit of unsent and unacknowledged bytes. */
  bufferBytes: Bytes;
  private bufferLocked: boolean;
  /** TCP_NOTSENT_LOWAT. */
  notSentLowat: Bytes;
  /**
   * The chunk that is sent in one go (push.ts), and the sequence number where output of this turn
   * began.
   */
  chunkStart: Seq;
  chunkEnd: Seq;
  burstStart: Seq;
  /** Minshall's variable: the end of the last segment sent that was not full. */
  smallEnd: Seq;
  lastSentAt: Micros = 0;
  /** Unsent data may follow a pause: a write into an empty queue, or a new window. */
  mayFollowPause = false;
  /**
   * When the segment in timeout was first retransmitted, from which R2 counts; 0 without a timeout.
   */
  retransmittingSince: Micros = 0;
  /** Timeouts since SND.UNA last moved. */
  timeouts = 0;
  /** Zero-window probes since the window closed, and those of them that were not answered. */
  probesSent = 0;
  probesUnanswered = 0;
  /** When the first of them would have been sent. */
  probingSince: Micros = 0;
  /** The device's queue dropped the last segment (local-drop.ts). */
  droppedHere = false;
  /** The override timeout of silly-window avoidance expired: any part that fits may be sent. */
  overrideSillyWindow = false;
  /** Ends of unacknowledged records (MSG_EOR); null while there are none. */
  recordEnds: RecordEnds | null = null;
  /** The end of the last segment that carried PSH. */
  pushedSeq: Seq;
  /** End of the SACKed data; valid only while data is SACKed. */
  highestSacked: Seq;
  /** Segments that the peer's D-SACKs reported as duplicates. */
  duplicatesReported = 0;
  /**
   * ECN was negotiated (RFC 3168 section 6.1.1); the next new data carries CWR, because the window
   * was reduced.
   */
  ecnAgreed = false;
  cwrOwed = false;

  readonly buffer: SendBuffer;
  readonly sent: SentQueue;
  readonly rtt: RttEstimator;
  congestion: CongestionControl;
  readonly recovery: Recovery;
  readonly rack = new Rack();
  readonly prr = new Prr();
  readonly probe = new LossProbe();
  readonly rate = new DeliveryRate();
  readonly pacing = new Pacing();
  readonly chrono = new ChronoClock();
  readonly usage: CwndUsage;
  readonly sackMemory = new SackMemory();
  readonly news: AckNews;
  readonly sample: AckSample;

  constructor(
    port: SenderPort,
    iss: Seq,
    tsOffset: number,
    config: TcpConfig,
    env: SenderEnv,
    size: SegmentSize,
  ) {
    this.port = port;
    this.config = config;
    this.counters = env.counters;
    this.size = size;
    this.timestamps = config.timestamps;
    this.sack = config.sack;
    this.tsOffset = tsOffset;
    this.iss = iss;
    this.una = iss;
    this.nxt = iss;
    this.up = iss;
    this.smallEnd = iss;
    this.pushedSeq = iss;
    this.noDelay = config.noDelay;
    this.bufferLocked = config.sendBufferBytes > 0;
    this.bufferBytes = this.bufferLocked ? config.sendBufferBytes : config.wmem.default;
    this.notSentLowat = config.notSentLowat;
    this.chunkStart = iss;
    this.chunkEnd = iss;
    this.burstStart = iss;
    this.buffer = new SendBuffer(env.pool);
    this.sent = new SentQueue(env.records);
    this.news = env.news;
    this.sample = env.sample;
    this.highestSacked = iss;
    this.rtt = new RttEstimator(
      config.initialRto,
      config.minRto,
      config.maxRto,
      config.rtoHoldsVariance,
    );
    this.congestion = createCongestionControl(config.congestionControl, {
      hystart: config.hystart,
      random: iss,
    });
    this.recovery = new Recovery(iss);
    this.usage = new CwndUsage(iss);
  }

  /** RFC 7323 section 5.4: milliseconds, with this connection's own offset. */
  timestampNow(now: Micros): number {
    return (Math.floor(now / 1000) + this.tsOffset) | 0;
  }

  /** Urgent data is unsent or unacknowledged. */
  get isUrgent(): boolean {
    return seqGt(this.up, this.una);
  }

  /** The sequence number of the buffer's first byte. */
  get dataStart(): Seq {
    return this.synUnacked ? seqAdd(this.iss, 1) : this.una;
  }

  /** The sequence number after the last byte that the user wrote. */
  get dataEnd(): Seq {
    return seqAdd(this.dataStart, this.buffer.length);
  }

  /** Bytes of user data not sent yet. */
  get unsent(): Bytes {
    if (this.finSent) return 0;
    return this.nxt === this.iss ? this.buffer.length : seqDiff(this.dataEnd, this.nxt);
  }

  /** Bytes of `unsent` that the next segments may carry: at most the rest of a record (MSG_EOR). */
  get unsentOfRecord(): Bytes {
    const { unsent } = this;
    return this.recordEnds === null ? unsent : this.recordEnds.upToNext(this.nxt, unsent);
  }

  /**
   * Bytes that the buffer takes now. As in Linux, none while TCP_NOTSENT_LOWAT or more wait, else
   * as much as there is room for.
   */
  get room(): Bytes {
    return this.unsent < this.notSentLowat ? Math.max(0, this.bufferBytes - this.buffer.length) : 0;
  }

  /**
   * TCP_NOTSENT_LOWAT: bytes that one write may add. As in Linux, it is filled one `writeUnit` at a
   * time, until the bytes that do not fit in the windows reach the limit.
   */
  get notSentRoom(): Bytes {
    if (this.notSentLowat === Infinity) return Infinity;
    const unit = this.writeUnit;
    return Math.ceil(Math.max(0, this.notSentLowat + this.sendableNow - this.unsent) / unit) * unit;
  }

  /** Whole segments that the windows allow now. */
  private get sendableNow(): Bytes {
    const { mss } = this;
    const bytes = Math.min(this.usableWindow, (this.congestion.cwnd - this.sent.inFlight) * mss);
    return Math.max(0, bytes - (bytes % mss));
  }

  /**
   * Linux's tcp_xmit_size_goal, the most bytes in one buffer of the send queue: whole segments, up
   * to half of the peer's largest window.
   */
  private get writeUnit(): Bytes {
    const { mss, maxWnd } = this;
    const most = Math.min(MOST_WRITE_UNIT, maxWnd > TCP_MSS_DEFAULT ? maxWnd >> 1 : maxWnd);
    return Math.max(mss, most - (most % mss));
  }

  /**
   * True if a write is accepted: a third of the buffer is free, and TCP_NOTSENT_LOWAT allows it.
   */
  get isWritable(): boolean {
    const { length } = this.buffer;
    return this.bufferBytes - length >= length >> 1 && this.unsent < this.notSentLowat;
  }

  /**
   * POLLOUT, which wakes a waiting writer: less than half of TCP_NOTSENT_LOWAT is unsent, so that
   * the writer is not woken for each byte.
   */
  get wakesWriter(): boolean {
    return this.isWritable && 2 * this.unsent < this.notSentLowat;
  }

  /**
   * True if the records of segments in flight cost as much as the send buffer may hold, so that no
   * more are made. It takes tiny segments, or a peer that SACKs large ones in pieces (Linux's
   * sk_wmem_queued counts each segment's own cost, too).
   */
  get hasManyRecords(): boolean {
    return this.sent.memory >= Math.max(this.bufferBytes, LEAST_RECORD_BYTES);
  }

  /** The round trip is short: the peer is on this machine, or next to it. */
  get isNear(): boolean {
    return this.rtt.minRtt < SHORT_ROUND_TRIP;
  }

  /**
   * Linux's tcp_sndbuf_expand: room for two congestion windows, because data in flight stays here
   * until it is acknowledged. Where the round trip is short, as on a TUN, nothing is lost, so cwnd
   * says little, and a larger buffer no longer fits in the CPU cache.
   */
  expandBuffer(): void {
    if (this.bufferLocked) return;
    const segments = Math.max(TCP_INIT_CWND, this.congestion.cwnd);
    const most = this.isNear ? Math.min(this.config.wmem.max, CACHED_BYTES) : this.config.wmem.max;
    const wanted = Math.min(2 * segments * memoryOf(this.mss), most);
    if (wanted > this.bufferBytes) this.bufferBytes = wanted;
  }

  /**
   * Linux's sk_stream_moderate_sndbuf: memory is short, so the buffer shrinks to half of the queued
   * bytes.
   */
  moderateBuffer(): void {
    if (!this.bufferLocked)
      this.bufferBytes = Math.max(
        SOCK_MIN_SNDBUF,
        Math.min(this.bufferBytes, this.buffer.length >> 1),
      );
  }

  /** SO_SNDBUF. */
  setBuffer(bytes: Bytes): void {
    this.bufferLocked = true;
    this.bufferBytes = bytes;
  }

  /** FlightSize: sequence space between SND.UNA and SND.NXT. */
  get flight(): Bytes {
    return seqDiff(this.nxt, this.una);
  }

  /**
   * SND.UNA + SND.WND - SND.NXT: negative when the peer has shrunk its window (MUST-34). The window
   * that a SYN offers (Fast Open) begins behind our SYN.
   */
  get usableWindow(): Bytes {
    return seqDiff(seqAdd(this.dataStart, this.wnd), this.nxt);
  }

  /** All data that the user wrote is acknowledged, and the FIN if there is one. */
  get allAcked(): boolean {
    return this.una === this.nxt && this.unsent === 0 && !this.isFinOwed;
  }

  /** CLOSE was called, and its FIN is not sent yet. */
  get isFinOwed(): boolean {
    return this.finQueued && !this.finSent;
  }

  get finAcked(): boolean {
    return this.finSent && this.una === this.nxt;
  }

  /** The segment that a queue of this machine had dropped was sent. */
  leftAgain(): void {
    this.droppedHere = false;
    this.probesUnanswered = 0;
  }

  /** MSG_EOR: the data written so far ends a record. */
  endRecord(): void {
    this.recordEnds ??= new RecordEnds();
    this.recordEnds.mark(this.dataEnd);
  }

  changeCongestionControl(name: CongestionName, hystart: HystartName, now: Micros): void {
    const before = this.congestion;
    if (before.name === name) return;
    this.congestion = createCongestionControl(name, { hystart, random: this.iss });
    this.congestion.start(
      before.cwnd === Infinity ? this.sent.out + 1 : before.cwnd,
      this.mss,
      this.rtt.srtt,
      now,
    );
    takeOver(this.congestion, before);
  }

  /** End of the SACKed data, or `una` if nothing is SACKed. */
  get highestSackedOrUna(): Seq {
    return this.sent.sackedOut > 0 && seqGt(this.highestSacked, this.una)
      ? this.highestSacked
      : this.una;
  }

  /** More reordering was seen than three segments, so SACKed data counts as progress, too. */
  get hasHighReordering(): boolean {
    return this.recovery.reordering > DUPLICATE_ACK_THRESHOLD;
  }

  /**
   * SND.UNA moves up to `ack`. Returns how many sequence numbers that are, the SYN's not counted.
   */
  acknowledge(ack: Seq): number {
    let advanced = seqDiff(ack, this.una);
    if (this.synUnacked) {
      this.synUnacked = false;
      advanced--;
    }
    const bytes = this.finSent && ack === this.nxt ? advanced - 1 : advanced;
    this.una = ack;
    if (seqGt(ack, this.up)) this.up = ack;
    if (bytes > 0) this.buffer.release(bytes);
    if (this.recordEnds?.release(ack) === true) this.recordEnds = null;
    if (seqGt(ack, this.smallEnd)) this.smallEnd = ack;
    if (seqGeq(ack, this.highestSacked)) this.highestSacked = ack;
    this.retransmittingSince = 0;
    this.timeouts = 0;
    return advanced;
  }

  /**
   * Sets SND.WND, SND.WL1 and SND.WL2 (RFC 9293 section 3.10.7.4, fifth step). An ACK older than
   * the last update must not get here: `takeWindow` in recovery/ack.ts checks that.
   */
  updateWindow(seq: Seq, ack: Seq, wnd: Bytes): void {
    this.wnd = wnd;
    this.wl1 = seq;
    this.wl2 = ack;
    if (wnd > this.maxWnd) this.maxWnd = wnd;
  }

  /** As `updateWindow`. If `wnd` is the largest window so far, segments may be larger, too. */
  windowOffered(seq: Seq, ack: Seq, wnd: Bytes): void {
    const before = this.maxWnd;
    this.updateWindow(seq, ack, wnd);
    if (this.maxWnd > before) this.syncMss();
  }

  /** Linux's tcp_sync_mss: the MSS follows from the path MTU. */
  syncMss(): void {
    const { size } = this;
    if (size.high > size.mtu) size.high = size.mtu;
    this.mss = size.mss(this.maxWnd);
  }

  checkInvariants(): string | null {
    if (seqGt(this.una, this.nxt)) return 'SND.UNA is beyond SND.NXT';
    if (this.buffer.length < 0) return 'send buffer below empty';
    let at = this.una;
    for (const record of this.sent) {
      if (record.start !== at) return 'a hole in the records of what is in flight';
      at = record.end;
    }
    if (at !== this.nxt) return 'the records of what is in flight do not end at SND.NXT';
    return this.sent.checkInvariants(this.sack);
  }
}
