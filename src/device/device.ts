/**
 * Where packets enter and leave a stack. A device is a TUN, an in-memory cable to another stack, or
 * a wrapper around another device (a faulty link, a capture). Wrappers compose,
 * `link(capture(tun))`, and the stack sees no difference.
 *
 *     in:   device ──▶ Receiver.packet(rx, now) … packet(rx, now) ──▶ Receiver.batchEnd(now)
 *     out:  device.packet() ──▶ fill it ──▶ device.transmit(now) … ──▶ device.flush(now)
 *
 * In both directions a packet is one reused object, valid during the call, and packets come in
 * batches. A TUN costs a system call for each packet, so the batches save all other work.
 */
import type { Micros } from '../base/time.js';
import { Slab } from '../base/slab.js';

const EMPTY_SLAB = new Slab(0);

/** virtio-net's gso_type: the kind of a super-segment. */
export const Gso = { none: 0, tcp4: 1, tcp6: 4 } as const;

/**
 * Work that a device does for the stack. Without it, packets must be complete and no longer than
 * the MTU.
 */
export interface Offload {
  /**
   * The device completes a TCP or UDP checksum field that holds only the pseudo-header's sum.
   */
  readonly checksum: boolean;
  /** The device cuts TCP super-segments of up to 64 KB over IPv4 (over IPv6). */
  readonly tso4: boolean;
  readonly tso6: boolean;
}

export const NO_OFFLOAD: Offload = { checksum: false, tso4: false, tso6: false };
export const FULL_OFFLOAD: Offload = { checksum: true, tso4: true, tso6: true };

/**
 * A packet that came in: an IP packet without any link header, in `slab[offset, offset + length)`.
 */
export class RxPacket {
  slab: Slab = EMPTY_SLAB;
  offset = 0;
  length = 0;
  /**
   * The transport checksum need not be verified: the device has verified it, or the packet never
   * left this machine and the field holds only the pseudo-header's sum (`checksumPartial`).
   */
  checksumValid = false;
  /**
   * The checksum field holds only the pseudo-header's sum. The field is at
   * `checksumStart + checksumOffset` from the packet's start.
   */
  checksumPartial = false;
  checksumStart = 0;
  checksumOffset = 0;
  /**
   * One of `Gso`. If not 0, `gsoSize` is the payload of each segment in this super-segment, and
   * `headerBytes` the length of its IP and TCP headers.
   */
  gsoType = 0;
  gsoSize = 0;
  headerBytes = 0;
  /**
   * Set by a receiver that keeps a reference to these bytes; the device then never overwrites them.
   */
  keep = false;
}

/** Most pieces of payload that one packet gathers. */
export const MAX_PIECES = 4;

/**
 * An outgoing packet. Headers and small payloads are written into the device's own `slab` from
 * `start` on. Large payloads stay where they are, and the device gathers them as pieces. The device
 * reads the bytes of a piece in `transmit` or, at the latest, in `flush`; until then they must not
 * change.
 */
export class TxPacket {
  slab: Slab = EMPTY_SLAB;
  /** Where to write; at least `TX_ROOM` bytes are free from there. */
  start = 0;
  /** How many bytes were written at `start`. */
  headBytes = 0;
  pieceCount = 0;
  readonly pieceSlab: Slab[] = Array.from({ length: MAX_PIECES }, () => EMPTY_SLAB);
  readonly pieceOffset = new Int32Array(MAX_PIECES);
  readonly pieceBytes = new Int32Array(MAX_PIECES);
  /**
   * The checksum field holds the pseudo-header's sum, and the device completes it. Valid only with
   * `offload.checksum`.
   */
  checksumPartial = false;
  checksumStart = 0;
  checksumOffset = 0;
  gsoType = 0;
  gsoSize = 0;
  /** IP and TCP header bytes of a super-segment. */
  headerBytes = 0;
  /** Only the first segment of the super-segment has CWR (virtio-net's GSO_ECN). */
  gsoEcn = false;

  addPiece(slab: Slab, offset: number, length: number): void {
    const n = this.pieceCount++;
    if (n >= MAX_PIECES) return; // `hasTooManyPieces`: the caller copies instead
    this.pieceSlab[n] = slab;
    this.pieceOffset[n] = offset;
    this.pieceBytes[n] = length;
  }

  get hasTooManyPieces(): boolean {
    return this.pieceCount > MAX_PIECES;
  }

  /** The packet's length: headers and pieces. */
  get length(): number {
    let n = this.headBytes;
    for (let i = 0; i < this.pieceCount; i++) n += this.pieceBytes[i]!;
    return n;
  }

  clear(): void {
    this.headBytes = 0;
    this.pieceCount = 0;
    this.checksumPartial = false;
    this.checksumStart = 0;
    this.checksumOffset = 0;
    this.gsoType = 0;
    this.gsoSize = 0;
    this.headerBytes = 0;
    this.gsoEcn = false;
  }
}

/**
 * Bytes that `Device.packet()` guarantees from `start` on, enough for a whole packet of 64 KB.
 */
export const TX_ROOM = 65_536;

/** Why a device failed. `code` is an errno name, as in Node's errors: `EBADFD`, `EIO`. */
export interface DeviceError extends Error {
  code?: string | undefined;
}

/** Gets a device's packets: a stack, or the wrapper around the device. */
export interface Receiver {
  /** A packet came in. `rx` is valid during the call. */
  packet(rx: RxPacket, now: Micros): void;
  /**
   * The event loop has called the device, and no user's code ran in this turn before. `batchEnd`
   * follows.
   */
  turnBegins?(): void;
  /** The batch is over; the receiver now sends its replies. */
  batchEnd(now: Micros): void;
  /**
   * The device failed: it was deleted, or set down. If `fatal` is false, packets may come again
   * later.
   */
  deviceError(error: DeviceError, fatal: boolean, now: Micros): void;
  /** The device dropped `count` outgoing packets, for one of `Drop`'s reasons. */
  deviceDrop(reason: number, count: number, now: Micros): void;
  /**
   * Packets wait that the system does not report as readiness of a descriptor; `nextTimeout()` is
   * due. An event loop must then call `onTimeout` soon. A simulation does not need this, because it
   * reads `nextTimeout()` anyway.
   */
  packetsWait?(): void;
}

export interface DeviceCounters {
  rxPackets: number;
  rxBytes: number;
  txPackets: number;
  txBytes: number;
  /** Packets that could not be sent: ENOBUFS, a full queue. */
  txDropped: number;
}

export interface Device {
  /** The name that `ip link` shows, or an invented one. */
  readonly name: string;
  /** Bytes of the longest IP packet that the device sends without cutting it. */
  readonly mtu: number;
  readonly offload: Offload;
  readonly counters: DeviceCounters;
  /** From now on packets go to `receiver`. Call it once. */
  attach(receiver: Receiver): void;
  /** The cleared packet to fill next: the same object each time. */
  packet(): TxPacket;
  /** Queues the packet that `packet()` returned. */
  transmit(now: Micros): void;
  /** Sends the queued packets, at the end of a batch. */
  flush(now: Micros): void;
  /** When `onTimeout` must be called next (for a link with a delay, say), or NEVER. */
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
  /**
   * Hands over the packets that wait, as at readiness. A device whose packets never wait does not
   * need it.
   */
  poll?(): void;
  /** Stops, and releases descriptors. A second call does nothing. */
  close(): void;
  /**
   * Stops the open device from keeping the process alive, because the host decides about that.
   */
  unref?(): void;
}
