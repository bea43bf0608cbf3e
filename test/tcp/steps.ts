/**
 * The steps of a packet test: segments that the peer sent (<) and received (>), calls of our user,
 * and their effects. The message of a failing test ends with them, the failing step last:
 *
 *     expected 1001 to be 501
 *     The steps that were played:
 *     0.000000 < S 0:0(0) win 65535 <mss 1460>
 *     0.000000   LISTEN -> SYN-RECEIVED: receive SYN
 *     0.000000 > S. 0:0(0) ack 1 win 65535 <mss 1460>
 *     0.000000 failed here: expected 1001 to be 501
 */
import { onTestFailed, TestRunner } from 'vitest';
import { SECOND, type Micros } from '../../src/base/time.js';

/** Of a long test only the last ones are printed. */
const MOST = 60;

const timeText = (time: Micros): string => (time / SECOND).toFixed(6);

/** The steps of the running test: the object that was last added to. */
let playing: { readonly test: unknown; steps: Steps } | null = null;

export class Steps {
  private readonly lines: string[] = [];
  private count = 0;
  private time: Micros = 0;

  /** `time` is relative to the beginning of the test. */
  add(time: Micros, text: string): void {
    this.time = time;
    this.lines.push(`${timeText(time)} ${text}`);
    this.count++;
    if (this.lines.length >= 2 * MOST) this.lines.splice(0, MOST);
    watch(this);
  }

  /** The message of a failure; `failed` is the message of the failed expectation. */
  textAt(failed: string): string {
    const last = this.lines.slice(-MOST);
    const left = this.count - last.length;
    return [
      failed,
      'The steps that were played:',
      ...(left > 0 ? [`(${left} before these)`] : []),
      ...last,
      `${timeText(this.time)} failed here: ${failed.split('\n')[0]!}`,
    ].join('\n');
  }
}

function watch(steps: Steps): void {
  const test = TestRunner.getCurrentTest();
  if (test === undefined) return;
  if (playing?.test === test) {
    playing.steps = steps;
    return;
  }
  const mine = (playing = { test, steps });
  onTestFailed(({ task }) => {
    for (const error of task.result?.errors ?? []) error.message = mine.steps.textAt(error.message);
  });
}
