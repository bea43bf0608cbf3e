/**
 * The addon's functions (native-setup/addon.c), typed, and loaded when they are first needed:
 * simulations do without.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** An open queue of a TUN: opaque. */
export type NativeQueue = object & { readonly __queue: unique symbol };

/**
 * Numbers that describe one packet in the Int32Arrays of `queueRead` and `queueWrite` (native.h).
 */
export const Rx = {
  offset: 0,
  length: 1,
  flags: 2,
  gsoType: 3,
  headerLength: 4,
  gsoSize: 5,
  csumStart: 6,
  csumOffset: 7,
  words: 8,
} as const;
export const Tx = {
  offset: 0,
  length: 1,
  pieces: 2,
  firstPiece: 3,
  mostPieces: 4,
  words: 15,
} as const;
/**
 * A virtio-net header stands before each packet; packets that the device did not join are joined by
 * the addon (receive-offload.c).
 */
export const QueueMode = { vnet: 1, receiveOffload: 2 } as const;
/** Most different buffers in one `queueWrite`. */
export const MOST_BUFFERS = 256;

export interface Native {
  openTun(name: string, flags: number): { fd: number; name: string };
  tunInfo(fd: number): { name: string; flags: number };
  setOffload(fd: number, mask: number): void;
  setVnetHeaderSize(fd: number, size: number): void;
  setPersist(fd: number, on: number): void;
  setOwner(fd: number, uid: number): void;
  closeFd(fd: number): void;
  /** -1 leaves one alone. */
  linkSet(name: string, mtu: number, txQueueLength: number, up: number): void;
  /**
   * Throws ENODEV when this network namespace has no such device; /sys may be another namespace's.
   */
  linkMtu(name: string): number;
  linkDelete(name: string): void;
  addressAdd(name: string, address: Uint8Array, prefixBits: number): void;
  addressDelete(name: string, address: Uint8Array, prefixBits: number): void;
  routeCongestion(name: string, address: Uint8Array, prefixBits: number, algorithm: string): void;
  /**
   * `mode`: bits of `QueueMode`. Takes `fd` over, unless it throws. `onReady` gets 0 when packets
   * wait, else a negative errno.
   */
  queueOpen(fd: number, mode: number, onReady: (status: number) => void): NativeQueue;
  queueClose(queue: NativeQueue): void;
  queueRef(queue: NativeQueue, on: number): void;
  /**
   * A megabyte to read into, of any content. Its memory is reused when the garbage collector finds
   * no reference to it.
   */
  takeSlab(): ArrayBuffer;
  /** How many packets were read, or a negative errno. */
  queueRead(
    queue: NativeQueue,
    slab: Uint8Array,
    start: number,
    rx: Int32Array,
    most: number,
  ): number;
  /**
   * `result`: written, their bytes with virtio-net headers, dropped by a full queue, refused, the
   * refusal's errno.
   */
  queueWrite(
    queue: NativeQueue,
    slab: Uint8Array,
    tx: Int32Array,
    count: number,
    buffers: Uint8Array[],
    result: Int32Array,
  ): void;
}

/**
 * Where `npm run build:native` puts it. Beside the compiled file and beside the source alike: both
 * lie two folders below the root.
 */
const PATH = fileURLToPath(new URL('../../../build/Release/tun.node', import.meta.url));

let loaded: Native | null = null;

/** Throws an Error that says what to type when the addon is not built. */
export function native(): Native {
  if (loaded !== null) return loaded;
  try {
    loaded = createRequire(import.meta.url)(process.env['TCPLAB_ADDON'] ?? PATH) as Native;
    return loaded;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    const text = `the TUN driver cannot be loaded (${why}): build it with \`npm run build:native\``;
    throw Object.assign(new Error(text, { cause: error }), { code: 'ERR_TUN_DRIVER' });
  }
}
