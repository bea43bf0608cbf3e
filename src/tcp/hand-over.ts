/**
 * The last step for every outgoing segment: our acknowledgment and window, options and counters.
 * Then the observer sees it, and the stack takes it.
 */
import type { Micros } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import { Timer } from './timers.js';
import { announceUrgent } from './urgent.js';

/**
 * Receives outgoing segments. `segment` is one reused object: output fills it and calls `send`. Its
 * payload is in the sender's ring buffer and may wrap around from the end of the slab to its start.
 */
export interface SegmentSink {
  readonly segment: Segment;
  /** Nothing that is sent goes out, because the queue before the device drops everything. */
  readonly dropsAll?: boolean;
  send(conn: Tcb, segment: Segment, now: Micros): void;
}

/** RFC 2018 section 3: most SACK blocks in 40 bytes of options, without and with timestamps. */
const SACK_ROOM = 4;
const SACK_ROOM_WITH_TIMESTAMPS = 3;
/** Bytes of the SACK option with two NOPs before it, and of each block. */
const SACK_BYTES = 4;
const SACK_BLOCK_BYTES = 8;

/**
 * Fills in what every segment after the SYN carries: acknowledgment, window, timestamps, SACK
 * blocks.
 */
export function finishSegment(c: Tcb, seg: Segment, now: Micros): void {
  const { rcv } = c;
  seg.ack = rcv.nxt;
  if (rcv.ecn.echo) seg.flags |= TcpFlag.ECE;
  if (c.snd.isUrgent) announceUrgent(c.snd, seg);
  const before = rcv.wnd;
  seg.wnd = rcv.offerWindow();
  noteWindow(c, before, now);
  if (c.timestamps) seg.putTimestamps(c.timestampNow(now), rcv.tsRecent);
  if (c.sack && rcv.hasBlocksToTell) writeSack(c, seg);
}

/**
 * While data is out of order, every segment has SACK blocks, data segments included (RFC 2018
 * section 4).
 */
function writeSack(c: Tcb, seg: Segment): void {
  c.rcv.writeSack(seg, c.timestamps ? SACK_ROOM_WITH_TIMESTAMPS : SACK_ROOM);
}

/**
 * Bytes that the next segment's SACK blocks take from its payload (RFC 6691 section 2). `scratch`
 * is overwritten.
 */
export function sackBytes(c: Tcb, scratch: Segment): Bytes {
  writeSack(c, scratch);
  const { sackCount } = scratch;
  return sackCount === 0 ? 0 : SACK_BYTES + sackCount * SACK_BLOCK_BYTES;
}

function noteWindow(c: Tcb, before: number, now: Micros): void {
  const after = c.rcv.wnd;
  if (after === 0 && c.rcv.announcedWindow !== 0) {
    c.env.counters.TcpExtTCPToZeroWindowAdv++;
    c.observed?.note({ note: 'window-closed', before }, now);
  } else if (after > 0 && c.rcv.announcedWindow === 0) {
    c.env.counters.TcpExtTCPFromZeroWindowAdv++;
    c.observed?.note({ note: 'window-opened', window: after }, now);
  }
  c.rcv.announcedWindow = after;
}

/** A segment with an ACK went out, so no ACK is owed for in-order data. */
export function ackWentOut(c: Tcb, now: Micros): void {
  c.rcv.ackSent();
  c.stopTimer(Timer.delayedAck, now);
}

export function hand(c: Tcb, seg: Segment, again: boolean, now: Micros, out: SegmentSink): void {
  const segments = seg.wireSegments;
  // As in Linux: segments of a handshake are not counted for the connection, except our own SYN.
  if (!(c.isOpening && seg.has(TcpFlag.RST)) && !(c.passive && seg.has(TcpFlag.SYN)))
    c.stats.segsOut += segments;
  if (seg.payloadBytes > 0) c.stats.dataSegsOut += segments;
  c.env.counters.TcpOutSegs += segments;
  seg.sourcePort = c.flow.localPort;
  seg.destinationPort = c.flow.remotePort;
  if (out.dropsAll === true) return;
  c.env.observer?.segmentSent(c, seg, again, now);
  out.send(c, seg, now);
}

/**
 * `segments`: number on the wire. Received D-SACKs are compared with it, because the network
 * duplicates segments, too.
 */
export function countRetransmission(c: Tcb, bytes: Bytes, segments: Segments): void {
  c.stats.retransmissions += segments;
  c.stats.bytesRetransmitted += bytes;
  c.env.counters.TcpRetransSegs += segments;
}
