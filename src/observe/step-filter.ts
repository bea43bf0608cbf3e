/** Kinds of steps to look for: what `tcplab trace --only` can name. */
import type { Step } from './steps.js';

export const STEP_KINDS = ['drops', 'states', 'retransmissions', 'timers', 'recovery'] as const;
export type StepKind = (typeof STEP_KINDS)[number];

export function isOfKind(step: Step, kind: StepKind): boolean {
  const { main, causes, effects, link } = step;
  const events = [...causes, ...effects];
  switch (kind) {
    case 'drops':
      return (
        link.some((e) => e.name === 'link:dropped') ||
        main?.name === 'link:dropped' ||
        main?.name === 'ip:packet_dropped' ||
        events.some((e) => e.name === 'tcp:segment_dropped')
      );
    case 'states':
      return events.some((e) => e.name === 'tcp:state_changed');
    case 'retransmissions':
      return main?.name === 'tcp:segment_sent' && main.data.again;
    case 'timers':
      return events.some((e) => e.name === 'recovery:timer_expired');
    case 'recovery':
      return events.some((e) => e.name === 'tcp:note' && RECOVERY.has(e.data.note));
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
