/** What people look for in a stream of events. */
import type { TraceEvent } from './events.js';

export type EventMark = 'retransmission' | 'drop' | 'state' | 'timer' | 'recovery';

/** Null for any other event. */
export function markOf(event: TraceEvent): EventMark | null {
  switch (event.name) {
    case 'tcp:segment_sent':
      return event.data.again ? 'retransmission' : null;
    case 'tcp:segment_dropped':
    case 'ip:packet_dropped':
    case 'link:dropped':
      return 'drop';
    case 'tcp:state_changed':
      return 'state';
    case 'recovery:timer_expired':
      return 'timer';
    case 'tcp:note':
      return RECOVERY.has(event.data.note) ? 'recovery' : null;
    default:
      return null;
  }
}

const RECOVERY: ReadonlySet<string> = new Set([
  'ca-state',
  'fast-retransmit',
  'loss-probe',
  'undo',
  'recovery-exit',
  'rto-retransmit',
  'ecn-reduced',
]);
