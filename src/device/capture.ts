/**
 * Shows every packet that passes a device, in both directions, to a tap: a capture file or a live
 * view.
 *
 * The tap gets packets as they are on the wire. Partial checksums are completed in a copy, because
 * every tool would report them as wrong. Super-segments are shown whole, as tcpdump on a TUN shows
 * them, with correct lengths and checksums. A capture never changes, delays or keeps a packet.
 */
import { type Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import type { Device, Receiver, RxPacket, TxPacket } from './device.js';
import type { Direction } from './link/drop-rules.js';
import { PacketStore } from './packet-store.js';
import { type EmitPacket, Segmenter } from './segmentation.js';
import { DeviceWrapper, ReceiverWrapper } from './wrapper.js';

/** Looks at packets. The bytes are valid during the call. */
export interface PacketTap {
  packet(direction: Direction, slab: Slab, offset: number, length: number, now: Micros): void;
  /** The batch is over, and the receiver has processed its last packet. */
  batchEnd(now: Micros): void;
}

export class Capture extends DeviceWrapper {
  private readonly tap: PacketTap;
  private readonly copies = new PacketStore();
  private readonly segmenter = new Segmenter();
  private readonly showOut: EmitPacket;
  private lent: TxPacket | null = null;

  constructor(inner: Device, tap: PacketTap) {
    super(inner);
    this.tap = tap;
    this.showOut = (slab, offset, length, now) => tap.packet('out', slab, offset, length, now);
  }

  protected override receiverFor(receiver: Receiver): Receiver {
    return new CapturedReceiver(receiver, this.tap, this.segmenter);
  }

  override packet(): TxPacket {
    this.lent = this.inner.packet();
    return this.lent;
  }

  override transmit(now: Micros): void {
    const packet = this.copies.holdTx(this.lent!);
    this.segmenter.complete(packet, this.showOut, now);
    this.copies.release(packet);
    this.inner.transmit(now);
  }

  override flush(now: Micros): void {
    this.inner.flush(now);
    this.tap.batchEnd(now);
  }
}

/**
 * Shows each incoming packet before the receiver gets it, and ends the tap's batch after the
 * receiver has processed the batch.
 */
class CapturedReceiver extends ReceiverWrapper {
  private readonly tap: PacketTap;
  private readonly segmenter: Segmenter;
  private readonly showIn: EmitPacket;

  constructor(outer: Receiver, tap: PacketTap, segmenter: Segmenter) {
    super(outer);
    this.tap = tap;
    this.segmenter = segmenter;
    this.showIn = (slab, offset, length, now) => tap.packet('in', slab, offset, length, now);
  }

  override packet(rx: RxPacket, now: Micros): void {
    this.segmenter.complete(rx, this.showIn, now);
    this.outer.packet(rx, now);
  }

  override batchEnd(now: Micros): void {
    this.outer.batchEnd(now);
    this.tap.batchEnd(now);
  }
}
