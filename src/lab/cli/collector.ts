/**
 * How V8 collects garbage in a process that moves much data and keeps little. Received payload is
 * memory outside V8's heap, given away and dropped again at gigabytes a second; with a small heap
 * V8 takes each 32 MB of it for a reason to collect the whole heap, and two thirds of the rate are
 * lost (docs/performance.md, "Traps"). So the heap may grow to nine times what lives in it before
 * that: some 80 MB here.
 */
import { setFlagsFromString } from 'node:v8';

export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=800');
}
