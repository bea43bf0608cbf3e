/**
 * Bytes that the user sent and the peer has not acknowledged: a ring in one slab.
 *
 *       released │ in flight       │ not sent yet │ free
 *     ───────────┼─────────────────┼──────────────┼────────▶
 *              SND.UNA          SND.NXT        end of data
 *                └ head            offset ▲       └ head + ringLength
 *
 * The ring copies what it is given: a caller may reuse its buffer as soon as `write` returns, as
 * with write(2). What is lent (MSG_ZEROCOPY) stays where the caller has it, as a run of its own
 * between runs of the ring; while nothing is lent there are no runs, only the ring. A segment
 * refers to the bytes of either without copying them, also when it is sent again, and may run over
 * the slab's end to its start.
 */
import { Ring } from '../../base/ring.js';
import { Slab } from '../../base/slab.js';
import type { SlabPool } from '../../base/slab-pool.js';
import type { Bytes } from '../../base/units.js';
import type { PayloadSource, PieceSink } from '../../wire/tcp.js';

/** A stretch of the stream: the caller's bytes, or, without a slab, bytes of the ring. */
class Run {
  readonly lent: Slab | null;
  offset = 0;
  length: Bytes;

  constructor(lent: Slab | null, length: Bytes) {
    this.lent = lent;
    this.length = length;
  }
}

export class SendBuffer implements PayloadSource {
  /** Null while empty: an idle connection holds no memory. */
  slab: Slab | null = null;
  /** All bytes, the ring's and those lent. */
  length: Bytes = 0;
  /** The lent bytes of `length`. */
  lentLength: Bytes = 0;
  private head = 0;
  private runs: Ring<Run> | null = null;
  /** The largest length since the buffer was last empty, and the one before that. */
  private most = 0;
  private lastMost = 0;
  private readonly pool: SlabPool;

  constructor(pool: SlabPool) {
    this.pool = pool;
  }

  private get ringLength(): Bytes {
    return this.length - this.lentLength;
  }

  /** Bytes of memory that `bytes` more would cost; 0 when there is room for them. */
  growthFor(bytes: Bytes): Bytes {
    const have = this.slab === null ? 0 : this.slab.bytes.length;
    const need = this.ringLength + bytes;
    return need <= have ? 0 : this.pool.sizeFor(this.sizeToTake(need)) - have;
  }

  /** Bytes of memory that it holds, lent ones among them: they are the caller's, but wait here. */
  get memory(): Bytes {
    return (this.slab === null ? 0 : this.slab.bytes.length) + this.lentLength;
  }

  /**
   * A buffer that outgrows its first slab is likely to become as large as the last time. Growing in
   * small steps would copy the data again and again.
   */
  private sizeToTake(need: number): number {
    return this.slab === null ? need : Math.max(need, this.lastMost);
  }

  write(data: Uint8Array): void {
    if (data.length === 0) return;
    const { ringLength } = this;
    this.reserve(ringLength + data.length);
    const bytes = this.slab!.bytes;
    const at = (this.head + ringLength) & (bytes.length - 1);
    const first = bytes.length - at;
    if (data.length <= first) {
      bytes.set(data, at);
    } else {
      bytes.set(data.subarray(0, first), at);
      bytes.set(data.subarray(first), 0);
    }
    if (this.runs !== null) this.addRun(this.runs, null, data.length);
    this.added(data.length);
  }

  /**
   * Takes `data` without copying it: until `lentLength` says that it is acknowledged, or `keepLent`
   * was called, it must not change.
   */
  lend(data: Uint8Array): void {
    if (this.runs === null) {
      this.runs = new Ring<Run>();
      if (this.length > 0) this.runs.push(new Run(null, this.length));
    }
    this.addRun(this.runs, new Slab(data), data.length);
    this.lentLength += data.length;
    this.added(data.length);
  }

  private addRun(runs: Ring<Run>, lent: Slab | null, length: Bytes): void {
    const last = runs.at(runs.length - 1);
    if (lent === null && last?.lent === null) last.length += length;
    else runs.push(new Run(lent, length));
  }

  private added(bytes: Bytes): void {
    this.length += bytes;
    if (this.length > this.most) this.most = this.length;
  }

  /** Copies the lent bytes, so that their callers may reuse them. */
  keepLent(): void {
    if (this.runs === null || this.isDetached) return; // `failWhatIsDetached` ends the connection
    const { length } = this;
    const slab = this.pool.take(length);
    this.copyTo(slab.bytes, 0, 0, length);
    if (this.slab !== null) this.pool.give(this.slab);
    this.slab = slab;
    this.head = 0;
    this.runs = null;
    this.lentLength = 0;
  }

  /** The first `n` bytes were acknowledged. */
  release(n: number): void {
    const { runs } = this;
    if (runs !== null) {
      this.releaseRuns(runs, n);
      return;
    }
    this.length -= n;
    if (this.length === 0) this.clear();
    else this.head = (this.head + n) & (this.slab!.bytes.length - 1);
  }

  private releaseRuns(runs: Ring<Run>, n: number): void {
    this.length -= n;
    for (let left = n; left > 0;) {
      const run = runs.at(0)!;
      const part = Math.min(left, run.length);
      left -= part;
      run.length -= part;
      if (run.lent === null) {
        this.head = (this.head + part) & (this.slab!.bytes.length - 1);
      } else {
        run.offset += part;
        this.lentLength -= part;
      }
      if (run.length === 0) runs.shift();
    }
    if (this.lentLength === 0) this.runs = null;
    if (this.length === 0) this.clear();
  }

  clear(): void {
    if (this.slab !== null) this.pool.give(this.slab);
    this.slab = null;
    this.runs = null;
    this.lentLength = 0;
    this.head = 0;
    this.length = 0;
    this.lastMost = this.most;
    this.most = 0;
  }

  /** Memory that was lent is gone: its ArrayBuffer was transferred to another thread. */
  get isDetached(): boolean {
    const { runs } = this;
    for (let i = 0; runs !== null && i < runs.length; i++)
      if (runs.at(i)!.lent?.bytes.length === 0) return true;
    return false;
  }

  // ---- What segments take of it -----------------------------------------------------------------

  addPieces(to: PieceSink, offset: number, length: Bytes): void {
    const { runs } = this;
    if (runs === null) {
      this.addRingPieces(to, offset, length);
      return;
    }
    let skip = offset;
    let left = length;
    let inRing = 0;
    for (let i = 0; left > 0; i++) {
      const run = runs.at(i)!;
      if (skip < run.length) {
        const part = Math.min(left, run.length - skip);
        if (run.lent === null) this.addRingPieces(to, inRing + skip, part);
        else to.addPiece(run.lent, run.offset + skip, part);
        left -= part;
        skip = 0;
      } else {
        skip -= run.length;
      }
      if (run.lent === null) inRing += run.length;
    }
  }

  private addRingPieces(to: PieceSink, offset: number, length: Bytes): void {
    const slab = this.slab!;
    const size = slab.bytes.length;
    const at = (this.head + offset) & (size - 1);
    const first = Math.min(length, size - at);
    to.addPiece(slab, at, first);
    if (first < length) to.addPiece(slab, 0, length - first);
  }

  copyTo(to: Uint8Array, at: number, offset: number, length: Bytes): void {
    const copier = new Copier(to, at);
    this.addPieces(copier, offset, length);
  }

  private reserve(size: Bytes): void {
    const old = this.slab;
    if (old !== null && size <= old.bytes.length) return;
    const slab = this.pool.take(this.sizeToTake(size));
    if (old !== null) {
      const { ringLength } = this;
      const first = Math.min(ringLength, old.bytes.length - this.head);
      slab.bytes.set(old.bytes.subarray(this.head, this.head + first), 0);
      slab.bytes.set(old.bytes.subarray(0, ringLength - first), first);
      this.pool.give(old);
    }
    this.slab = slab;
    this.head = 0;
  }
}

class Copier implements PieceSink {
  private readonly to: Uint8Array;
  private at: number;

  constructor(to: Uint8Array, at: number) {
    this.to = to;
    this.at = at;
  }

  addPiece(slab: Slab, offset: number, length: Bytes): void {
    this.to.set(slab.bytes.subarray(offset, offset + length), this.at);
    this.at += length;
  }
}
