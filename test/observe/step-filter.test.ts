/** Which steps `tcplab trace --only` shows. */
import { expect, it } from 'vitest';
import { Recorder } from '../../src/observe/recorder.js';
import { isOfKind, STEP_KINDS, type StepKind } from '../../src/observe/step-filter.js';
import { type Step, StepBuilder } from '../../src/observe/steps.js';
import { converse, START } from './conversation.js';

const steps: Step[] = [];
const builder = new StepBuilder((step) => steps.push(step));
const recorder = new Recorder(builder.add, START);
converse({
  link: 'drop out:data:1 drop out:syn-ack:1 delay 5ms',
  observer: recorder,
  linkListener: recorder,
});
builder.flush();
const of = (kind: StepKind): Step[] => steps.filter((step) => isOfKind(step, kind));

it('each kind has some steps, and no kind has all', () => {
  for (const kind of STEP_KINDS) {
    expect(of(kind).length, kind).toBeGreaterThan(0);
    expect(of(kind).length, kind).toBeLessThan(steps.length);
  }
});

it('the two lost segments are drops, and are sent again by a timer', () => {
  const lost = of('drops').flatMap((step) => step.link.map((e) => e.data.detail));
  expect(lost).toEqual(['out:syn-ack:1', 'out:data:1']);
  expect(of('retransmissions').length).toBeGreaterThanOrEqual(2);
  expect(of('timers').some((step) => isOfKind(step, 'retransmissions'))).toBe(true);
});

it('states are the steps with a transition', () => {
  const transitions = of('states').flatMap((s) =>
    [...s.causes, ...s.effects].flatMap((e) => (e.name === 'tcp:state_changed' ? [e.data.to] : [])),
  );
  expect(transitions).toContain('ESTABLISHED');
  expect(transitions).toContain('CLOSED');
});
