/**
 * PSH and small segments: whether the rest of the unsent data may be sent, and which segments get
 * PSH.
 *
 *     write ───────────────┤ write ────┤ write with MSG_MORE ──┤
 *     ├ MSS ┼ MSS ┼ MSS ┼rest          ├ MSS ┼ rest waits for more
 *              PSH         PSH                PSH
 *
 * PSH marks the end of a write (MUST-61), unless MSG_MORE announces another. As in Linux, which
 * marks each packet that its segmentation offload cuts, PSH also marks the end of each chunk that
 * is sent in one go: two segments, or more on a fast path.
 */
import { doubled } from '../../base/exact-math.js';
import { seqAdd, seqDiff, seqGeq, seqLeq, seqMax, type Seq } from '../../base/seq.js';
import { SECOND } from '../../base/time.js';
import type { Sender } from './sender.js';

/** Most bytes of a packet with segmentation offload (sk_gso_max_size). */
const MAX_CHUNK = 65_536;
/**
 * Linux's tcp_tso_autosize: about a millisecond's worth at the rate of the connection, and more
 * where the round trip is short (1 << 9 us).
 */
const RATE_SHIFT = 1024;
const RTT_SHIFT = 9;
const MIN_CHUNK_SEGMENTS = 2;

/**
 * Nagle's algorithm (SHLD-7) with Minshall's change, as in Linux: a small segment waits only while
 * another small one is in flight, so that the tail of a large write does not wait for the full
 * segments before it. With TCP_CORK and MSG_MORE it always waits.
 */
export function mayBeSmall(snd: Sender): boolean {
  if (snd.finQueued || snd.flush || snd.isUrgent) return true;
  // there is more, but not for this segment
  if (snd.recordEnds !== null && snd.unsentOfRecord < snd.unsent) return true;
  if (snd.cork || snd.moreComes) return false;
  return snd.noDelay || seqLeq(snd.smallEnd, snd.una);
}

/**
 * A write ends at `end`: MUST-61, without a PUSH call PSH stands on the last buffered segment. It
 * does so when that is sent again, too; and on what is sent at last into a window too small for it,
 * as in Linux.
 */
export const endsWrite = (snd: Sender, end: Seq): boolean =>
  snd.overrideSillyWindow ||
  (end === snd.dataEnd && !snd.endsWithMore) ||
  snd.recordEnds?.has(end) === true;

/** New data `[start, end)` is the last of this turn, or half a window was sent without PSH. */
export function endsChunk(snd: Sender, start: Seq, end: Seq, cutByDevice: boolean): boolean {
  // A device that cuts segments itself gets PSH each half window only: each one costs the receiver
  // an ACK.
  if (cutByDevice) return seqDiff(end, snd.pushedSeq) > snd.maxWnd / 2;
  if (snd.isUrgent) return false; // in urgent mode it cuts segments one by one
  if (seqGeq(start, snd.chunkEnd)) {
    snd.chunkStart = start;
    snd.chunkEnd = seqAdd(start, Math.min(chunkBytes(snd), snd.unsent));
  }
  return end === snd.chunkEnd && seqDiff(end, seqMax(snd.chunkStart, snd.burstStart)) > snd.mss;
}

/**
 * Payload bytes that Linux would pass to its device in one packet: at least a millisecond's worth
 * and two segments, at most half of cwnd.
 */
export function chunkBytes(snd: Sender): number {
  const { rtt, congestion, mss } = snd;
  let bytes = MAX_CHUNK;
  if (rtt.hasSample) {
    const rate = (2 * congestion.cwnd * mss * SECOND) / rtt.srtt;
    const shift = rtt.minRtt / (1 << RTT_SHIFT);
    bytes = Math.min(
      bytes,
      rate / RATE_SHIFT + (shift < 32 ? MAX_CHUNK / doubled(1, Math.floor(shift)) : 0),
    );
  }
  const segments = Math.max(Math.floor(bytes / mss), MIN_CHUNK_SEGMENTS);
  return Math.min(segments, Math.max(Math.floor(congestion.cwnd / 2), 1)) * mss;
}
