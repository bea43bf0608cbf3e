/**
 * Which RST is sent when: RFC 9293 section 3.5.2; for a segment that has no connection, 3.10.7.1.
 */
import { seqAdd } from '../base/seq.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';

/**
 * The form of a RST that a connection owes. `toSyn`: RFC 9293 3.5.2 group 1,
 * <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
 */
export const OwedReset = { none: 0, withAck: 1, bare: 2, toSyn: 3 } as const;

/**
 * Fills `rst` with the answer to `seg`; false when there is none, since a RST is never answered.
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
