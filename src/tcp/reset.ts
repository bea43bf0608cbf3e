/**
 * The fields of a RST (RFC 9293 section 3.5.2). A connection owes it (owed.ts); `resetFor` answers
 * a segment without a connection (section 3.10.7.1).
 */
import { seqAdd } from '../base/seq.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';

/** RST of an abort: <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>. */
export function oweReset(c: Tcb): void {
  const echo = c.timestamps ? c.rcv.tsRecent : null;
  c.owed.reset = { seq: c.snd.nxt, ack: c.rcv.nxt, echo, isAnswer: false };
}

/**
 * RST for `seg`. With ACK: RFC 9293 section 3.5.2 group 2, <SEQ=SEG.ACK><CTL=RST>. Without: group
 * 1, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>. RFC 7323 section 5.2: it echoes the segment's
 * timestamp; Linux does not.
 */
export function answerWithReset(c: Tcb, seg: Segment): void {
  const hasAck = seg.has(TcpFlag.ACK);
  c.owed.reset = {
    seq: hasAck ? seg.ack : 0,
    ack: hasAck ? null : seqAdd(seg.seq, seg.len),
    echo: c.config.strictTimestamps && seg.hasTimestamps ? seg.tsVal : null,
    isAnswer: true,
  };
}

/**
 * Fills `rst` with the answer to `seg`. Returns false if `seg` is a RST, which is never answered.
 * `echoTimestamps`: RFC 7323 section 5.2, RECOMMENDED; Linux does not.
 */
export function resetFor(seg: Segment, rst: Segment, echoTimestamps: boolean): boolean {
  if (seg.has(TcpFlag.RST)) return false;
  rst.clear();
  rst.sourcePort = seg.destinationPort;
  rst.destinationPort = seg.sourcePort;
  if (seg.has(TcpFlag.ACK)) {
    rst.seq = seg.ack;
    rst.flags = TcpFlag.RST;
  } else {
    rst.seq = 0;
    rst.ack = seqAdd(seg.seq, seg.len);
    rst.flags = TcpFlag.RST | TcpFlag.ACK;
  }
  if (echoTimestamps && seg.hasTimestamps) rst.putTimestamps(0, seg.tsVal);
  return true;
}
