/**
 * A cable in memory: the other end receives what one end transmits, later. Also the loopback, a
 * cable with only one end.
 *
 *     end A  transmit ──▶ queue ──▶ end B's receiver, when B's onTimeout (or deliver) is called
 *
 * It connects two stacks in one process, in virtual or real time, repeatable to the byte. Delivery
 * is always deferred: `transmit` only queues, so a reply takes a turn of the owner's loop and is
 * never a call inside a call. An end with waiting packets is due at once: its `nextTimeout()` is 0.
 * When the first of them is queued, its receiver's `packetsWait` is called.
 *
 * With offload, super-segments and partial checksums pass as through a TUN with virtio-net headers.
 * Without it, a packet that a real link could not carry is a bug of the sender, and `transmit`
 * throws.
 */
import { Ring } from '../base/ring.js';
import { Slab } from '../base/slab.js';
import { AT_ONCE, NEVER, type Micros } from '../base/time.js';
import { Drop } from '../wire/drop.js';
import {
  type Device,
  type DeviceCounters,
  FULL_OFFLOAD,
  Gso,
  NO_OFFLOAD,
  type Offload,
  type Receiver,
  TX_ROOM,
  TxPacket,
} from './device.js';
import { type HeldPacket, PacketStore } from './packet-store.js';

export interface PairOptions {
  /** Bytes; default 1500. */
  readonly mtu?: number;
  /** True: offload as in a TUN with virtio-net headers. Default false. */
  readonly offload?: boolean;
  /** The ends are called `NAMEa` and `NAMEb`; default `pair`. */
  readonly name?: string;
  /**
   * Packets that may wait in each direction; more are dropped (`deviceQueueFull`). Default 8192.
   */
  readonly queueLimit?: number;
}

const DEFAULT_QUEUE_LIMIT = 8192;

export class PairEnd implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly offload: Offload;
  readonly counters: DeviceCounters = {
    rxPackets: 0,
    rxBytes: 0,
    txPackets: 0,
    txBytes: 0,
    txDropped: 0,
  };
  private peer: PairEnd = this;
  private receiver: Receiver | null = null;
  private closed = false;
  private readonly queueLimit: number;
  private readonly tx = new TxPacket();
  private readonly store = new PacketStore();
  private readonly queue = new Ring<HeldPacket>();

  constructor(name: string, mtu: number, offload: Offload, queueLimit: number) {
    this.name = name;
    this.mtu = mtu;
    this.offload = offload;
    this.queueLimit = queueLimit;
    this.tx.slab = new Slab(TX_ROOM);
  }

  static join(a: PairEnd, b: PairEnd): void {
    a.peer = b;
    b.peer = a;
  }

  attach(receiver: Receiver): void {
    if (this.receiver !== null) throw new Error(`${this.name} has a receiver already`);
    this.receiver = receiver;
  }

  packet(): TxPacket {
    this.tx.clear();
    return this.tx;
  }

  transmit(now: Micros): void {
    const tx = this.tx;
    const length = tx.length;
    checkSendable(this, tx, length);
    if (this.closed || this.peer.closed || this.peer.queue.length >= this.queueLimit) {
      this.counters.txDropped++;
      this.receiver?.deviceDrop(Drop.deviceQueueFull, 1, now);
      return;
    }
    this.counters.txPackets++;
    this.counters.txBytes += length;
    this.peer.queue.push(this.peer.store.holdTx(tx));
    if (this.peer.queue.length === 1) this.peer.receiver?.packetsWait?.();
  }

  flush(_now: Micros): void {}

  /** Packets that wait for `deliver`. */
  get waiting(): number {
    return this.queue.length;
  }

  /**
   * Hands over the packets that wait now as one batch. Packets that are transmitted meanwhile wait
   * for the next call.
   */
  deliver(now: Micros): void {
    const receiver = this.receiver;
    if (receiver === null || this.queue.length === 0) return;
    for (let n = this.queue.length; n > 0; n--) {
      const packet = this.queue.shift()!;
      this.counters.rxPackets++;
      this.counters.rxBytes += packet.length;
      receiver.packet(packet, now);
      this.store.release(packet);
    }
    receiver.batchEnd(now);
  }

  nextTimeout(): Micros {
    return this.queue.length > 0 && this.receiver !== null ? AT_ONCE : NEVER;
  }

  onTimeout(now: Micros): void {
    this.deliver(now);
  }

  close(): void {
    this.closed = true;
    for (let packet = this.queue.shift(); packet !== undefined; packet = this.queue.shift())
      this.store.release(packet);
  }
}

/**
 * Throws if a packet does not fit the device, because that is a bug of the stack, and a test must
 * see it. The bytes themselves are not checked.
 */
function checkSendable(device: Device, tx: TxPacket, length: number): void {
  const { offload, mtu, name } = device;
  if (tx.checksumPartial && !offload.checksum)
    throw new Error(`${name}: a partial checksum, but the device does not complete it`);
  if (tx.gsoType === Gso.none) {
    if (length > mtu)
      throw new Error(`${name}: a packet of ${length} bytes, but the MTU is ${mtu}`);
    return;
  }
  const cuts =
    (tx.gsoType === Gso.tcp4 && offload.tso4) || (tx.gsoType === Gso.tcp6 && offload.tso6);
  if (!cuts)
    throw new Error(
      `${name}: a super-segment of type ${tx.gsoType}, but the device does not cut this type`,
    );
  if (!tx.checksumPartial) throw new Error(`${name}: a super-segment needs a partial checksum`);
  if (tx.gsoSize <= 0 || tx.headerBytes + tx.gsoSize > mtu) {
    throw new Error(
      `${name}: segments of ${tx.headerBytes} + ${tx.gsoSize} bytes, but the MTU is ${mtu}`,
    );
  }
}

/**
 * Two ends of one cable. Give each to a stack, and call `onTimeout` on the end whose
 * `nextTimeout()` is due.
 */
export function pair(options: PairOptions = {}): [PairEnd, PairEnd] {
  const { mtu = 1500, offload = false, name = 'pair', queueLimit = DEFAULT_QUEUE_LIMIT } = options;
  const takes = offload ? FULL_OFFLOAD : NO_OFFLOAD;
  const a = new PairEnd(`${name}a`, mtu, takes, queueLimit);
  const b = new PairEnd(`${name}b`, mtu, takes, queueLimit);
  PairEnd.join(a, b);
  return [a, b];
}

/**
 * The loopback, for a stack's own addresses: it receives what it transmits. As in Linux's `lo`,
 * packets are neither segmented nor checksummed. MTU 65,535.
 */
export function loopback(name = 'lo'): PairEnd {
  return new PairEnd(name, 65_535, FULL_OFFLOAD, DEFAULT_QUEUE_LIMIT);
}
