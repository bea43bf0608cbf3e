/**
 * The sending half of ECN, RFC 3168 section 6.1: which segments routers may mark, and CWR on the
 * next new data after a reduction. What an ECE does to the window is loss recovery's business
 * (`enterCwr`): as a loss, but once for a window of data, and nothing is sent again.
 */
import { Ecn, TcpFlag, type Segment } from '../../wire/tcp.js';
import type { Sender } from './sender.js';

/**
 * `seg` carries data that was never sent before: the only kind that routers may mark (section
 * 6.1.5).
 */
export function markNewData(snd: Sender, seg: Segment): void {
  if (!snd.ecnAgreed) return;
  seg.ecn = Ecn.ect0;
  if (!snd.cwrOwed) return;
  snd.cwrOwed = false;
  seg.flags |= TcpFlag.CWR;
}
