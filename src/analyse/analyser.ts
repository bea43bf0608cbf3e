/**
 * A passive analyser: packets of a capture go in, in their order; conversations and the marks of
 * each segment come out.
 *
 *     packet ─▶ headers ─▶ conversation (a new one at a SYN after the end) ─▶ where the time went
 *            ─▶ marks (rules.ts) ─▶ losses, round trips, states, counts ─▶ onSegment
 *
 * Nothing is allocated for a packet. The memory is a few kilobytes for each conversation, and what
 * its unacknowledged segments need, at most 10,000 of them in a direction.
 */
import { seqAdd, seqDiff, type Seq } from '../base/seq.js';
import { Headers } from '../capture/headers.js';
import type { CapturedPacket } from '../capture/packet.js';
import { Ecn, MAX_WINDOW_SHIFT, TcpFlag } from '../wire/tcp.js';
import { Completeness, type Conversation } from './conversation.js';
import { ConversationTable } from './conversation-table.js';
import { type Direction, SCALE_NONE, SCALE_UNKNOWN } from './direction.js';
import { namedMtu, readQuote } from './icmp.js';
import { attribute, expect, followLoss } from './limits.js';
import { Mark } from './marks.js';
import { judge } from './rules.js';
import { SeenSegment } from './segment.js';

const { SYN, FIN, RST, PSH, ACK, ECE } = TcpFlag;
/** An ACK (ns) that came later than this after the data was delayed (RFC 1122 4.2.3.2). */
const DELAYED_ACK = 30e6;
/** A small segment (ns) so soon after an ACK was waiting for it. */
const AT_ONCE = 2e6;

export interface AnalyserOptions {
  /** Called for each segment, after it was judged. */
  readonly onSegment?: (segment: SeenSegment, headers: Headers) => void;
}

export class Analyser {
  private readonly table = new ConversationTable();
  private readonly segment = new SeenSegment();
  private readonly headers = new Headers();
  private readonly quote = new Headers();
  private readonly onSegment: ((segment: SeenSegment, headers: Headers) => void) | null;
  private firstSeconds = -1;
  private firstNanos = 0;
  /** Packets that were looked at, and those of them that were TCP segments. */
  packets = 0;
  segments = 0;
  /** TCP segments that the snap length cut within their header, and later fragments. */
  unreadable = 0;

  constructor(options: AnalyserOptions = {}) {
    this.onSegment = options.onSegment ?? null;
  }

  /** In the order of their first segments: the index is Wireshark's `tcp.stream`. */
  get conversations(): readonly Conversation[] {
    return this.table.all;
  }

  /** Time of the first packet, in seconds since 1970: what all other times are relative to. */
  get startedAt(): number {
    return Math.max(this.firstSeconds, 0) + this.firstNanos / 1e9;
  }

  /** Reads the headers of a packet and follows its conversation. */
  packet(packet: CapturedPacket): void {
    this.headers.read(packet);
    this.read(packet, this.headers);
  }

  /** The same with headers that were read already. */
  read(packet: CapturedPacket, h: Headers): void {
    this.packets++;
    if (this.firstSeconds < 0) {
      this.firstSeconds = packet.seconds;
      this.firstNanos = packet.nanos;
    }
    const time = (packet.seconds - this.firstSeconds) * 1e9 + packet.nanos - this.firstNanos;
    if (!h.isTcp) {
      this.other(packet, h, time);
      return;
    }
    if (h.malformed) {
      this.unreadable++;
      return;
    }
    this.segments++;
    const conv = this.conversationOf(h);
    const { segment } = this;
    segment.number = packet.number;
    segment.time = time;
    segment.conversation = conv;
    segment.direction = this.table.direction;
    this.fill(h);
    this.follow(conv, h);
    if (this.onSegment !== null) this.onSegment(segment, h);
  }

  private other(packet: CapturedPacket, h: Headers, time: number): void {
    if (h.protocol === 6) this.unreadable++;
    if (!readQuote(packet, h, this.quote)) return;
    const conv = this.table.find(this.quote);
    if (conv === null) return;
    conv.addIcmp({
      frame: packet.number,
      time,
      version: h.version === 6 ? 6 : 4,
      type: h.icmpType,
      code: h.icmpCode,
      mtu: namedMtu(packet, h),
      about: this.table.direction,
    });
  }

  /** Finds the conversation, or begins one: at the first segment, and at a SYN after the end. */
  private conversationOf(h: Headers): Conversation {
    const { table, segment } = this;
    segment.marks = 0;
    const conv = table.find(h);
    if (conv === null) return table.add(h);
    if ((h.flags & (SYN | ACK)) !== SYN) return conv;
    const own = conv.directions[table.direction];
    const isOver = (conv.completeness & (Completeness.fin | Completeness.rst)) !== 0;
    if (!own.hasBase || (h.seq === own.base && !isOver)) return conv;
    segment.marks = Mark.reusedPorts;
    return table.add(h);
  }

  private fill(h: Headers): void {
    const { segment } = this;
    segment.seq = h.seq;
    segment.ack = h.ack;
    segment.flags = h.flags;
    segment.length = h.payloadLength;
    segment.windowField = h.window;
    segment.ttl = h.ttl;
    segment.duplicateNumber = 0;
    segment.duplicateOf = 0;
    segment.isRepeat = false;
    segment.inFlight = -1;
    segment.acksFrame = 0;
    segment.ackRtt = NaN;
    segment.rtoFrame = 0;
    segment.rto = NaN;
  }

  private follow(conv: Conversation, h: Headers): void {
    const { segment } = this;
    const { direction, flags } = segment;
    const own = conv.directions[direction];
    const peer = conv.directions[direction === 0 ? 1 : 0];
    if (conv.packets === 0) {
      conv.firstFrame = segment.number;
      conv.firstTime = conv.lastTime = segment.time;
    }
    if (!own.hasBase) setBase(own, (flags & SYN) === 0 ? seqAdd(segment.seq, -1) : segment.seq);
    if (!peer.hasBase && (flags & ACK) !== 0) setBase(peer, seqAdd(segment.ack, -1));
    if ((flags & SYN) !== 0) takeSyn(conv, segment, h, own, peer);
    segment.window = windowOf(segment, own);
    const repeatsSmall = own.lastLength;
    if ((flags & RST) === 0) noteUnique(segment, own);
    takeSack(h, own);
    judge(segment, conv, own, peer);
    noteHandshake(conv, segment);
    attribute(conv, segment);
    followLoss(segment, own, peer);
    noteRoundTrips(segment, h, own, peer);
    noteNagle(segment, own, peer, repeatsSmall);
    noteEnds(conv, segment, own, peer);
    conv.states.sent(direction, flags, segment.ack, own, peer);
    this.count(conv, h, own, peer);
    expect(conv);
  }

  private count(conv: Conversation, h: Headers, own: Direction, peer: Direction): void {
    const { segment } = this;
    const { length, time, window } = segment;
    own.packets++;
    own.bytes += h.transportLength;
    if (segment.marks !== 0) own.count(segment.marks, segment.number);
    if (own.packets === 1) {
      own.firstTime = time;
      own.ttl = h.ttl;
    }
    own.lastTime = time;
    if ((h.tos & 3) === Ecn.ce) own.congestionMarks++;
    if ((segment.flags & (ECE | SYN)) === ECE) own.congestionEchoes++;
    if ((segment.flags & RST) === 0) {
      own.window = window;
      if (window < own.minWindow) own.minWindow = window;
      if (window > own.maxWindow) own.maxWindow = window;
      if ((segment.flags & ACK) !== 0)
        own.setEdge(seqAdd(segment.ack, window), time, conv.initialRtt || 0);
    }
    if (length > 0) {
      conv.completeness |= Completeness.data;
      conv.lastTalker = segment.direction;
      own.dataPackets++;
      own.payload += length;
      own.lastLength = length;
      own.lastDataTime = time;
      own.lastPush = (segment.flags & PSH) !== 0;
      if (length > own.largest) own.largest = length;
      if (segment.inFlight > own.maxFlight) own.maxFlight = segment.inFlight;
    }
    if (segment.acksFrame !== 0 && !peer.inRecovery && peer.largestAcked < peer.lastLength)
      peer.largestAcked = peer.lastLength;
    conv.packets++;
    conv.lastPause = time - conv.lastTime;
    conv.lastTime = time;
    conv.lastFrame = segment.number;
  }
}

function setBase(direction: Direction, base: Seq): void {
  direction.base = base;
  direction.hasBase = true;
}

/** Options of a SYN (RFC 9293 3.2, RFC 7323, RFC 2018), and whose it is. */
function takeSyn(
  conv: Conversation,
  seg: SeenSegment,
  h: Headers,
  own: Direction,
  peer: Direction,
): void {
  own.base = seg.seq;
  own.hasSyn = true;
  own.synFrame = seg.number;
  own.synTime = seg.time;
  own.syns++;
  if (h.mss > 0) own.mss = h.mss;
  own.sackPermitted = h.sackPermitted;
  own.timestamps = h.hasTimestamps;
  own.scaleSent = h.wscale;
  own.scale = h.wscale >= 0 ? Math.min(h.wscale, MAX_WINDOW_SHIFT) : SCALE_NONE;
  const isAnswer = (seg.flags & ACK) !== 0;
  if (isAnswer) {
    conv.completeness |= Completeness.synAck;
    conv.synAckTime = seg.time;
    conv.opener = seg.direction === 0 ? 1 : 0;
    // Both must have the option, or it is off.
    if (own.scale === SCALE_NONE || peer.scale === SCALE_NONE) own.scale = peer.scale = SCALE_NONE;
    return;
  }
  conv.completeness |= Completeness.syn;
  conv.synTime = seg.time;
  conv.opener = seg.direction;
}

/** Counts the bytes by which the segment moves its direction on, captured or not. */
function noteUnique(seg: SeenSegment, own: Direction): void {
  const news = own.hasNext ? seqDiff(seqAdd(seg.seq, seg.length), own.next) : seg.length;
  if (news > 0) own.uniqueBytes += news;
}

function takeSack(h: Headers, own: Direction): void {
  own.sackCount = h.sackCount;
  for (let i = 0; i < 2 * h.sackCount; i++) own.sackEdges[i] = h.sackEdges[i]!;
}

/** RFC 7323 section 2.2: the window of a SYN is not scaled. */
function windowOf(seg: SeenSegment, own: Direction): number {
  if ((seg.flags & SYN) !== 0 || own.scale === SCALE_UNKNOWN || own.scale === SCALE_NONE)
    return seg.windowField;
  return seg.windowField * (1 << own.scale);
}

function noteHandshake(conv: Conversation, seg: SeenSegment): void {
  if ((seg.flags & (SYN | ACK)) !== ACK) return;
  const hasSyn = (conv.completeness & Completeness.syn) !== 0;
  // As Wireshark: up to the first ACK, so a refusal (RST,ACK) has a round trip, too.
  if (hasSyn && Number.isNaN(conv.initialRtt)) conv.initialRtt = seg.time - conv.synTime;
  if ((seg.flags & RST) !== 0) return;
  conv.completeness |= Completeness.ack;
  if (!hasSyn || seg.direction !== conv.opener || !Number.isNaN(conv.handshakeTime)) return;
  conv.handshakeTime = seg.time;
}

function noteRoundTrips(seg: SeenSegment, h: Headers, own: Direction, peer: Direction): void {
  if (seg.acksFrame !== 0 && !peer.inRecovery && seg.ackRtt >= 0) {
    peer.rttCount++;
    peer.rttSum += seg.ackRtt;
    if (seg.ackRtt < peer.rttMin) peer.rttMin = seg.ackRtt;
    if (seg.ackRtt > peer.rttMax) peer.rttMax = seg.ackRtt;
  }
  if (!h.hasTimestamps) return;
  if (!Number.isNaN(peer.tsPendingTime) && h.tsEcr === peer.tsPending && (seg.flags & ACK) !== 0) {
    const rtt = seg.time - peer.tsPendingTime;
    peer.tsPendingTime = NaN;
    peer.tsRttCount++;
    peer.tsRttSum += rtt;
    if (rtt < peer.tsRttMin) peer.tsRttMin = rtt;
    if (rtt > peer.tsRttMax) peer.tsRttMax = rtt;
  }
  // One value at a time, at its first use, on a segment that will be acknowledged.
  if (seg.length > 0 && Number.isNaN(own.tsPendingTime) && h.tsVal !== own.tsPending) {
    own.tsPending = h.tsVal;
    own.tsPendingTime = seg.time;
  }
}

/** Nagle's algorithm (RFC 9293 3.7.4) and a delayed ACK wait for each other. */
function noteNagle(seg: SeenSegment, own: Direction, peer: Direction, before: number): void {
  if (seg.acksFrame !== 0 && seg.length === 0) peer.delayedAck = seg.ackRtt;
  if (seg.length === 0) return;
  const waited = own.delayedAck;
  own.delayedAck = NaN;
  const isSmall = seg.length < own.largest || own.largest < 500;
  const isFirst = (seg.marks & Mark.retransmission) === 0;
  if (!(waited > DELAYED_ACK) || waited > 10 * DELAYED_ACK || !isSmall || !isFirst) return;
  if (seg.time - peer.lastTime > AT_ONCE || before >= 1000) return;
  own.nagleWaits++;
  own.nagleTime += waited;
}

function noteEnds(conv: Conversation, seg: SeenSegment, own: Direction, peer: Direction): void {
  const { flags, time } = seg;
  if ((flags & FIN) !== 0) {
    conv.completeness |= Completeness.fin;
    if (own.finFrame === 0) {
      own.finFrame = seg.number;
      own.finTime = time;
      own.finEnd = seqAdd(seg.seq, seg.length + 1);
    }
  }
  if ((flags & RST) !== 0) {
    conv.completeness |= Completeness.rst;
    own.resets++;
    if (own.rstFrame === 0) {
      own.rstFrame = seg.number;
      own.rstTime = time;
      own.rstTtl = seg.ttl;
      own.resetWithoutAck = (flags & ACK) === 0;
      own.packetsBeforeReset = own.packets;
      // The packet that it answers came just now; the silence is before that one.
      own.idleBeforeReset = Math.max(conv.lastPause, time - conv.lastTime);
    }
  }
  const acksFin = peer.finFrame !== 0 && (flags & ACK) !== 0 && ((seg.ack - peer.finEnd) | 0) >= 0;
  if (acksFin && Number.isNaN(peer.finAckedTime)) peer.finAckedTime = time;
}
