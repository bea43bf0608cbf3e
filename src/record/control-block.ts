/** A control block as a flat list of names and values, and what changed in it. */
import type { Micros } from '../base/time.js';
import type { Connection } from '../tcp/connection.js';

/** `snd.una` to its value. Timers have the time at which they expire. */
export type ControlBlock = ReadonlyMap<string, string>;

export interface Change {
  readonly name: string;
  readonly before: string;
  readonly after: string;
}

/** The control block of `conn`. Times of timers are relative to `start`. */
export function controlBlockOf(conn: Connection, now: Micros, start: Micros): ControlBlock {
  const { timers, ...rest } = conn.snapshot(now);
  const block = new Map<string, string>();
  const add = (name: string, value: unknown): void => {
    if (typeof value === 'object' && value !== null)
      for (const [part, v] of Object.entries(value)) add(name === '' ? part : `${name}.${part}`, v);
    else block.set(name, String(value));
  };
  add('', rest);
  for (const { name, inUs } of timers)
    block.set(`timer.${name}`, `expires at ${((now + inUs - start) / 1e6).toFixed(6)} s`);
  return block;
}

export function changesOf(before: ControlBlock | undefined, after: ControlBlock): Change[] {
  const changes: Change[] = [];
  for (const [name, value] of after) {
    const old = before?.get(name) ?? '-';
    if (old !== value) changes.push({ name, before: old, after: value });
  }
  for (const [name, value] of before ?? [])
    if (!after.has(name)) changes.push({ name, before: value, after: '-' });
  return changes;
}
