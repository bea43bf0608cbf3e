/**
 * The memory of all connections of a stack, and its limits: Linux's tcp_mem.
 *
 *     0 ────────── low ────────── pressure ────────── high ──────────
 *       no limit      no limit,           no more for a         no more for any, except
 *                     unless pressure     connection with       for what progress needs
 *                     has not ended       over its fair share
 *
 * Under pressure buffers do not grow and windows open no further. Above `high` senders wait, and
 * out-of-order data is discarded; so is in-order data if other data is still unread. The peer will
 * retransmit it. Every connection reports all memory that it holds as one sum (`settle`), so
 * nothing is counted twice or forgotten.
 */
import type { Bytes } from '../base/units.js';
import type { TcpCounters } from './counters.js';

export interface MemoryLimits {
  /** All three in bytes. Pressure ends at or below `low`. */
  readonly low: Bytes;
  readonly pressure: Bytes;
  readonly high: Bytes;
}

export class TcpMemory {
  /** Bytes held by connections. */
  allocated: Bytes = 0;
  /** Connections that hold any. */
  holders = 0;
  isPressed = false;
  /** Connections that their users have closed and that have not ended. */
  orphans = 0;
  readonly limits: MemoryLimits;
  readonly counters: TcpCounters;
  private readonly maxOrphans: number;

  constructor(limits: MemoryLimits, counters: TcpCounters, maxOrphans = Infinity) {
    this.limits = limits;
    this.counters = counters;
    this.maxOrphans = maxOrphans;
  }

  /** The hard limit is exceeded. */
  get isExhausted(): boolean {
    return this.allocated > this.limits.high;
  }

  /**
   * True if a connection with `unsent` bytes may become an orphan, which no user can abort any
   * more.
   */
  mayOrphan(unsent: number): boolean {
    return this.orphans < this.maxOrphans && (unsent === 0 || !this.isExhausted);
  }

  /**
   * True if an orphan whose peer does not answer, or keeps its window at zero, must make room
   * (Linux's tcp_out_of_resources).
   */
  get wantsOrphansBack(): boolean {
    return this.isExhausted || 2 * this.orphans > this.maxOrphans;
  }

  /**
   * True if a connection that holds `held` bytes may have `bytes` more. Below `high`, `min` bytes
   * are always allowed.
   */
  allows(bytes: Bytes, held: Bytes, min: Bytes): boolean {
    const { limits } = this;
    const total = this.allocated + bytes;
    if (total <= limits.low) return true;
    if (total > limits.high) return false;
    if (total > limits.pressure) this.enterPressure();
    return (
      !this.isPressed || held + bytes <= min || (held + bytes) * (this.holders + 1) < limits.high
    );
  }

  /** A connection's memory changed from `before` to `after` bytes. */
  move(before: number, after: number): void {
    this.allocated += after - before;
    if (before === 0) this.holders++;
    else if (after === 0) this.holders--;
    if (this.allocated > this.limits.pressure) this.enterPressure();
    else if (this.allocated <= this.limits.low) this.isPressed = false;
  }

  private enterPressure(): void {
    if (!this.isPressed) this.counters.TcpExtTCPMemoryPressures++;
    this.isPressed = true;
  }
}

/** One connection's share of the memory. */
export class MemoryShare {
  held: Bytes = 0;
  readonly all: TcpMemory;
  /** Bytes that are always allowed below `high`: the minimum of tcp_rmem and of tcp_wmem. */
  private readonly minReceive: Bytes;
  private readonly minSend: Bytes;

  constructor(all: TcpMemory, minReceive: Bytes, minSend: Bytes) {
    this.all = all;
    this.minReceive = minReceive;
    this.minSend = minSend;
  }

  mayReceive(bytes: Bytes): boolean {
    return this.all.allows(bytes, this.held, this.minReceive);
  }

  maySend(bytes: Bytes): boolean {
    return this.all.allows(bytes, this.held, this.minSend);
  }

  /** Sets the memory that the connection holds, in bytes. */
  settle(bytes: Bytes): void {
    if (bytes === this.held) return;
    this.all.move(this.held, bytes);
    this.held = bytes;
  }
}
