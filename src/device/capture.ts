/**
 * Shows every packet that passes a device, in both directions, to taps: capture files and live
 * views. They may come and go; without a tap packets pass untouched.
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
  private readonly taps: Taps;
  private readonly copies = new PacketStore();
  private readonly segmenter = new Segmenter();
  private readonly showOut: EmitPacket;
  private lent: TxPacket | null = null;

  constructor(inner: Device, ...taps: readonly PacketTap[]) {
    super(inner);
    this.taps = new Taps(taps);
    this.showOut = (slab, offset, length, now) =>
      this.taps.packet('out', slab, offset, length, now);
  }

  /** Shows packets to `tap`, too, until the returned function is called. */
  add(tap: PacketTap): () => void {
    return this.taps.add(tap);
  }

  protected override receiverFor(receiver: Receiver): Receiver {
    return new CapturedReceiver(receiver, this.taps, this.segmenter);
  }

  override packet(): TxPacket {
    this.lent = this.inner.packet();
    return this.lent;
  }

  override transmit(now: Micros): void {
    if (this.taps.count > 0) {
      const packet = this.copies.holdTx(this.lent!);
      this.segmenter.complete(packet, this.showOut, now);
      this.copies.release(packet);
    }
    this.inner.transmit(now);
  }

  override flush(now: Micros): void {
    this.inner.flush(now);
    this.taps.batchEnd(now);
  }
}

/** The taps of both directions, as one. */
class Taps implements PacketTap {
  private list: readonly PacketTap[];

  constructor(list: readonly PacketTap[]) {
    this.list = list;
  }

  get count(): number {
    return this.list.length;
  }

  add(tap: PacketTap): () => void {
    this.list = [...this.list, tap];
    return () => {
      this.list = this.list.filter((other) => other !== tap);
    };
  }

  packet(direction: Direction, slab: Slab, offset: number, length: number, now: Micros): void {
    for (const tap of this.list) tap.packet(direction, slab, offset, length, now);
  }

  batchEnd(now: Micros): void {
    for (const tap of this.list) tap.batchEnd(now);
  }
}

/**
 * Shows each incoming packet before the receiver gets it, and ends the taps' batch after the
 * receiver has processed the batch.
 */
class CapturedReceiver extends ReceiverWrapper {
  private readonly taps: Taps;
  private readonly segmenter: Segmenter;
  private readonly showIn: EmitPacket;

  constructor(outer: Receiver, taps: Taps, segmenter: Segmenter) {
    super(outer);
    this.taps = taps;
    this.segmenter = segmenter;
    this.showIn = (slab, offset, length, now) => taps.packet('in', slab, offset, length, now);
  }

  override packet(rx: RxPacket, now: Micros): void {
    if (this.taps.count > 0) this.segmenter.complete(rx, this.showIn, now);
    this.outer.packet(rx, now);
  }

  override batchEnd(now: Micros): void {
    this.outer.batchEnd(now);
    this.taps.batchEnd(now);
  }
}
