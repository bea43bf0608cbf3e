/** Random simulations with recorded stacks, and their replays. */
import fc from 'fast-check';
import type { TraceEvent } from '../../src/observe/events.js';
import { Recorder } from '../../src/observe/recorder.js';
import { bytesSource } from '../../src/record/reader.js';
import { RecordedStack, type RecordOptions } from '../../src/record/recorded-stack.js';
import { Replay } from '../../src/record/replay.js';
import { stateHashOf } from '../../src/record/state-hash.js';
import type { Stack, StackOptions } from '../../src/stack/stack.js';
import { play } from '../property/model.js';
import { steps, worlds } from '../property/model-worlds.js';
import { fixIsn } from '../sim/isn.js';

/** A recorded stack, what it recorded, and what its observer saw. */
export interface Recorded {
  readonly stack: RecordedStack;
  readonly events: readonly TraceEvent[];
  bytes(): Uint8Array;
}

/** Records a stack with these options. */
export function recorded(o: StackOptions, record: RecordOptions = {}): Recorded {
  const chunks: Uint8Array[] = [];
  const events: TraceEvent[] = [];
  const observer = new Recorder((event) => events.push(event), 0);
  const sink = (chunk: Uint8Array): void => void chunks.push(chunk.slice());
  const stack = new RecordedStack({ ...o, observer }, sink, record);
  return {
    stack,
    events,
    bytes() {
      stack.flushRecording();
      return Uint8Array.from(Buffer.concat(chunks));
    },
  };
}

export interface Replayed {
  readonly replay: Replay;
  readonly events: readonly TraceEvent[];
}

/** Replays all of it. `prepare` changes the stack before its first step. */
export function replayed(
  bytes: Uint8Array,
  prepare: (stack: Stack, replay: Replay) => void = () => undefined,
): Replayed {
  const events: TraceEvent[] = [];
  const observer = new Recorder((event) => events.push(event), 0);
  const replay = new Replay(bytesSource(bytes), { observer });
  prepare(replay.stack, replay);
  while (replay.next() !== null);
  return { replay, events };
}

/** Plain data is equal. (JSON.stringify of all events would take most of the test's time.) */
function isSame(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || a === null) return Object.is(a, b);
  if (typeof b !== 'object' || b === null) return false;
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) =>
      isSame((a as Record<string, unknown>)[name], (b as Record<string, unknown>)[name]),
    )
  );
}

/** Null, or how the replay of `one` differs from what happened. */
export function differenceOf(
  one: Recorded,
  now: number,
  prepare?: (stack: Stack, replay: Replay) => void,
): string | null {
  const { replay, events } = replayed(one.bytes(), prepare);
  if (replay.divergence !== null) return JSON.stringify(replay.divergence);
  if (replay.isCut) return 'the recording is cut';
  const at = one.events.findIndex((event, i) => !isSame(event, events[i]));
  if (at >= 0) return `event ${at}: ${JSON.stringify([one.events[at], events[at]])}`;
  if (events.length !== one.events.length)
    return `${one.events.length} events, and ${events.length}`;
  const [was, is] = [stateHashOf(one.stack, now), stateHashOf(replay.stack, now)];
  return was === is ? null : `the state hash was ${was}, and is ${is}`;
}

/**
 * Plays `count` random worlds with both stacks recorded. Returns the differences, by the number of
 * their world.
 */
export function differencesOf(count: number, seed: number, record: RecordOptions = {}): string[] {
  const found: string[] = [];
  fc.sample(fc.tuple(worlds, steps), { numRuns: count, seed }).forEach(([world, script], i) => {
    const both: Recorded[] = [];
    const make = (o: StackOptions): Stack => {
      const one = recorded(o, record);
      both.push(one);
      return one.stack;
    };
    let end = 0;
    play(world, script, undefined, undefined, {
      make,
      ends: (now) => {
        end = now;
      },
    });
    both.forEach((one, side) => {
      const isn = world.isns[side]!;
      const difference = differenceOf(one, end, (stack, replay) => {
        fixIsn(stack, isn, () => replay.now);
      });
      if (difference !== null) found.push(`world ${i}, stack ${side}: ${difference}`);
    });
  });
  return found;
}
