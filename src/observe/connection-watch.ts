/**
 * What a recorder remembers of a connection to tell at the end of a turn whether its metrics or
 * buffers changed, and by what.
 */
import { type Buffers, buffersOf, type Metrics, metricsOf } from '../tcp/metrics.js';
import type { Tcb } from '../tcp/tcb.js';
import type { BuffersData, MetricsData, Trigger } from './events.js';

export class ConnectionWatch {
  readonly conn: Tcb;
  private metrics: Metrics | null = null;
  private buffers: Buffers | null = null;
  private because: Trigger[] = [];

  constructor(conn: Tcb) {
    this.conn = conn;
  }

  triggered(by: Trigger): void {
    if (!this.because.includes(by)) this.because.push(by);
  }

  /** Null if nothing changed since the last call. */
  newMetrics(): MetricsData | null {
    const now = metricsOf(this.conn);
    if (this.metrics !== null && isSame(now, this.metrics)) return null;
    this.metrics = now;
    return { ...now, because: this.because };
  }

  /** Null if nothing changed since the last call. */
  newBuffers(): BuffersData | null {
    const now = buffersOf(this.conn);
    if (this.buffers !== null && isSame(now, this.buffers)) return null;
    this.buffers = now;
    return { ...now, because: this.because };
  }

  turnEnds(): void {
    if (this.because.length > 0) this.because = [];
  }
}

/** For two objects with the same keys. */
function isSame<T extends object>(a: T, b: T): boolean {
  for (const key in a) if (a[key] !== b[key]) return false;
  return true;
}
