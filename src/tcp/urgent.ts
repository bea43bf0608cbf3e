/**
 * The user's side of urgent data: send(2) and recv(2) with MSG_OOB, and sockatmark(3). New programs
 * should not use it (RFC 6093 section 5, SHLD-13).
 */
import { seqAdd, seqDiff, seqGt } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import { TcpFlag, type Segment } from '../wire/tcp.js';
import type { Tcb } from './tcb.js';
import type { Sender } from './send/sender.js';
import { UrgentByte } from './receive/urgent-receiver.js';
import { TcpEvent } from './events.js';
import { send } from './user-calls.js';

const MAX_POINTER = 0xffff;

// ---- Sending ------------------------------------------------------------------------------------

/**
 * As `Connection.send`; the peer is told at once, even if its window is zero. `data` has any length
 * (MUST-31), and its last byte is the urgent one.
 */
export function sendUrgent(c: Tcb, data: Uint8Array): number {
  const taken = send(c, data);
  if (taken > 0) c.snd.up = c.snd.dataEnd;
  return taken;
}

/**
 * Sets URG and the pointer on segments before SND.UP. As in Linux, if SND.UP is more than 65,535
 * bytes ahead, only the last segment has URG.
 */
export function announceUrgent(snd: Sender, seg: Segment): void {
  const ahead = seqDiff(snd.up, seg.seq);
  if (ahead <= 0 || (ahead > MAX_POINTER && !seqGt(seqAdd(seg.seq, MAX_POINTER), snd.nxt))) return;
  seg.flags |= TcpFlag.URG;
  seg.urgentPointer = Math.min(ahead, MAX_POINTER);
}

/**
 * Most payload bytes of a super-segment. 0 in urgent mode, because segmentation would copy the
 * pointer, which is relative to each segment.
 */
export const superSegmentBytes = (c: Tcb): number => (c.snd.isUrgent ? 0 : c.gsoBytes);

// ---- Receiving ----------------------------------------------------------------------------------

/** RFC 9293 section 3.10.7.4, sixth step. */
export function takeUrgent(c: Tcb, seg: Segment, now: Micros): void {
  const { rcv } = c;
  const { urgent } = rcv;
  if (rcv.finReceived || rcv.orphaned) return;
  if (seg.has(TcpFlag.URG) && urgent.announced(seg, rcv.nxt, rcv.unread, rcv.queue)) {
    const bytes = seqDiff(urgent.up, rcv.unread);
    c.observed?.note({ note: 'urgent', bytes, up: urgent.up >>> 0 }, now);
    c.raise(TcpEvent.urgent);
  }
  if (urgent.isByteAwaited && urgent.lookInto(seg)) c.raise(TcpEvent.urgent);
}

/**
 * MUST-33: bytes up to the last urgent one that are unread, received or not; 0 without urgent data.
 */
export const urgentLeft = (c: Tcb): number => {
  const { urgent } = c.rcv;
  return urgent.pending ? Math.max(0, seqDiff(urgent.up, c.rcv.unread)) : 0;
};

/** sockatmark(3): the next byte to be read is the last urgent one. */
export const isAtMark = (c: Tcb): boolean =>
  c.rcv.urgent.pending && c.rcv.urgent.mark === c.rcv.unread;

/**
 * poll(2)'s POLLPRI: the last urgent byte was received and is unread, in the stream or out of band.
 */
export function isUrgentHere(c: Tcb): boolean {
  const { rcv } = c;
  const { urgent } = rcv;
  return urgent.inline ? urgent.pending && seqGt(rcv.nxt, urgent.mark) : urgent.byte >= 0;
}

/**
 * SO_OOBINLINE: true, the default, keeps the urgent byte in the stream (RFC 6093). False takes it
 * out, for `receiveUrgent`.
 */
export function setUrgentInline(c: Tcb, on: boolean): void {
  c.rcv.urgent.inline = on;
}

/**
 * recv(2) with MSG_OOB: returns the out-of-band byte once, or without removing it with `peek`
 * (MSG_PEEK). Without a byte it returns a value of `UrgentByte`.
 */
export function receiveUrgent(c: Tcb, peek = false): number {
  const { urgent } = c.rcv;
  const { byte } = urgent;
  if (byte >= 0 && !peek) urgent.byte = UrgentByte.none;
  return byte;
}
