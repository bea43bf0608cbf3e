/**
 * The TCB as plain data, by the RFC's names: for tests, traces, `ss`, and the page that shows
 * visitors their own connection.
 */
import type { Micros } from '../base/time.js';
import { NEVER } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import { CA_STATE_NAMES } from './congestion/ack-sample.js';
import type { Tcb } from './tcb.js';
import type { TcpStats } from './stats.js';
import { TIMER_NAMES } from './timers.js';

/** The numeric fields of TcpStats. */
type Counts = { [K in keyof TcpStats as TcpStats[K] extends number ? K : never]: TcpStats[K] };

export interface TcpSnapshot {
  state: string;
  passive: boolean;
  error: string | null;
  softError: string | null;
  /** Sequence numbers as uint32, sizes in bytes. */
  snd: {
    iss: number;
    una: number;
    nxt: number;
    /** SND.UP. */
    up: number;
    wnd: Bytes;
    wl1: number;
    wl2: number;
    maxWnd: Bytes;
    mss: Bytes;
    wscale: number;
    queued: Bytes;
    unsent: Bytes;
    flight: Bytes;
    finSent: boolean;
  };
  rcv: {
    irs: number;
    nxt: number;
    /** RCV.UP; null without pending urgent data. */
    up: number | null;
    wnd: Bytes;
    wscale: number;
    queued: Bytes;
    outOfOrder: Bytes;
    mss: Bytes;
    finReceived: boolean;
  };
  options: {
    timestamps: boolean;
    sack: boolean;
    windowScaling: boolean;
    advertisedMss: Bytes;
    peerMss: Bytes;
  };
  /**
   * Packet sizes in bytes: the path MTU, and the range of the search (RFC 4821). `probe`: the size
   * of the probe in flight, or 0.
   */
  pmtu: {
    mtu: Bytes;
    discover: number;
    probing: boolean;
    low: Bytes;
    high: Bytes;
    probe: Bytes;
  };
  /** cwnd and ssthresh in segments. */
  congestion: {
    name: string;
    cwnd: Segments;
    ssthresh: Segments;
    /** State of loss recovery by Linux's names; the counts below are in segments. */
    state: string;
    highSeq: number;
    inFlight: Segments;
    sacked: Segments;
    lost: Segments;
    resent: Segments;
    reordering: Segments;
    /** Bytes per second; Infinity without pacing. */
    pacingRate: number;
  };
  /** Microseconds; srtt 0 and minRtt Infinity before the first sample. */
  rtt: { srtt: Micros; rttvar: Micros; minRtt: Micros; rto: Micros; backoff: number };
  /** Armed timers and the microseconds until they expire. */
  timers: { name: string; inUs: Micros }[];
  stats: Counts;
}

export function takeSnapshot(c: Tcb, now: Micros): TcpSnapshot {
  const { snd, rcv } = c;
  return {
    state: c.stateName,
    passive: c.passive,
    error: c.error,
    softError: c.softError,
    snd: {
      iss: snd.iss >>> 0,
      una: snd.una >>> 0,
      nxt: snd.nxt >>> 0,
      up: snd.up >>> 0,
      wnd: snd.wnd,
      wl1: snd.wl1 >>> 0,
      wl2: snd.wl2 >>> 0,
      maxWnd: snd.maxWnd,
      mss: snd.mss,
      wscale: snd.wscale,
      queued: snd.buffer.length,
      unsent: snd.buffer.length === 0 ? 0 : snd.unsent,
      flight: snd.flight,
      finSent: snd.finSent,
    },
    rcv: {
      irs: rcv.irs >>> 0,
      nxt: rcv.nxt >>> 0,
      up: rcv.urgent.pending ? rcv.urgent.up >>> 0 : null,
      wnd: rcv.wnd,
      wscale: rcv.wscale,
      queued: rcv.queue.length,
      outOfOrder: rcv.outOfOrder.bytes,
      mss: rcv.mss,
      finReceived: rcv.finReceived,
    },
    options: {
      timestamps: c.timestamps,
      sack: c.sack,
      windowScaling: c.windowScaling,
      advertisedMss: c.advertisedMss,
      peerMss: c.peerMss,
    },
    pmtu: {
      mtu: c.size.mtu,
      discover: c.size.discover,
      probing: c.size.probing,
      low: c.size.low,
      high: c.size.high,
      probe: c.size.probeSize,
    },
    congestion: {
      name: snd.congestion.name,
      cwnd: snd.congestion.cwnd,
      ssthresh: snd.congestion.ssthresh,
      state: CA_STATE_NAMES[snd.recovery.state],
      highSeq: snd.recovery.highSeq >>> 0,
      inFlight: snd.sent.inFlight,
      sacked: snd.sent.sackedOut,
      lost: snd.sent.lostOut,
      resent: snd.sent.retransOut,
      reordering: snd.recovery.reordering,
      pacingRate: snd.pacing.rate,
    },
    rtt: {
      srtt: snd.rtt.srtt,
      rttvar: snd.rtt.rttvar,
      minRtt: snd.rtt.minRtt,
      rto: snd.rtt.rto,
      backoff: snd.rtt.backoff,
    },
    timers: TIMER_NAMES.flatMap((name, i) => {
      const deadline = c.timers.deadline(i as 0);
      return deadline === NEVER ? [] : [{ name, inUs: deadline - now }];
    }),
    stats: { ...c.stats },
  };
}
