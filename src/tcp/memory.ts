/**
 * The memory of all connections of a stack, and who may have more of it: Linux's tcp_mem.
 *
 *     0 ────────── low ────────── pressure ────────── high
 *       all get       all get what        who holds more      nobody gets more, but for
 *       what they     they want, until    than a fair share   what progress needs
 *       want          pressure is over    gets no more
 *
 * Under pressure buffers do not grow and windows open no further; above `high` senders wait, data
 * out of order is thrown away, and data in order that finds others waiting, too: the peer will send
 * it again. Every connection counts what it holds as one sum (`settle`), so nothing is counted
 * twice or forgotten.
 */
import type { TcpCounters } from './counters.js';

export interface MemoryLimits {
  /** Bytes. Below it pressure ends. */
  readonly low: number;
  readonly pressure: number;
  readonly high: number;
}

export class TcpMemory {
  /** Bytes that connections hold. */
  allocated = 0;
  /** Connections that hold some. */
  holders = 0;
  isPressed = false;
  /** Connections whose users are gone and that are not over. */
  orphans = 0;
  readonly limits: MemoryLimits;
  readonly counters: TcpCounters;
  private readonly maxOrphans: number;

  constructor(limits: MemoryLimits, counters: TcpCounters, maxOrphans = Infinity) {
    this.limits = limits;
    this.counters = counters;
    this.maxOrphans = maxOrphans;
  }

  /** Beyond the hard limit. */
  get isExhausted(): boolean {
    return this.allocated > this.limits.high;
  }

  /**
   * May a connection that has `unsent` bytes be left to itself? Nobody is there any more who could
   * give it up.
   */
  mayOrphan(unsent: number): boolean {
    return this.orphans < this.maxOrphans && (unsent === 0 || !this.isExhausted);
  }

  /**
   * An orphan's peer does not answer, or keeps its window shut: is the place needed (Linux's
   * tcp_out_of_resources)?
   */
  get wantsOrphansBack(): boolean {
    return this.isExhausted || 2 * this.orphans > this.maxOrphans;
  }

  /**
   * May a connection that holds `held` have `bytes` more? `min`: what it may have in any case below
   * `high`.
   */
  allows(bytes: number, held: number, min: number): boolean {
    const { limits } = this;
    const total = this.allocated + bytes;
    if (total <= limits.low) return true;
    if (total > limits.high) return false;
    if (total > limits.pressure) this.enterPressure();
    return (
      !this.isPressed || held + bytes <= min || (held + bytes) * (this.holders + 1) < limits.high
    );
  }

  /** A connection that held `before` holds `after` now. */
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

/** One connection's part of it. */
export class MemoryShare {
  held = 0;
  readonly all: TcpMemory;
  /** What it may have of either kind in any case: tcp_rmem's and tcp_wmem's minimum. */
  private readonly minReceive: number;
  private readonly minSend: number;

  constructor(all: TcpMemory, minReceive: number, minSend: number) {
    this.all = all;
    this.minReceive = minReceive;
    this.minSend = minSend;
  }

  mayReceive(bytes: number): boolean {
    return this.all.allows(bytes, this.held, this.minReceive);
  }

  maySend(bytes: number): boolean {
    return this.all.allows(bytes, this.held, this.minSend);
  }

  /** The connection holds `bytes` now. */
  settle(bytes: number): void {
    if (bytes === this.held) return;
    this.all.move(this.held, bytes);
    this.held = bytes;
  }
}
