/**
 * Shows every packet that passes a device, both ways, to a tap: a capture file, a live view.
 *
 * What is shown is what stands on the wire: partial checksums are completed, in a copy, or every tool would call the
 * packet broken. Super-segments are shown whole, as tcpdump on a TUN shows them, with lengths and checksums right.
 * A capture never changes, delays or keeps a packet.
 */
import { type Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import {
  type Device,
  type DeviceCounters,
  type Offload,
  type Receiver,
  type RxPacket,
  type TxPacket,
} from './device.js';
import type { Direction } from './link/drop-rules.js';
import { PacketStore } from './packet-store.js';
import { type EmitPacket, Segmenter } from './segmentation.js';

/** Looks at packets. The bytes are valid during the call. */
export interface PacketTap {
  packet(direction: Direction, slab: Slab, offset: number, length: number, now: Micros): void;
  /** The batch is over: what the last packet caused is known by now. */
  batchEnd(now: Micros): void;
}

export class Capture implements Device {
  private readonly inner: Device;
  private readonly tap: PacketTap;
  private readonly copies = new PacketStore();
  private readonly segmenter = new Segmenter();
  private readonly showIn: EmitPacket;
  private readonly showOut: EmitPacket;
  private lent: TxPacket | null = null;
  private now: Micros = 0;

  constructor(inner: Device, tap: PacketTap) {
    this.inner = inner;
    this.tap = tap;
    this.showIn = (slab, offset, length) => tap.packet('in', slab, offset, length, this.now);
    this.showOut = (slab, offset, length) => tap.packet('out', slab, offset, length, this.now);
  }

  get name(): string {
    return this.inner.name;
  }

  get mtu(): number {
    return this.inner.mtu;
  }

  get offload(): Offload {
    return this.inner.offload;
  }

  get counters(): DeviceCounters {
    return this.inner.counters;
  }

  attach(receiver: Receiver): void {
    this.inner.attach({
      packet: (rx: RxPacket, now) => {
        this.now = now;
        this.segmenter.complete(rx, this.showIn);
        receiver.packet(rx, now);
      },
      turnBegins: () => receiver.turnBegins?.(),
      batchEnd: (now) => {
        receiver.batchEnd(now);
        this.tap.batchEnd(now);
      },
      deviceError: (error, fatal) => receiver.deviceError(error, fatal),
      deviceDrop: (reason, count) => receiver.deviceDrop(reason, count),
      packetsWait: () => receiver.packetsWait?.(),
    });
  }

  packet(): TxPacket {
    this.lent = this.inner.packet();
    return this.lent;
  }

  transmit(now: Micros): void {
    this.now = now;
    const packet = this.copies.holdTx(this.lent!);
    this.segmenter.complete(packet, this.showOut);
    this.copies.release(packet);
    this.inner.transmit(now);
  }

  flush(now: Micros): void {
    this.inner.flush(now);
    this.tap.batchEnd(now);
  }

  nextTimeout(): Micros {
    return this.inner.nextTimeout();
  }

  onTimeout(now: Micros): void {
    this.inner.onTimeout(now);
  }

  close(): void {
    this.inner.close();
  }

  poll(): void {
    this.inner.poll?.();
  }

  unref(): void {
    this.inner.unref?.();
  }
}
