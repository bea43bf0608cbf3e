/** Kinds of steps to look for: what `tcplab trace --only` can name. */
import { type EventMark, markOf } from './event-marks.js';
import type { Step } from './steps.js';

export const STEP_KINDS = ['drops', 'states', 'retransmissions', 'timers', 'recovery'] as const;
export type StepKind = (typeof STEP_KINDS)[number];

const MARKS: Readonly<Record<StepKind, EventMark>> = {
  drops: 'drop',
  states: 'state',
  retransmissions: 'retransmission',
  timers: 'timer',
  recovery: 'recovery',
};

export function isOfKind({ main, causes, effects, link }: Step, kind: StepKind): boolean {
  const events = [...(main === null ? [] : [main]), ...causes, ...effects, ...link];
  return events.some((event) => markOf(event) === MARKS[kind]);
}
