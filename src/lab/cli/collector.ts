/**
 * Sets how V8 collects garbage in a process that moves much data and keeps little. Received payload
 * is memory outside V8's heap, allocated and released at gigabytes a second. While the heap is
 * small, V8 collects all of it after each 32 MB of such memory, which costs two thirds of the
 * throughput (docs/performance.md, "Traps"). Therefore the heap may grow to nine times its live
 * size first, about 80 MB here.
 */
import { setFlagsFromString } from 'node:v8';

export function letHeapGrow(): void {
  setFlagsFromString('--heap-growing-percent=800');
}
