/**
 * The sending half of ECN, RFC 3168 section 6.1: which segments routers may mark, and CWR on the
 * next new data after a reduction. Loss recovery handles an ECE (`enterCwr`): as a loss,
 * but once for each window of data, and without retransmissions.
 */
import { Ecn, TcpFlag, type Segment } from '../../wire/tcp.js';
import type { Sender } from './sender.js';

/**
 * `seg` carries new data, the only kind of segment that routers may mark (section 6.1.5).
 */
export function markNewData(snd: Sender, seg: Segment): void {
  if (!snd.ecnAgreed) return;
  seg.ecn = Ecn.ect0;
  if (!snd.cwrOwed) return;
  snd.cwrOwed = false;
  seg.flags |= TcpFlag.CWR;
}
