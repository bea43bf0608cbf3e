/**
 * TCP's part of path MTU discovery (RFC 1191 section 6.4, RFC 8201 section 5.4): the path's MTU
 * changed, so the size of segments does. ICMP errors are validated before that: here
 * (`quotesFlight`, RFC 5927 section 4.1) and where MTUs are kept (ip/path-mtu.ts).
 */
import { seqGeq, seqLt, type Seq } from '../base/seq.js';
import type { Micros } from '../base/time.js';
import type { Bytes } from '../base/units.js';
import { TcpFlag } from '../wire/tcp.js';
import type { MtuCause } from './notes.js';
import { startProbing } from './send/mtu-probe.js';
import type { Sender } from './send/sender.js';
import type { Tcb } from './tcb.js';
import { chunkBytes } from './send/push.js';
import { resendWithoutReduction } from './recovery/recovery.js';
import { rearmRto } from './recovery/rto.js';
import { State } from './state.js';

/**
 * True if an ICMP error quotes data in flight. If not, it may be forged (RFC 5927 section 4.1); it
 * is counted as in Linux. As in Linux a genuine one takes effect at once, whereas RFC 5927 section
 * 7.2 first waits for a timeout of the quoted segment.
 */
export function quotesFlight(c: Tcb, seq: Seq): boolean {
  if (seqGeq(seq, c.snd.una) && seqLt(seq, c.snd.nxt)) return true;
  c.env.counters.TcpExtOutOfWindowIcmps++;
  return false;
}

/**
 * Sets the path MTU to `mtu` bytes. Larger segments in flight were dropped on the path and are sent
 * again in smaller segments.
 */
export function pathMtuChanged(c: Tcb, mtu: Bytes, cause: MtuCause, now: Micros): void {
  const { size, snd } = c;
  if (mtu === size.mtu || c.state === State.closed || c.state === State.timeWait) return;
  const before = snd.mss;
  const chunk = chunkBytes(snd);
  size.mtu = mtu;
  c.observed?.note({ note: 'path-mtu', mtu, cause }, now);
  if (size.mostMss === 0) {
    // Only a SYN with data (Fast Open) can have been too large: it is sent again without data.
    if (c.state === State.synSent && (c.fastOpen?.synData ?? 0) > 0) c.owed.syn = true;
    return;
  }
  snd.syncMss();
  if (snd.mss < before) resendTooLarge(snd, chunk, now);
}

/**
 * A passive open has learned the peer's window. As in Linux the MTU search starts only now, and at
 * full size: the first probe, or timeouts, show what arrives.
 */
export function peerIsKnown(c: Tcb, now: Micros): void {
  startProbing(c.snd, now);
  c.rcv.ack.guessMss(c.snd.mss, c.rcv.window.space);
}

/**
 * Marks segments larger than `snd.mss` as lost, without a reduction, because the loss is not
 * congestion. Records that were sent together, up to `chunk` bytes, are joined before they are
 * split again, as Linux splits its buffers; otherwise each would end in a small segment.
 */
function resendTooLarge(snd: Sender, chunk: number, now: Micros): void {
  const { sent, mss } = snd;
  let lost = false;
  for (let i = 0; i < sent.length; i++) {
    const record = sent.at(i);
    if (record.sacked) continue;
    const payload = record.bytes - (record.flags & TcpFlag.FIN);
    const tooLarge = Math.min(record.size, payload) > mss;
    sent.resize(i, mss);
    if (!tooLarge) continue;
    sent.markLost(record);
    lost = true;
    if (i > 0 && sent.at(i - 1).bytes + record.bytes <= chunk && sent.join(i - 1)) i--;
  }
  if (!lost) return;
  resendWithoutReduction(snd, now);
  rearmRto(snd, now); // no loss probe in this state
}
