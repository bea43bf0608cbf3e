/**
 * SEND and RECEIVE (RFC 9293 section 3.9.1). connection.ts tells of each call; CLOSE and ABORT are
 * closing.ts.
 */
import type { Micros } from '../base/time.js';
import { oweReset } from './reset.js';
import { isAppLimited } from './send/delivery-rate.js';
import type { Sender } from './send/sender.js';
import { isSynchronized } from './state.js';
import type { Tcb } from './tcb.js';

/** Sequence numbers are compared over half of their space, and all that waits must be far less. */
const MOST_LENT_AT_ONCE = 64 << 20;

export function send(c: Tcb, data: Uint8Array, more = false, endOfRecord = false): number {
  const room = c.sendRoom;
  const { snd } = c;
  writeBegins(snd);
  const taken = allowed(c, Math.min(room, data.length, snd.notSentRoom));
  snd.buffer.write(taken === data.length ? data : data.subarray(0, taken));
  c.settleMemory();
  c.stats.bytesOut += taken;
  snd.moreComes = more;
  if (taken > 0) snd.endsWithMore = more;
  if (endOfRecord && taken === data.length) snd.endRecord();
  if (taken < data.length) {
    c.senderBlocked = true;
    snd.moreComes = false; // what comes next is not up to the user alone
  }
  return taken;
}

export function sendZeroCopy(c: Tcb, data: Uint8Array): boolean {
  const { snd } = c;
  if (c.sendRoom === 0 || data.length > MOST_LENT_AT_ONCE || data.length > snd.notSentRoom)
    return false;
  if (!c.memory.maySend(data.length)) return false;
  writeBegins(snd);
  snd.buffer.lend(data);
  c.settleMemory();
  c.stats.bytesOut += data.length;
  snd.moreComes = false;
  snd.endsWithMore = false;
  if (c.sendRoom === 0) c.senderBlocked = true;
  return true;
}

/** More is about to be written: until now the sender may have had too little. */
function writeBegins(snd: Sender): void {
  if (isAppLimited(snd.unsent, snd.mss, snd.sent, snd.congestion.cwnd))
    snd.rate.noteAppLimited(snd.sent.inFlight);
  if (snd.unsent === 0) snd.mayFollowPause = true;
}

export function failWhatIsDetached(c: Tcb, now: Micros): boolean {
  if (!c.snd.buffer.isDetached) return false;
  oweReset(c);
  c.finish('EFAULT', 'lent-data-gone', now);
  return true;
}

export function keepLent(c: Tcb): void {
  c.snd.buffer.keepLent();
  c.settleMemory();
}

/**
 * Of `bytes` to send, how many the stack's memory allows. Refused, the buffer is moderated as in
 * Linux: the writer waits until half of what is there is acknowledged. What is in flight sees to it
 * that this comes.
 */
function allowed(c: Tcb, bytes: number): number {
  const { snd, memory } = c;
  const { length } = snd.buffer;
  const most = snd.buffer.growthFor(bytes);
  if (most === 0 || memory.maySend(most)) return bytes;
  snd.moderateBuffer();
  return Math.max(0, Math.min(bytes, c.config.wmem.min - length));
}

export function receive(c: Tcb): Uint8Array | null {
  const piece = c.rcv.read();
  if (piece === null) return null;
  if (isSynchronized(c.state)) c.rcv.onRead(piece.length);
  c.settleMemory();
  return piece;
}
