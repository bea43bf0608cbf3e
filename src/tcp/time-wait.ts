/**
 * TIME-WAIT: what a segment does that meets the record of a closed connection (RFC 9293 section
 * 3.10.7.4, RFC 6191, RFC 7323). There is no connection any more, only the few numbers that the
 * rules need; where they are kept is the stack's business.
 */
import { seqGt, type Seq } from '../base/seq.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { TcpConfig } from './config.js';

/** What TIME-WAIT remembers. One object is filled from the table for each segment that needs it. */
export class TimeWaitRecord {
  sndNxt: Seq = 0;
  rcvNxt: Seq = 0;
  /** The window field as last sent. */
  wnd = 0;
  timestamps = false;
  tsRecent = 0;
  tsOffset = 0;
  /** MUST-48: the type of service of all that the connection sent. */
  tos = 0;
}

export const TimeWait = {
  /** Nothing to do. */
  drop: 0,
  /**
   * Acknowledge, and start 2 MSL anew: the peer's FIN came again, or something old that wants an
   * answer.
   */
  acknowledge: 1,
  /** A RST ends it. */
  close: 2,
  /** A new connection may take this one's place: hand the SYN to the listener. */
  reopen: 3,
} as const;

export type TimeWaitVerdict = (typeof TimeWait)[keyof typeof TimeWait];

/** May change `record.tsRecent`. */
export function arrivesInTimeWait(
  record: TimeWaitRecord,
  seg: Segment,
  config: TcpConfig,
): TimeWaitVerdict {
  const { rfc1337, strictTimestamps } = config;
  const missing = record.timestamps && !seg.hasTimestamps && !seg.has(TcpFlag.RST);
  // RFC 7323 section 3.2: dropped, but for a SYN, which may be of a host that forgot what was
  // agreed on.
  if (strictTimestamps && missing && !seg.has(TcpFlag.SYN)) return TimeWait.drop;
  const old = record.timestamps && seg.hasTimestamps && ((seg.tsVal - record.tsRecent) | 0) < 0;
  if (seg.has(TcpFlag.RST)) {
    // RFC 5961 section 3.2: only the exact sequence number. RFC 1337 (F1): not even that one, or an
    // old duplicate that provokes an ACK from us, and by it a RST from the peer, would end
    // TIME-WAIT before its time.
    return seg.seq === record.rcvNxt && !old && !rfc1337 ? TimeWait.close : TimeWait.drop;
  }
  if (seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.ACK) && !old) {
    // MAY-2, SHLD-4: a SYN that cannot be a duplicate of the old connection's, by its timestamp or
    // its sequence number.
    const newer = record.timestamps && seg.hasTimestamps && ((seg.tsVal - record.tsRecent) | 0) > 0;
    if (newer || seqGt(seg.seq, record.rcvNxt)) return TimeWait.reopen;
  }
  if (seg.len > 0 || old || seg.seq !== record.rcvNxt) return TimeWait.acknowledge;
  if (seg.hasTimestamps) record.tsRecent = seg.tsVal;
  return TimeWait.drop;
}

/**
 * The ACK that TIME-WAIT sends: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. `tsNow` is our clock in
 * milliseconds.
 */
export function timeWaitAck(
  record: TimeWaitRecord,
  seg: Segment,
  ack: Segment,
  tsNow: number,
): void {
  ack.clear();
  ack.sourcePort = seg.destinationPort;
  ack.destinationPort = seg.sourcePort;
  ack.seq = record.sndNxt;
  ack.ack = record.rcvNxt;
  ack.flags = TcpFlag.ACK;
  ack.wnd = record.wnd;
  if (record.timestamps) ack.putTimestamps((tsNow + record.tsOffset) | 0, record.tsRecent);
}
