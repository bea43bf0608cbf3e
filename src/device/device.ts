/**
 * Where packets enter and leave a stack. A device is a TUN, an in-memory cable to another stack, or
 * a wrapper around another device (a faulty link, a capture). Wrappers compose,
 * `link(capture(tun))`, and the stack sees no difference.
 *
 *     in:   device ──▶ Receiver.packet(rx, now) … packet(rx, now) ──▶ Receiver.batchEnd(now)
 *     out:  device.packet() ──▶ fill it ──▶ device.transmit(now) … ──▶ device.flush(now)
 *
 * Both ways a packet is one reused object, valid during the call, and both ways packets come in
 * batches: a TUN costs a system call a packet, so all that can be saved is everything else.
 */
import type { Micros } from '../base/time.js';
import { Slab } from '../base/slab.js';

const EMPTY_SLAB = new Slab(0);

/** virtio-net's gso_type: what kind of super-segment this is. */
export const Gso = { none: 0, tcp4: 1, tcp6: 4 } as const;

/**
 * What a device takes off the stack's hands. Without it packets are complete and no longer than the
 * MTU.
 */
export interface Offload {
  /**
   * The device completes a TCP or UDP checksum of which only the pseudo-header's sum stands in its
   * field.
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
   * The transport checksum needs no summing: the device vouches for it, or the packet never left
   * this machine and its checksum field holds the pseudo-header's sum only (`checksumPartial`).
   */
  checksumValid = false;
  /**
   * The checksum field still holds only the pseudo-header's sum; at
   * `checksumStart + checksumOffset`, from the packet's start.
   */
  checksumPartial = false;
  checksumStart = 0;
  checksumOffset = 0;
  /**
   * One of `Gso`; with it `gsoSize`, the payload of each segment in this super-segment, and
   * `headerBytes`, IP + TCP.
   */
  gsoType = 0;
  gsoSize = 0;
  headerBytes = 0;
  /**
   * Set by a receiver that keeps a reference to these bytes: the device will not write over them.
   */
  keep = false;
}

/** Most pieces of payload that one packet gathers. */
export const MAX_PIECES = 4;

/**
 * A packet on its way out: headers (and small payloads) written into the device's own `slab` from
 * `start` on, large payloads left where they are and gathered by the device. The bytes of a piece
 * are read by `transmit` or, at the latest, by `flush`: until then they must not change.
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
   * The checksum field holds the pseudo-header's sum and the device completes it: only with
   * `offload.checksum`.
   */
  checksumPartial = false;
  checksumStart = 0;
  checksumOffset = 0;
  gsoType = 0;
  gsoSize = 0;
  /** IP and TCP header bytes of a super-segment. */
  headerBytes = 0;
  /** CWR stands on the first segment of a super-segment only (virtio-net's GSO_ECN). */
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
 * Room that `Device.packet()` guarantees from `start` on: any packet of up to 64 KB may be written
 * whole.
 */
export const TX_ROOM = 65_536;

/** Why a device cannot go on. `code` is an errno name, as in Node's errors: `EBADFD`, `EIO`. */
export interface DeviceError extends Error {
  code?: string | undefined;
}

/** Who gets a device's packets: a stack, or the wrapper around the device. */
export interface Receiver {
  /** A packet came in. `rx` is valid during the call. */
  packet(rx: RxPacket, now: Micros): void;
  /**
   * The event loop called the device, which calls `batchEnd` next: no user's code ran in this turn
   * before.
   */
  turnBegins?(): void;
  /** The batch is over: now answer. */
  batchEnd(now: Micros): void;
  /**
   * The device cannot go on (deleted, set down). Packets may come again after it if `fatal` is
   * false.
   */
  deviceError(error: DeviceError, fatal: boolean, now: Micros): void;
  /** The device dropped a packet on the way out, for one of `Drop`'s reasons. */
  deviceDrop(reason: number, count: number, now: Micros): void;
  /**
   * Packets wait that the system does not report as readiness of a descriptor, and `nextTimeout()`
   * says that they are due. An event loop then calls soon; a simulation, which asks for
   * `nextTimeout()` anyway, does not need this.
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
  /** As `ip link` shows it, or a made-up one. */
  readonly name: string;
  /** Largest IP packet in bytes that goes out uncut. */
  readonly mtu: number;
  readonly offload: Offload;
  readonly counters: DeviceCounters;
  /** From now on packets go to `receiver`. Once. */
  attach(receiver: Receiver): void;
  /** Lends the packet to fill next, cleared. The same object each time. */
  packet(): TxPacket;
  /** Queues what `packet()` lent. */
  transmit(now: Micros): void;
  /** Sends what is queued: the end of a batch. */
  flush(now: Micros): void;
  /** When `onTimeout` must be called next (a delaying link), or NEVER. */
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
  /**
   * Hands over what waits, as readiness would have it do; a device whose packets never wait has no
   * need of it.
   */
  poll?(): void;
  /** Stops, and releases descriptors. Twice is harmless. */
  close(): void;
  /**
   * A device that would keep the process alive while it is open does so no more: a host does that
   * itself.
   */
  unref?(): void;
}
