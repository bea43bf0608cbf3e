/**
 * What a recorder remembers of a connection to tell at the end of a turn whether its metrics or
 * buffers changed, and by what.
 */
import { orNull } from '../tcp/notes.js';
import { pacingRateOf } from '../tcp/send/pacing-rate.js';
import type { Tcb } from '../tcp/tcb.js';
import { deliveryRate } from '../tcp/tcp-info.js';
import type { BuffersData, MetricsData, Trigger } from './events.js';

/** What is compared: all but the reason. */
type Metrics = Omit<MetricsData, 'because'>;
type Buffers = Omit<BuffersData, 'because'>;

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

function metricsOf(conn: Tcb): Metrics {
  const { congestion, sent, rtt } = conn.snd;
  return {
    cwnd: orNull(congestion.cwnd),
    ssthresh: orNull(congestion.ssthresh),
    inFlight: sent.inFlight,
    srtt: rtt.hasSample ? rtt.srtt : null,
    rttvar: rtt.hasSample ? rtt.rttvar : null,
    minRtt: orNull(rtt.minRtt),
    rto: rtt.rto,
    pacingRate: orNull(pacingRateOf(conn.snd)),
    deliveryRate: deliveryRate(conn),
  };
}

function buffersOf({ snd, rcv }: Tcb): Buffers {
  return {
    sendQueued: snd.buffer.length,
    unsent: snd.buffer.length === 0 ? 0 : snd.unsent,
    sendBuffer: snd.bufferBytes,
    sendWindow: snd.wnd,
    receiveQueued: rcv.queue.length,
    outOfOrder: rcv.outOfOrder.bytes,
    receiveBuffer: rcv.window.bufferBytes,
    receiveWindow: rcv.wnd,
  };
}

/** For two objects with the same keys. */
function isSame<T extends object>(a: T, b: T): boolean {
  for (const key in a) if (a[key] !== b[key]) return false;
  return true;
}
