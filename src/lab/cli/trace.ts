/**
 * `tcplab trace`: the live lines of a running stack, with the reasons, from another terminal than
 * the stack's. Ends with the stack, or with Ctrl-C.
 */
import pc from 'picocolors';
import { toAscii } from '../../base/ascii.js';
import type { TraceEvent } from '../../observe/events.js';
import { LiveLines } from '../../observe/live.js';
import { endsOf } from '../../observe/socket-records.js';
import type { SsFilter } from '../../observe/ss-filter.js';
import { isOfKind, type StepKind } from '../../observe/step-filter.js';
import type { ControlClient } from '../control/client.js';
import { filterOf } from '../control/stack-answers.js';
import { askStack, printLines, type AskOptions } from './asking.js';
import { CommandError, Exit } from './errors.js';
import { isAsciiOnly } from './terminal.js';
import { paint } from './views.js';

export interface TraceOptions extends AskOptions {
  /** --no-why */
  why: boolean;
  only?: StepKind;
}

/** How long a step may wait for an event that completes it. */
const FLUSH_MS = 50;

export async function trace(words: readonly string[], o: TraceOptions): Promise<number> {
  const print = (line: string): void => printLines([line]);
  await askStack(o, async (client) => {
    const filter = filterOf(words.join(' ')); // its error needs no events
    if (filter.states !== null)
      throw new CommandError(
        Exit.usage,
        'a trace cannot be filtered by state, because states change while it runs',
        'tcplab trace --only states',
      );
    await follow(client, filter, o, print);
  });
  return Exit.ok;
}

/** Resolves when the stack has ended. */
async function follow(
  client: ControlClient,
  filter: SsFilter,
  o: TraceOptions,
  print: (line: string) => void,
): Promise<void> {
  const isWanted = (event: TraceEvent): boolean => {
    if (event.group_id === '') return filter.isEmpty || event.name === 'tcplab:trace_started';
    return filter.matches(endsOf(event.group_id));
  };
  const skipped = (count: number): void => {
    print(`… ${count} events left out: this trace was not read fast enough`);
  };
  if (o.json === true) {
    const show = (event: TraceEvent): void => {
      if (isWanted(event)) print(JSON.stringify(event));
    };
    await client.events(show, skipped);
    return;
  }
  const { only } = o;
  const live = new LiveLines(isAsciiOnly() ? (text) => print(toAscii(text)) : print, {
    why: o.why,
    ...(only === undefined ? {} : { shows: (step) => isOfKind(step, only) }),
    ...(pc.isColorSupported ? { paint } : {}),
  });
  const timer = setInterval(() => live.flush(), FLUSH_MS);
  const show = (event: TraceEvent): void => {
    if (isWanted(event)) live.sink(event);
  };
  await client.events(show, (count) => {
    live.flush();
    skipped(count);
  });
  clearInterval(timer);
  live.end();
}
