/**
 * A hash of a stack's state: counters, drops, and control blocks. A recording has one each 1,000
 * steps; a replay must have the same.
 */
import type { Micros } from '../base/time.js';
import type { Stack } from '../stack/stack.js';
import { mix } from './format.js';

/** With more connections than these the hash covers the first ones of the table. */
const MOST_CONNECTIONS = 256;
const BASIS = 0x811c9dc5 | 0;

const scratch = new DataView(new ArrayBuffer(8));

function ofNumber(hash: number, value: number): number {
  if ((value | 0) === value) return mix(hash, value);
  scratch.setFloat64(0, value);
  return mix(mix(hash, scratch.getInt32(0)), scratch.getInt32(4));
}

/** Plain data: numbers, texts, booleans, null, and objects and arrays of them. */
function ofData(hash: number, value: unknown): number {
  if (typeof value === 'number') return ofNumber(hash, value);
  if (typeof value === 'boolean') return mix(hash, value ? 1 : 2);
  if (typeof value === 'string') {
    let h = mix(hash, value.length);
    for (let i = 0; i < value.length; i++) h = mix(h, value.charCodeAt(i));
    return h;
  }
  if (typeof value !== 'object' || value === null) return mix(hash, 3);
  let h = hash;
  for (const part of Object.values(value)) h = ofData(h, part);
  return h;
}

/** The hash of `stack` at `now`, a 32-bit number. */
export function stateHashOf(stack: Stack, now: Micros): number {
  let hash = ofData(BASIS, stack.counters);
  for (const count of stack.drops) hash = ofNumber(hash, count);
  let left = MOST_CONNECTIONS;
  for (const conn of stack.connections()) {
    if (left-- === 0) break;
    hash = ofData(hash, conn.snapshot(now));
  }
  hash = ofNumber(hash, stack.tcp.connectionCount);
  return ofNumber(hash, stack.tcp.timeWait.size) >>> 0;
}
