/** The addon with the functions that only tests call (test-functions.c), compiled on first use. */
import { createRequire } from 'node:module';
import { ensureTestAddon } from '../../native-setup/build.mjs';
import type { Native } from '../../src/device/tun/native.js';

export interface TestNative extends Native {
  /**
   * The next `times` calls fail with `errno`, or, if it is 0, write `short` bytes too few. For this
   * thread only.
   */
  injectFault(what: 'read' | 'write', errno: number, times: number, short: number): void;
  /**
   * Joins packets in `slab` as a queue with `receiveOffload` does, and returns how many remain.
   */
  joinPackets(slab: Uint8Array, rx: Int32Array, count: number): number;
}

let path: Promise<string> | null = null;

/** Its path: the value of TCPLAB_ADDON for a process that loads it. */
export const testAddon = (): Promise<string> => (path ??= ensureTestAddon({ quiet: true }));

/** Loaded here, regardless of the addon that `native()` loaded. */
export const testNative = async (): Promise<TestNative> =>
  createRequire(import.meta.url)(await testAddon()) as TestNative;
