/**
 * TIME-WAIT: segments that match the record of a closed connection (RFC 9293 section 3.10.7.4, RFC
 * 6191, RFC 7323). The connection no longer exists, only the numbers that the rules need. The stack
 * keeps the records.
 */
import { seqGt, type Seq } from '../base/seq.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { TcpConfig } from './config.js';

/**
 * The stored numbers of a connection. One object is filled from the table for each segment that
 * needs it.
 */
export class TimeWaitRecord {
  sndNxt: Seq = 0;
  rcvNxt: Seq = 0;
  /** The window field as last sent. */
  wnd = 0;
  timestamps = false;
  tsRecent = 0;
  tsOffset = 0;
  /** MUST-48: the type of service of the connection's packets. */
  tos = 0;
}

export const TimeWait = {
  /** Drop the segment. */
  drop: 0,
  /** Acknowledge and restart 2 MSL: a repeated FIN, or an old segment that needs an answer. */
  acknowledge: 1,
  /** A RST ends TIME-WAIT. */
  close: 2,
  /** A new connection may reuse the ports: pass the SYN to the listener. */
  reopen: 3,
} as const;

export type TimeWaitVerdict = (typeof TimeWait)[keyof typeof TimeWait];

/** Decides what to do with `seg`. May change `record.tsRecent`. */
export function arrivesInTimeWait(
  record: TimeWaitRecord,
  seg: Segment,
  config: TcpConfig,
): TimeWaitVerdict {
  const { rfc1337, strictTimestamps } = config;
  const missing = record.timestamps && !seg.hasTimestamps && !seg.has(TcpFlag.RST);
  // RFC 7323 section 3.2: dropped, except a SYN, because a host that restarted has no negotiated
  // options.
  if (strictTimestamps && missing && !seg.has(TcpFlag.SYN)) return TimeWait.drop;
  const old = record.timestamps && seg.hasTimestamps && ((seg.tsVal - record.tsRecent) | 0) < 0;
  if (seg.has(TcpFlag.RST)) {
    // RFC 5961 section 3.2: only a RST with the exact sequence number is valid. RFC 1337 (F1): not
    // even that one, because an old duplicate makes us send an ACK, the peer answers that ACK with
    // a RST, and the RST would end TIME-WAIT early.
    return seg.seq === record.rcvNxt && !old && !rfc1337 ? TimeWait.close : TimeWait.drop;
  }
  if (seg.has(TcpFlag.SYN) && !seg.has(TcpFlag.ACK) && !old) {
    // MAY-2, SHLD-4: the timestamp or sequence number shows that the SYN is not a duplicate from
    // the old connection.
    const newer = record.timestamps && seg.hasTimestamps && ((seg.tsVal - record.tsRecent) | 0) > 0;
    if (newer || seqGt(seg.seq, record.rcvNxt)) return TimeWait.reopen;
  }
  if (seg.len > 0 || old || seg.seq !== record.rcvNxt) return TimeWait.acknowledge;
  if (seg.hasTimestamps) record.tsRecent = seg.tsVal;
  return TimeWait.drop;
}

/**
 * Builds the ACK that answers `seg` in TIME-WAIT: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>. `tsNow` is
 * our clock in milliseconds.
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
