/**
 * A faulty link around any device. It does what `tc netem` does, without the kernel, and a seed
 * makes it repeatable.
 *
 *     stack ──▶ transmit ──▶ segment ──▶ lane out ──▶ device
 *     stack ◀── lane in ◀── segment ◀─────────────── device
 *
 * The link loses and damages packets as they are on the wire. In both directions, super-segments
 * are cut and checksums completed first. Therefore the link offers full offload to the stack,
 * whatever the device below can do.
 */
import { copyBytes } from '../../base/copy.js';
import { SeededRandom } from '../../base/random.js';
import { Slab } from '../../base/slab.js';
import type { Micros } from '../../base/time.js';
import {
  type Device,
  FULL_OFFLOAD,
  type Offload,
  type Receiver,
  type RxPacket,
  TX_ROOM,
  TxPacket,
} from '../device.js';
import type { DropRule } from './drop-rules.js';
import { Lane, type LinkListener } from './lane.js';
import { type LinkOptions, perfectLink } from './link-options.js';
import { PacketStore } from '../packet-store.js';
import { type EmitPacket, Segmenter } from '../segmentation.js';
import { DeviceWrapper, ReceiverWrapper } from '../wrapper.js';

/** Makes the random numbers of the two directions independent. */
const OUT_SEED_MIX = 0x5bd1e995;

export class Link extends DeviceWrapper {
  /** Towards the stack, and away from it. */
  readonly in: Lane;
  readonly out: Lane;
  readonly rules: readonly DropRule[];
  private receiver: Receiver | null = null;
  private readonly tx = new TxPacket();
  private readonly outgoing = new PacketStore();
  private readonly segmenter = new Segmenter();
  private readonly enterOut: EmitPacket;

  constructor(
    inner: Device,
    options: LinkOptions = perfectLink(),
    listener: LinkListener | null = null,
  ) {
    super(inner);
    this.rules = options.rules;
    this.in = new Lane('in', options.in, options.rules, new SeededRandom(options.seed), {
      laneDelivers: (packet, now) => this.receiver!.packet(packet, now),
      laneDrops: (reason, now) => this.receiver?.deviceDrop(reason, 1, now),
      laneAnswers: (slab, offset, length, now) => {
        this.out.inject(slab, offset, length, now);
      },
    });
    this.out = new Lane(
      'out',
      options.out,
      options.rules,
      new SeededRandom(options.seed ^ OUT_SEED_MIX),
      {
        laneDelivers: (packet, now) => this.forward(packet.slab, packet.offset, packet.length, now),
        laneDrops: (reason, now) => this.receiver?.deviceDrop(reason, 1, now),
        laneAnswers: (slab, offset, length, now) => {
          this.in.inject(slab, offset, length, now);
        },
      },
    );
    this.enterOut = (slab, offset, length, now) => this.out.enter(slab, offset, length, now);
    this.tx.slab = new Slab(TX_ROOM);
    this.listen(listener);
  }

  override get offload(): Offload {
    return FULL_OFFLOAD;
  }

  /** Sets the listener for drops and damage; null: none. */
  listen(listener: LinkListener | null): void {
    this.in.listener = listener;
    this.out.listener = listener;
  }

  override attach(receiver: Receiver): void {
    if (this.receiver !== null) throw new Error(`the link on ${this.name} has a receiver already`);
    this.receiver = receiver;
    super.attach(receiver);
  }

  protected override receiverFor(receiver: Receiver): Receiver {
    return new LinkEntrance(receiver, this.in, this.segmenter);
  }

  override packet(): TxPacket {
    this.tx.clear();
    return this.tx;
  }

  override transmit(now: Micros): void {
    const packet = this.outgoing.holdTx(this.tx);
    this.segmenter.segment(packet, this.enterOut, now);
    this.outgoing.release(packet);
  }

  override nextTimeout(): Micros {
    return Math.min(this.in.nextTimeout(), this.out.nextTimeout(), this.inner.nextTimeout());
  }

  override onTimeout(now: Micros): void {
    if (this.inner.nextTimeout() <= now) this.inner.onTimeout(now);
    if (this.out.release(now) > 0) this.inner.flush(now);
    if (this.in.release(now) > 0) this.receiver!.batchEnd(now);
  }

  override close(): void {
    this.in.clear();
    this.out.clear();
    this.inner.close();
  }

  private forward(slab: Slab, offset: number, length: number, now: Micros): void {
    const tx = this.inner.packet();
    copyBytes(slab, offset, tx.slab, tx.start, length);
    tx.headBytes = length;
    this.inner.transmit(now);
  }
}

/** Puts packets from the device into the lane towards the stack. */
class LinkEntrance extends ReceiverWrapper {
  private readonly segmenter: Segmenter;
  private readonly enter: EmitPacket;

  constructor(outer: Receiver, lane: Lane, segmenter: Segmenter) {
    super(outer);
    this.segmenter = segmenter;
    this.enter = (slab, offset, length, now) => lane.enter(slab, offset, length, now);
  }

  override packet(rx: RxPacket, now: Micros): void {
    this.segmenter.segment(rx, this.enter, now);
  }
}
