/** What changes with almost every segment, as plain data for observers: rates, windows, buffers. */
import type { Micros } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import { orNull } from './notes.js';
import { pacingRateOf } from './send/pacing-rate.js';
import type { Tcb } from './tcb.js';
import { deliveryRate } from './tcp-info.js';

/** Congestion control and timing. null stands for no limit, or for no sample yet. */
export interface Metrics {
  cwnd: Segments | null;
  ssthresh: Segments | null;
  /** Sent, and neither acknowledged, selectively acknowledged, nor marked lost. */
  inFlight: Segments;
  srtt: Micros | null;
  rttvar: Micros | null;
  minRtt: Micros | null;
  /** The retransmission timeout, backoff included. */
  rto: Micros;
  /** Bytes per second. */
  pacingRate: number | null;
  /** Bytes per second; 0 before the first sample. */
  deliveryRate: number;
}

export interface Buffers {
  /** Send buffer: unacknowledged and unsent bytes, the unsent ones of them, and its limit. */
  sendQueued: Bytes;
  unsent: Bytes;
  sendBuffer: Bytes;
  /** SND.WND: the window that the peer offers. */
  sendWindow: Bytes;
  /** Bytes that the user has not read, those received out of order, and the limit of both. */
  receiveQueued: Bytes;
  outOfOrder: Bytes;
  receiveBuffer: Bytes;
  /** RCV.WND: the window that we offer. */
  receiveWindow: Bytes;
}

export function metricsOf(c: Tcb): Metrics {
  const { congestion, sent, rtt } = c.snd;
  return {
    cwnd: orNull(congestion.cwnd),
    ssthresh: orNull(congestion.ssthresh),
    inFlight: sent.inFlight,
    srtt: rtt.hasSample ? rtt.srtt : null,
    rttvar: rtt.hasSample ? rtt.rttvar : null,
    minRtt: orNull(rtt.minRtt),
    rto: rtt.rto,
    pacingRate: orNull(pacingRateOf(c.snd)),
    deliveryRate: deliveryRate(c),
  };
}

export function buffersOf({ snd, rcv }: Tcb): Buffers {
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
