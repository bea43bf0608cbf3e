/**
 * Checks of a segment's timestamps (RFC 7323). PAWS (section 5) detects segments of an earlier
 * incarnation by an old TSval. An echo (TSecr, section 3.2) that was never sent belongs to another
 * connection. With `strictTimestamps` the RFC's rules apply. Otherwise Linux's tolerance applies,
 * which keeps connections alive on paths that strip timestamps or reorder segments.
 */
import { seqLt } from '../base/seq.js';
import { MILLISECOND, type Micros } from '../base/time.js';
import { Drop, type DropReason } from '../wire/drop.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import { State } from './state.js';

/**
 * Linux's TCP_PAWS_WINDOW: a TSval one tick before TS.Recent is accepted, because CPUs may read
 * their clocks out of order.
 */
const PAWS_WINDOW = 1;
/**
 * A reordered duplicate ACK is at most one RTO late. 1200 Hz is the fastest timestamp clock that
 * Linux expects of a peer.
 */
const REPLAY_TICKS_PER_SECOND = 1200;

/** Why a segment's timestamps are unacceptable, and the counter of the drop. */
export interface TimestampFault {
  readonly reason: DropReason;
  readonly counter: 'TcpExtPAWSEstab' | 'TcpExtPAWSOldAck' | 'TcpExtTSEcrRejected';
  /** An acknowledgment is owed in reply (RFC 7323 section 5.3 R1). */
  readonly answered: boolean;
}

const OLD: TimestampFault = { reason: Drop.tcpPaws, counter: 'TcpExtPAWSEstab', answered: true };
/**
 * As in Linux: reordered ACKs are common, and the peer would take each answer for a duplicate ACK.
 */
const OLD_ACK: TimestampFault = {
  reason: Drop.tcpPaws,
  counter: 'TcpExtPAWSOldAck',
  answered: false,
};
const FOREIGN: TimestampFault = {
  reason: Drop.tcpForeignEcho,
  counter: 'TcpExtTSEcrRejected',
  answered: true,
};

/**
 * The check before the sequence check (RFC 7323 section 5.3), for a segment with timestamps. Null
 * if they are acceptable.
 */
export function timestampFault(c: Tcb, seg: Segment, now: Micros): TimestampFault | null {
  if (c.state === State.synReceived && c.passive) return faultInSynReceived(c, seg, now);
  const { rcv } = c;
  const strict = c.config.strictTimestamps;
  if (seg.has(TcpFlag.RST)) return null; // section 5.2: never subject to PAWS
  if (!rcv.isOldTimestamp(seg.tsVal, strict ? 0 : PAWS_WINDOW, now)) return null;
  if (strict || seg.len > 0 || !seg.has(TcpFlag.ACK)) return OLD;
  if (seqLt(seg.seq, rcv.nxt)) return OLD_ACK;
  return isReorderedDuplicate(c, seg) ? null : OLD;
}

/**
 * SYN-RECEIVED: the final ACK must echo the TSval of one of our SYN,ACKs, which a blind attacker
 * does not know. With Fast Open it may echo the TSval of later data. As in Linux an old RST is
 * ignored here; section 5.2 forbids that.
 */
function faultInSynReceived(c: Tcb, seg: Segment, now: Micros): TimestampFault | null {
  if (seg.has(TcpFlag.RST) && c.config.strictTimestamps) return null;
  if (c.rcv.isOldTimestamp(seg.tsVal, 0, now)) return OLD;
  const echoes = seg.has(TcpFlag.ACK) && seg.tsEcr !== 0 && c.fastOpen?.accepted !== true;
  return !echoes || isBetween(c.synTsFirst, seg.tsEcr, c.synTsLast) ? null : FOREIGN;
}

/**
 * As in Linux's tcp_disordered_ack: an ACK without news may have been reordered and is harmless.
 */
function isReorderedDuplicate(c: Tcb, seg: Segment): boolean {
  const { rcv, snd } = c;
  if (seg.seq !== rcv.nxt || seg.ack !== snd.una) return false;
  const wnd = seg.wnd << snd.wscale;
  const updatesWindow = seqLt(snd.wl1, seg.seq) || wnd > snd.wnd || wnd === 0;
  const late = (rcv.tsRecent - seg.tsVal) | 0;
  return !updatesWindow && late <= (snd.rtt.rto / (1000 * MILLISECOND)) * REPLAY_TICKS_PER_SECOND;
}

/**
 * SYN-SENT: true if a SYN,ACK or RST echoes a TSval of none of our SYNs. It is for another
 * connection.
 */
export const isForeignEcho = (c: Tcb, seg: Segment, now: Micros): boolean =>
  c.timestamps && seg.tsEcr !== 0 && !isBetween(c.synTsFirst, seg.tsEcr, c.timestampNow(now));

const isBetween = (first: number, ts: number, last: number): boolean =>
  ((ts - first) | 0) >= 0 && ((last - ts) | 0) >= 0;
