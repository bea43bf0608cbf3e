/**
 * The receiving half of urgent data (RFC 9293 section 3.8.5, RFC 6093): where it ends, and how much
 * of it is unread.
 *
 *      read │ ordinary ........ u u u U │ ordinary ...
 *           ▲ RCV.NXT - unread        ▲ ▲ RCV.UP: after the last urgent byte (MUST-62)
 *                                     └ the mark: one read never crosses it
 *
 * Urgent data is a position in the stream, and its bytes stay in the stream (RFC 6093 section 6.1).
 * For old programs the last byte can be taken out of band, as in Linux without SO_OOBINLINE.
 */
import { seqDiff, seqGt, type Seq } from '../../base/seq.js';
import { TcpFlag, type Segment } from '../../wire/tcp.js';
import type { ReceiveQueue } from './receive-queue.js';

/** Values of `byte` other than a byte. */
export const UrgentByte = {
  /** Nothing was announced, or the byte was read or stays in the stream. recv(MSG_OOB): EINVAL. */
  none: -1,
  /** The byte was announced and has not arrived. recv(MSG_OOB): EAGAIN. */
  notYet: -2,
} as const;

export class UrgentReceiver {
  /** RCV.UP, while `pending`. */
  up: Seq = 0;
  /** Urgent data was announced and is unread. */
  pending = false;
  /** SO_OOBINLINE. */
  inline: boolean;
  /** The out-of-band byte, 0..255, or a value of `UrgentByte`. */
  byte: number = UrgentByte.none;

  constructor(inline: boolean) {
    this.inline = inline;
  }

  /**
   * Processes a segment with URG. `nxt` is RCV.NXT, `unread` the sequence number of the next unread
   * byte. Returns true if the user must be told, because new data is urgent (MUST-32).
   */
  announced(seg: Segment, nxt: Seq, unread: Seq, queue: ReceiveQueue): boolean {
    const up = (seg.seq + seg.urgentPointer) | 0;
    // Segments repeat the pointer until it is acknowledged, so it may be old.
    if (!seqGt(up, nxt) || (this.pending && !seqGt(up, this.up))) return false;
    // As in Linux: if the reader is at the last mark, the byte there is dropped, because it is not
    // part of the stream.
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

  /** Takes the awaited byte from the text of `seg`. Returns false if it is not in it. */
  lookInto(seg: Segment): boolean {
    const at = seqDiff(this.mark, seg.seq) - (seg.has(TcpFlag.SYN) ? 1 : 0);
    if (at < 0 || at >= seg.payloadBytes) return false;
    const { bytes } = seg.payload!;
    this.byte = bytes[(seg.payloadOffset + at) % bytes.length]!;
    return true;
  }

  /**
   * Removes and returns the next piece of the stream from `unread` on; null if nothing is unread.
   */
  read(unread: Seq, queue: ReceiveQueue): Uint8Array | null {
    const before = seqDiff(this.mark, unread);
    if (before > 0) return queue.shift(before);
    if (queue.length === 0) return null;
    this.pending = false;
    this.byte = UrgentByte.none; // as in Linux: reading past the byte discards it
    if (this.inline) return queue.shift();
    queue.drop(1);
    return queue.shift();
  }
}
