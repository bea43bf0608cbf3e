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
 *
 * An idle link (`Link.idle`) waits for faults that may be set later. Until then packets pass by the
 * lanes untouched, whole super-segments included.
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
import { isPerfect, type LinkOptions, perfectLink } from './link-options.js';
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
  private seed: number;
  /** From the start without faults: it offers what the device offers, so packets may pass by. */
  private readonly startsIdle: boolean;
  /** No faults are set; rules are looked at beside it. */
  private plain: boolean;
  /** The packet that was lent is the device's own. */
  private lentBelow = false;
  private receiver: Receiver | null = null;
  private readonly tx = new TxPacket();
  private readonly outgoing = new PacketStore();
  private readonly segmenter = new Segmenter();
  private readonly enterOut: EmitPacket;

  constructor(
    inner: Device,
    options: LinkOptions = perfectLink(),
    listener: LinkListener | null = null,
    startsIdle = false,
  ) {
    super(inner);
    this.startsIdle = startsIdle;
    this.plain = startsIdle;
    this.seed = options.seed;
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

  /** Without faults, and ready for some. */
  static idle(inner: Device, listener: LinkListener | null = null): Link {
    return new Link(inner, perfectLink(), listener, true);
  }

  override get offload(): Offload {
    return this.startsIdle ? this.inner.offload : FULL_OFFLOAD;
  }

  /** True: packets pass by the lanes. */
  get passes(): boolean {
    return this.plain && this.rules.length === 0;
  }

  /** The faults that are set now: a copy, to add to. */
  get options(): LinkOptions {
    const { seed, rules } = this;
    return {
      seed,
      in: { ...this.in.impairments },
      out: { ...this.out.impairments },
      rules: [...rules],
    };
  }

  /**
   * Sets other faults, for packets from now on. `restart`: the random numbers begin again, so that
   * a seed repeats what follows. Without faults, what is under way arrives at once: `nextTimeout`
   * changes.
   */
  change(options: LinkOptions, now: Micros, restart: boolean): void {
    const begins = restart || options.seed !== this.seed;
    this.seed = options.seed;
    this.in.change(options.in, begins ? new SeededRandom(options.seed) : null);
    this.out.change(options.out, begins ? new SeededRandom(options.seed ^ OUT_SEED_MIX) : null);
    const rules = this.rules as DropRule[];
    rules.splice(0, rules.length, ...options.rules);
    const perfect = isPerfect(options);
    this.plain = this.startsIdle && perfect;
    if (!perfect) return;
    this.in.hasten(now);
    this.out.hasten(now);
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
    return new LinkEntrance(receiver, this, this.segmenter);
  }

  override packet(): TxPacket {
    this.lentBelow = this.passes;
    if (this.lentBelow) return this.inner.packet();
    this.tx.clear();
    return this.tx;
  }

  override transmit(now: Micros): void {
    if (this.lentBelow) {
      this.inner.transmit(now);
      return;
    }
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
  private readonly link: Link;
  private readonly segmenter: Segmenter;
  private readonly enter: EmitPacket;

  constructor(outer: Receiver, link: Link, segmenter: Segmenter) {
    super(outer);
    this.link = link;
    this.segmenter = segmenter;
    this.enter = (slab, offset, length, now) => link.in.enter(slab, offset, length, now);
  }

  override packet(rx: RxPacket, now: Micros): void {
    if (this.link.passes) this.outer.packet(rx, now);
    else this.segmenter.segment(rx, this.enter, now);
  }
}
