/**
 * SEND and RECEIVE (RFC 9293 section 3.9.1). connection.ts documents each call; CLOSE and ABORT are
 * in closing.ts.
 */
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import { oweReset } from './reset.js';
import { isAppLimited } from './send/delivery-rate.js';
import type { Sender } from './send/sender.js';
import { isSynchronized } from './state.js';
import type { Tcb } from './tcb.js';

/**
 * Largest zero-copy write in bytes. Sequence numbers compare over half of their space, and all
 * queued data must be far less.
 */
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
    snd.moreComes = false; // more data depends on acknowledgments, not only on the user
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

/** A write begins: the sender may have been limited by the application until now. */
function writeBegins(snd: Sender): void {
  if (isAppLimited(snd.unsent, snd.mss, snd.sent, snd.congestion.cwnd))
    snd.rate.noteAppLimited(snd.sent.inFlight);
  if (snd.unsent === 0) snd.mayFollowPause = true;
}

export function failWhatIsDetached(c: Tcb, now: Micros): boolean {
  if (!c.snd.buffer.isDetached) return false;
  failLent(c, now);
  return true;
}

/** Unacknowledged data of a zero-copy send is gone, so the connection ends with EFAULT. */
export function failLent(c: Tcb, now: Micros): void {
  oweReset(c);
  c.finish('EFAULT', 'lent-data-gone', now);
}

export function keepLent(c: Tcb): void {
  c.snd.buffer.keepLent();
  c.settleMemory();
}

/**
 * Bytes of `bytes` that the stack's memory allows. If it refuses, the buffer shrinks as in Linux,
 * and the writer waits until half of its data is acknowledged.
 */
function allowed(c: Tcb, bytes: Bytes): Bytes {
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
