/**
 * A queue on this machine takes nothing (`SegmentSink.dropsAll`), and the sender knows it at once:
 * that is not a loss on the path. As in Linux, retransmissions and new data stay queued and are
 * tried again after half a second, without backoff. SYNs, ACKs and RSTs are lost as on the wire.
 */
import type { Micros } from '../../base/time.js';
import type { Sender } from './sender.js';
import { enterCwr } from '../recovery/recovery.js';
import { armRto, isWatched } from '../recovery/rto.js';
import { TCP_RESOURCE_PROBE_INTERVAL } from '../linux-constants.js';

/** New data was not sent. If nothing is in flight, the persist timer tries again. */
export function newDataDropped(snd: Sender, now: Micros): void {
  snd.droppedHere = true;
  enterCwr(snd, now, 'local');
}

/**
 * A retransmission was not sent. If a timeout caused it, that timeout does not count, and the next
 * try is early.
 */
export function resendDropped(snd: Sender, now: Micros): void {
  snd.counters.TcpExtTCPRetransFail++;
  enterCwr(snd, now, 'local');
  if (isWatched(snd)) return;
  if (snd.rtt.backoff > 0) snd.rtt.backoff--;
  armRto(snd, TCP_RESOURCE_PROBE_INTERVAL, now);
}
