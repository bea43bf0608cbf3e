/**
 * How much the network reorders: the evidence of loss that is asked for grows with it (RFC 4653's
 * idea, as Linux).
 */
import type { Segments } from '../../base/units.js';
import type { Sender } from '../send/sender.js';

/** Linux's tcp_max_reordering. */
const MAX_REORDERING = 300;

/** Something came late by `segments`: so many duplicates at least can happen without a loss. */
export function noteReordering(snd: Sender, segments: Segments): void {
  const { recovery } = snd;
  recovery.reordering = Math.max(recovery.reordering, Math.min(segments, MAX_REORDERING));
  recovery.reorderSeen++;
  if (snd.sack) snd.counters.TcpExtTCPSACKReorder++;
  else snd.counters.TcpExtTCPRenoReorder++;
}
