/**
 * The receiving half of urgent data, RFC 9293 section 3.8.5 and RFC 6093: where it ends, and what
 * of it is still to be read.
 *
 *      read │ ordinary ........ u u u U │ ordinary ...
 *           ▲ RCV.NXT - what waits    ▲ ▲ RCV.UP: the sequence number after the last urgent byte (MUST-62)
 *                                     └ the mark: reading never crosses it in one piece
 *
 * Urgent data is nothing but a place in the stream, and stays in it (RFC 6093 section 6.1). For
 * programs of old the last byte can be taken out of the line, as Linux does without SO_OOBINLINE.
 */
import { seqDiff, seqGt, type Seq } from '../../base/seq.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { ReceiveQueue } from './receive-queue.js';

/** What `byte` is when it is no byte. */
export const UrgentByte = {
  /** Nothing was announced, or it was taken, or it stays in the line. recv(MSG_OOB): EINVAL. */
  none: -1,
  /** It was announced and is still to come. recv(MSG_OOB): EAGAIN. */
  notYet: -2,
} as const;

export class UrgentReceiver {
  /** RCV.UP, while `pending`. */
  up: Seq = 0;
  /** There is urgent data that was announced and not read. */
  pending = false;
  /** SO_OOBINLINE. */
  inline: boolean;
  /** The byte that is out of line, 0..255, or a value of `UrgentByte`. */
  byte: number = UrgentByte.none;

  constructor(inline: boolean) {
    this.inline = inline;
  }

  /**
   * A segment with URG. `nxt` is RCV.NXT, `unread` the next byte to be read. True when the user is
   * to be told: something new is urgent (MUST-32).
   */
  announced(seg: Segment, nxt: Seq, unread: Seq, queue: ReceiveQueue): boolean {
    const up = (seg.seq + seg.urgentPointer) | 0;
    // What came long ago is announced by each segment until it is acknowledged.
    if (!seqGt(up, nxt) || (this.pending && !seqGt(up, this.up))) return false;
    // As Linux: the reader stands at the last mark, and the byte there was never meant for the
    // stream.
    if (this.pending && !this.inline && unread === this.mark && queue.length > 0) queue.drop(1);
    this.up = up;
    this.pending = true;
    this.byte = this.inline ? UrgentByte.none : UrgentByte.notYet;
    return true;
  }

  /** The last urgent byte. */
  get mark(): Seq {
    return (this.up - 1) | 0;
  }

  get isByteAwaited(): boolean {
    return this.byte === UrgentByte.notYet;
  }

  /** Text came: is the byte in it that was waited for? */
  lookInto(seg: Segment): boolean {
    const at = seqDiff(this.mark, seg.seq) - (seg.has(TcpFlag.SYN) ? 1 : 0);
    if (at < 0 || at >= seg.payloadBytes) return false;
    const { bytes } = seg.payload!;
    this.byte = bytes[(seg.payloadOffset + at) % bytes.length]!;
    return true;
  }

  /** The next piece of the stream from `unread` on; null when nothing waits. */
  read(unread: Seq, queue: ReceiveQueue): Uint8Array | null {
    const before = seqDiff(this.mark, unread);
    if (before > 0) return queue.shift(before);
    if (queue.length === 0) return null;
    this.pending = false;
    this.byte = UrgentByte.none; // as Linux: whoever read past it does not want it
    if (this.inline) return queue.shift();
    queue.drop(1);
    return queue.shift();
  }
}
