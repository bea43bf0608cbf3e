/**
 * The addon's functions (native-setup/addon.c) with their types. The addon is loaded at the first
 * use, because simulations do not need it.
 */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** An open queue of a TUN device; opaque. */
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
 * Bits. `vnet`: a virtio-net header stands before each packet. `receiveOffload`: the addon joins
 * packets that the device did not join (receive-offload.c).
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
  /** Sets MTU, queue length and state of a device; -1 leaves a value unchanged. */
  linkSet(name: string, mtu: number, txQueueLength: number, up: number): void;
  /**
   * The MTU in bytes. Throws ENODEV if this network namespace has no such device. (/sys may show
   * another namespace.)
   */
  linkMtu(name: string): number;
  linkDelete(name: string): void;
  addressAdd(name: string, address: Uint8Array, prefixBits: number): void;
  addressDelete(name: string, address: Uint8Array, prefixBits: number): void;
  routeCongestion(name: string, address: Uint8Array, prefixBits: number, algorithm: string): void;
  /**
   * `mode`: bits of `QueueMode`. The queue owns `fd` unless the call throws. `onReady` gets 0 if
   * packets wait, else a negative errno.
   */
  queueOpen(fd: number, mode: number, onReady: (status: number) => void): NativeQueue;
  queueClose(queue: NativeQueue): void;
  queueRef(queue: NativeQueue, on: number): void;
  /**
   * A slab of 1 MB to read into; its content is undefined. Its memory is reused after the garbage
   * collector finds no reference to it.
   */
  takeSlab(): ArrayBuffer;
  /** Returns the number of packets read, or a negative errno. */
  queueRead(
    queue: NativeQueue,
    slab: Uint8Array,
    start: number,
    rx: Int32Array,
    most: number,
  ): number;
  /**
   * Writes into `result`: the number of packets written, their bytes with virtio-net headers, the
   * packets dropped by a full queue, the packets refused, the errno of the refusal.
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
 * Where `npm run build:native` puts the addon. The path is the same from the compiled file and from
 * the source, because both have the same depth below the root.
 */
const PATH = fileURLToPath(new URL('../../../build/Release/tun.node', import.meta.url));

let loaded: Native | null = null;

/** The addon. Throws an Error that says what to type if the addon is not built. */
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
