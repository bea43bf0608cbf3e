/**
 * Notes for observers: decisions that no segment, state or timer shows. Each note is plain data
 * with its own named fields, ready for JSON: sequence numbers are uint32, and null stands for a
 * value without a limit (Infinity). The texts that are shown are in observe/event-texts.ts and
 * observe/window-texts.ts.
 *
 * A note is made only while there is an observer:
 *
 *     c.observed?.note({ note: 'soft-error', type: e.type, code: e.code }, now);
 */
import type { Micros } from '../base/time.js';
import type { Bytes, Segments } from '../base/units.js';
import type { CaStateName } from './congestion/ack-sample.js';

/** Receives notes. */
export interface NoteTaker {
  note(note: Note, now: Micros): void;
}

/** Why the path's MTU changed. */
export type MtuCause =
  /** An ICMP error contained the MTU. */
  | 'icmp'
  /** An ICMP error contained none: the next plateau below (RFC 1191 section 7.1). */
  | 'plateau'
  /** The last ICMP error is too old (RFC 1191 section 6.3). */
  | 'aged'
  /** Timeouts in a row: larger packets may be lost (RFC 4821 section 7.7). */
  | 'black-hole'
  /** A probe of this size arrived (RFC 4821 section 7.6.1). */
  | 'probe';

/** Evidence that a reduction was unnecessary, by the names of Linux's counters. */
export type UndoProof =
  /** Every retransmission was unnecessary, at the end of recovery. */
  | 'full'
  /** The timestamp of a partial ACK shows that it is for an original. */
  | 'partial'
  /** D-SACKs report every retransmission as a duplicate. */
  | 'dsack'
  /** The ACK after a timeout is for an original. */
  | 'loss'
  /** F-RTO: data that was not retransmitted is acknowledged after a timeout. */
  | 'frto';

type Fields<Name extends string, F = unknown> = Readonly<{ note: Name } & F>;

export type Note =
  /** ISS was chosen (RFC 6528). */
  | Fields<'iss-chosen', { iss: number }>
  /** The peer's ACK returned a SYN cookie, our ISS; `mss`: the bytes that it encodes. */
  | Fields<'syn-cookie', { cookie: number; mss: Bytes }>
  /**
   * The peer's SYN arrived. `mss`: payload bytes of a full segment to the peer. `sndWscale` and
   * `rcvWscale` are the window shifts of the peer and of us, 0 without window scaling.
   */
  | Fields<
      'options-agreed',
      { mss: Bytes; windowScaling: boolean; sndWscale: number; rcvWscale: number }
    >
  /** A round trip was measured; `rto` is computed from it. Microseconds. */
  | Fields<'rtt-sample', { rtt: Micros; rto: Micros }>
  /** cwnd changed, or a timeout set it; all in segments. `recovery`: the state of loss recovery. */
  | Fields<
      'cwnd',
      {
        cwnd: Segments | null;
        before: Segments | null;
        ssthresh: Segments | null;
        control: string;
        recovery: CaStateName;
      }
    >
  /** The state of loss recovery changed. */
  | Fields<'ca-state', { state: CaStateName; before: CaStateName }>
  /**
   * Fast recovery begins, because the segment at `una` counts as lost; `ssthresh` in segments. With
   * `sack` RACK decides, without it `duplicates` ACKs do.
   */
  | Fields<
      'fast-retransmit',
      { una: number; ssthresh: Segments | null; sack: boolean; duplicates: number }
    >
  /** A tail loss probe that ends at `end`: the last segment again, or new data. */
  | Fields<'loss-probe', { end: number; retransmitted: boolean }>
  /** A reduction was unnecessary and is undone: cwnd, in segments, is restored. */
  | Fields<'undo', { proof: UndoProof; cwnd: Segments | null }>
  /** Recovery ends; all in segments. */
  | Fields<'recovery-exit', { cwnd: Segments | null; ssthresh: Segments | null }>
  /** The retransmission timer expired for the segment at `una`, `timeouts` times in a row. */
  | Fields<'rto-retransmit', { una: number; timeouts: number }>
  /** A challenge ACK is owed (RFC 5961): SND.NXT and RCV.NXT. */
  | Fields<'challenge-ack', { seq: number; ack: number }>
  /** The rate limit suppressed the answer to an invalid segment (RFC 5961 section 7). */
  | Fields<'ack-throttled'>
  /** A duplicate ACK is owed for these bytes out of order. */
  | Fields<'duplicate-ack-owed', { seq: number; bytes: Bytes }>
  /** Our receive window is now 0; it was `before` bytes. */
  | Fields<'window-closed', { before: Bytes }>
  /** Our receive window was 0 and is now `window` bytes. */
  | Fields<'window-opened', { window: Bytes }>
  /** The peer's window is zero: probe number `probe`, while `unsent` bytes wait. */
  | Fields<'zero-window-probe', { probe: number; unsent: Bytes }>
  /**
   * Nagle's algorithm ('nagle-hold') or TCP_CORK and MSG_MORE ('cork-hold') hold `unsent` bytes
   * back; `flight` bytes are unacknowledged.
   */
  | Fields<'nagle-hold' | 'cork-hold', { unsent: Bytes; flight: Bytes }>
  /** ECN: the segment at `seq` had CE, so our ACKs now carry ECE; or it had CWR, so they stop. */
  | Fields<'ecn-marked' | 'ecn-answered', { seq: number }>
  /** ECN: the peer echoed a mark, and cwnd is reduced to `ssthresh` segments. */
  | Fields<'ecn-reduced', { ssthresh: Segments | null; control: string }>
  /** The peer announced urgent data: RCV.UP, and the unread bytes before it. */
  | Fields<'urgent', { bytes: Bytes; up: number }>
  /** Fast Open: `bytes` bytes of a SYN's data were accepted. */
  | Fields<'fast-open-taken', { bytes: Bytes }>
  /**
   * Fast Open: the SYN,ACK did not acknowledge `bytes` bytes of our SYN's data, which are sent
   * again.
   */
  | Fields<'fast-open-refused', { bytes: Bytes }>
  /** The path MTU to the peer is now `mtu` bytes. */
  | Fields<'path-mtu', { mtu: Bytes; cause: MtuCause }>
  /** A probe packet of `mtu` bytes is sent; it begins `ahead` bytes after SND.UNA. */
  | Fields<'mtu-probe', { mtu: Bytes; ahead: Bytes }>
  /** The probe of `mtu` bytes was lost; the search stays at or below `high` bytes. */
  | Fields<'mtu-probe-lost', { mtu: Bytes; high: Bytes }>
  /** An ICMP error that does not end the connection (RFC 5461). */
  | Fields<'soft-error', { type: number; code: number }>;

/** For JSON: null for Infinity. */
export const orNull = (n: number): number | null => (Number.isFinite(n) ? n : null);
