/** The addon with the functions that only tests call (test-functions.c), compiled on first use. */
import { createRequire } from 'node:module';
import { ensureTestAddon } from '../../native-setup/build.mjs';
import type { Native } from '../../src/device/tun/native.js';

export interface TestNative extends Native {
  /**
   * The next `times` calls fail with `errno`, or, 0, write `short` bytes too few. Holds for this
   * thread.
   */
  injectFault(what: 'read' | 'write', errno: number, times: number, short: number): void;
  /**
   * Joins packets that stand in `slab` as a queue with `receiveOffload` does, and says how many
   * there are then.
   */
  joinPackets(slab: Uint8Array, rx: Int32Array, count: number): number;
}

let path: Promise<string> | null = null;

/** Where it is: what TCPLAB_ADDON says to a process that is to load it. */
export const testAddon = (): Promise<string> => (path ??= ensureTestAddon({ quiet: true }));

/** Loaded here, whatever `native()` has loaded. */
export const testNative = async (): Promise<TestNative> =>
  createRequire(import.meta.url)(await testAddon()) as TestNative;
