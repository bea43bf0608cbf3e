/**
 * Data beyond a hole (SHLD-31): pieces in sequence order that never overlap, each an own copy.
 *
 *     RCV.NXT ▼        hole        ┌───────┐  hole  ┌──────┬─────┐
 *     ─────────┴───────────────────┤ piece ├────────┤piece │piece├────
 *                                  └───────┘        └──────┴─────┘
 *                                      block 1        block 2          (SACK, RFC 2018)
 *
 * Bytes that are here already win over the same bytes that come again. Memory is bounded by the window (a byte outside it
 * never gets here) and, against a rain of tiny segments, by the number of pieces.
 */
import { seqDiff, seqGeq, seqGt, seqLeq, seqLt, seqMax, seqMin, type Seq } from '../base/seq.js';
import type { Segment } from '../wire/tcp.js';
import { MAX_SACK_BLOCKS } from '../wire/tcp.js';
import type { Allocate, ReceiveQueue } from './receive-queue.js';

interface Piece {
  start: Seq;
  bytes: Uint8Array;
}

const endOf = (p: Piece): Seq => (p.start + p.bytes.length) | 0;

export class OutOfOrder {
  bytes = 0;
  private readonly pieces: Piece[] = [];
  /** A sequence number in each block that grew lately, the latest first: the order of SACK blocks. */
  private readonly recent: Seq[] = [];
  private readonly maxPieces: number;
  private readonly allocate: Allocate;

  constructor(maxPieces: number, allocate: Allocate) {
    this.maxPieces = maxPieces;
    this.allocate = allocate;
  }

  get isEmpty(): boolean {
    return this.pieces.length === 0;
  }

  get pieceCount(): number {
    return this.pieces.length;
  }

  /** Keeps the payload `[start, end)` of `seg`, less what is here. Returns how many bytes were new, or -1 at the limit. */
  insert(seg: Segment, start: Seq, end: Seq): number {
    const pieces = this.pieces;
    let i = pieces.length;
    while (i > 0 && seqGt(pieces[i - 1]!.start, start)) i--;
    let at = i > 0 ? seqMax(start, endOf(pieces[i - 1]!)) : start;
    let added = 0;
    while (seqLt(at, end)) {
      const next = pieces[i];
      const stop = next === undefined ? end : seqMin(end, next.start);
      if (seqLt(at, stop)) {
        if (pieces.length >= this.maxPieces) return added > 0 ? added : -1;
        const length = seqDiff(stop, at);
        const from = seg.payloadOffset + seqDiff(at, seg.seq);
        const copy = this.allocate(length);
        copy.set(seg.payload!.bytes.subarray(from, from + length));
        pieces.splice(i, 0, { start: at, bytes: copy });
        this.bytes += length;
        added += length;
        i++;
      }
      if (next === undefined) break;
      at = endOf(next);
      i++;
    }
    return added;
  }

  /** A segment reached `start`: its block is named first from now on (RFC 2018 section 4). */
  touched(start: Seq): void {
    this.recent.unshift(start);
    if (this.recent.length > MAX_SACK_BLOCKS) this.recent.length = MAX_SACK_BLOCKS;
  }

  /** Moves what follows `nxt` without a hole into `queue` (null: throws it away). Returns the new RCV.NXT. */
  drain(nxt: Seq, queue: ReceiveQueue | null): Seq {
    let taken = 0;
    for (const piece of this.pieces) {
      if (seqGt(piece.start, nxt)) break;
      taken++;
      this.bytes -= piece.bytes.length;
      const skip = seqDiff(nxt, piece.start);
      if (skip >= piece.bytes.length) continue;
      queue?.push(skip === 0 ? piece.bytes : piece.bytes.subarray(skip));
      nxt = endOf(piece);
    }
    if (taken > 0) this.pieces.splice(0, taken);
    return nxt;
  }

  /**
   * Writes SACK blocks into `edges` after the `count` that are there, up to `room` in all, none twice; those before `from` (a D-SACK)
   * do not count as mentioned. Returns their new number.
   */
  writeBlocks(edges: Int32Array, count: number, room: number, from: number): number {
    let written = count;
    const add = (at: Seq): void => {
      const block = this.blockAt(at);
      if (block === null || written >= room) return;
      for (let i = from; i < written; i++) if (edges[2 * i] === block.left) return;
      edges[2 * written] = block.left;
      edges[2 * written + 1] = block.right;
      written++;
    };
    for (const at of this.recent) add(at);
    for (const piece of this.pieces) {
      if (written >= room) break;
      add(piece.start);
    }
    return written;
  }

  /** The whole block that holds `at`, over adjacent pieces. */
  blockAt(at: Seq): { left: Seq; right: Seq } | null {
    const pieces = this.pieces;
    const i = pieces.findIndex((p) => seqLeq(p.start, at) && seqGt(endOf(p), at));
    if (i < 0) return null;
    let first = i;
    while (first > 0 && endOf(pieces[first - 1]!) === pieces[first]!.start) first--;
    let last = i;
    while (last + 1 < pieces.length && endOf(pieces[last]!) === pieces[last + 1]!.start) last++;
    return { left: pieces[first]!.start, right: endOf(pieces[last]!) };
  }

  /** All of `[start, end)` is here. */
  contains(start: Seq, end: Seq): boolean {
    const block = this.blockAt(start);
    return block !== null && seqGeq(block.right, end);
  }

  /** Nothing can follow a FIN: what lies at `end` and beyond it goes. */
  cutAt(end: Seq): void {
    for (let i = this.pieces.length - 1; i >= 0; i--) {
      const piece = this.pieces[i]!;
      const over = seqDiff(endOf(piece), end);
      if (over <= 0) return;
      const kept = Math.max(0, piece.bytes.length - over);
      this.bytes -= piece.bytes.length - kept;
      piece.bytes = piece.bytes.subarray(0, kept);
      if (kept === 0) this.pieces.pop();
    }
  }

  clear(): void {
    this.pieces.length = 0;
    this.recent.length = 0;
    this.bytes = 0;
  }

  checkInvariants(nxt: Seq): string | null {
    let at = nxt;
    let bytes = 0;
    for (const [i, piece] of this.pieces.entries()) {
      if (i === 0 ? seqLeq(piece.start, at) : seqLt(piece.start, at))
        return 'out-of-order pieces overlap or touch RCV.NXT';
      at = endOf(piece);
      bytes += piece.bytes.length;
    }
    return bytes === this.bytes ? null : 'out-of-order bytes are miscounted';
  }
}
