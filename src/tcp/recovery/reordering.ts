/**
 * Measures how much the network reorders. The more it does, the more duplicate ACKs are needed as
 * evidence of loss (the idea of RFC 4653, as in Linux).
 */
import type { Segments } from '../../base/units.js';
import type { Sender } from '../send/sender.js';

/** Linux's tcp_max_reordering. */
const MAX_REORDERING = 300;

/**
 * A segment was late by `segments` segments, so as many duplicate ACKs are possible without a loss.
 */
export function noteReordering(snd: Sender, segments: Segments): void {
  const { recovery } = snd;
  recovery.reordering = Math.max(recovery.reordering, Math.min(segments, MAX_REORDERING));
  recovery.reorderSeen++;
  if (snd.sack) snd.counters.TcpExtTCPSACKReorder++;
  else snd.counters.TcpExtTCPRenoReorder++;
}
