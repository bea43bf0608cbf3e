/**
 * A queue on this machine takes nothing (`SegmentSink.dropsAll`), and the sender knows it at once:
 * that is no loss on the path. As in Linux what was to be sent again, and data that is new, stays
 * where it is and is tried again after half a second, with no backoff. SYNs, ACKs and RSTs are lost
 * like any on the wire.
 */
import type { Micros } from '../../base/time.js';
import type { Sender } from './sender.js';
import { enterCwr } from '../recovery/recovery.js';
import { armRto, isWatched } from '../recovery/rto.js';
import { TCP_RESOURCE_PROBE_INTERVAL } from '../limits.js';

/** New data did not leave. With nothing in flight the persist timer tries it again. */
export function newDataDropped(snd: Sender, now: Micros): void {
  snd.droppedHere = true;
  enterCwr(snd, now, 'local');
}

/**
 * Nor did a retransmission. When it was a timeout's, the next try is early, and the timeout was not
 * the path's.
 */
export function resendDropped(snd: Sender, now: Micros): void {
  snd.counters.TcpExtTCPRetransFail++;
  enterCwr(snd, now, 'local');
  if (isWatched(snd)) return;
  if (snd.rtt.backoff > 0) snd.rtt.backoff--;
  armRto(snd, TCP_RESOURCE_PROBE_INTERVAL, now);
}
