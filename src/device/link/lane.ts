/**
 * One direction of a faulty link. A packet passes these steps:
 *
 *     drop rules ─▶ loss ─▶ a hop of smaller MTU ─▶ ECN mark ─▶ duplicate ─▶ corrupt
 *                ─▶ queue for the rate ─▶ delay, jitter, reorder ─▶ out
 *
 * All random choices come from one seeded generator and all times from `now`, so the same packets
 * at the same times have the same fate in every run.
 */
import type { SeededRandom } from '../../base/random.js';
import { Ring } from '../../base/ring.js';
import type { Slab } from '../../base/slab.js';
import { MILLISECOND, SECOND, type Micros } from '../../base/time.js';
import { Drop, type LinkDropReason } from '../../wire/drop.js';
import type { Direction, DropRule } from './drop-rules.js';
import { DueQueue } from './due-queue.js';
import { isEcnCapable, markCe } from './ecn-mark.js';
import { Hop, mayCut } from './hop.js';
import type { Impairments } from './link-options.js';
import { kindOf } from './packet-kind.js';
import { type HeldPacket, PacketStore } from '../packet-store.js';
import type { EmitPacket } from '../segmentation.js';

/**
 * Gets what the link does to packets, for captures and live lines. Bytes are valid during the call.
 */
export interface LinkListener {
  /** `detail` is the rule's text, or ''. */
  linkDropped(
    direction: Direction,
    reason: LinkDropReason,
    detail: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void;
  /** The link altered a packet: `what` is `duplicated`, `reordered`, `marked` or `corrupted`. */
  linkAltered(
    direction: Direction,
    what: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void;
}

/** Where a lane's packets go. */
export interface LaneEnd {
  laneDelivers(packet: HeldPacket, now: Micros): void;
  laneDrops(reason: LinkDropReason, now: Micros): void;
  /**
   * The link sends an ICMP error to the sender of a packet in this lane. Bytes are valid during the
   * call.
   */
  laneAnswers(slab: Slab, offset: number, length: number, now: Micros): void;
}

/** How long a reordered packet is held back if there is no delay to skip. */
const REORDER_HOLD: Micros = MILLISECOND;
/** Most bytes in the lane, whatever rate and delay are. */
const MAX_HELD_BYTES = 64 << 20;

export class Lane {
  readonly direction: Direction;
  /** May be changed at any time; packets in the lane keep their due time. */
  impairments: Impairments;
  listener: LinkListener | null = null;
  /** Packets so far, by what happened to them. */
  readonly counters = {
    packets: 0,
    lost: 0,
    ruled: 0,
    queueFull: 0,
    tooBig: 0,
    cut: 0,
    marked: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
    delivered: 0,
  };
  private random: SeededRandom;
  private readonly rules: readonly DropRule[];
  private readonly end: LaneEnd;
  private readonly hop = new Hop();
  private readonly store = new PacketStore();
  private readonly underWay = new DueQueue();
  /** When each packet that waits for the rate, or is being sent, will have left; and its size. */
  private departures = new Ring<Micros>();
  private departingBytes = new Ring<number>();
  private waitingBytes = 0;
  private busyUntil: Micros = 0;
  private readonly passPiece: EmitPacket = (slab, offset, length, now) => {
    this.pass(slab, offset, length, now);
  };

  constructor(
    direction: Direction,
    impairments: Impairments,
    rules: readonly DropRule[],
    random: SeededRandom,
    end: LaneEnd,
  ) {
    this.direction = direction;
    this.impairments = impairments;
    this.rules = rules;
    this.random = random;
    this.end = end;
  }

  /** A packet enters the link, complete and no larger than the MTU. */
  enter(slab: Slab, offset: number, length: number, now: Micros): void {
    this.counters.packets++;
    if (this.rules.length > 0) {
      const rule = this.ruleFor(slab, offset, length);
      if (rule !== null) {
        this.counters.ruled++;
        this.drop(Drop.linkRule, rule.text, slab, offset, length, now);
        return;
      }
    }
    if (this.happens(this.impairments.loss)) {
      this.counters.lost++;
      this.drop(Drop.linkLoss, '', slab, offset, length, now);
      return;
    }
    const { hopMtu } = this.impairments;
    if (hopMtu === 0 || length <= hopMtu) this.pass(slab, offset, length, now);
    else this.meetHop(hopMtu, slab, offset, length, now);
  }

  private meetHop(mtu: number, slab: Slab, offset: number, length: number, now: Micros): void {
    if (mayCut(slab, offset)) {
      this.counters.cut++;
      this.hop.cut(slab, offset, length, mtu, this.passPiece, now);
      return;
    }
    this.counters.tooBig++;
    const answer = this.hop.answer(slab, offset, length, mtu, this.impairments.hopAnswer);
    if (answer > 0) this.end.laneAnswers(this.hop.scratch, 0, answer, now);
    this.drop(
      Drop.linkTooBig,
      `MTU ${mtu}${answer > 0 ? ', ICMP sent' : ''}`,
      slab,
      offset,
      length,
      now,
    );
  }

  /**
   * Sends a packet that the link itself made out of this lane. It is not delivered at once, because
   * the sender that caused it is still in its call.
   */
  inject(slab: Slab, offset: number, length: number, now: Micros): void {
    const packet = this.store.hold(slab, offset, length);
    packet.due = now + this.impairments.delay;
    this.underWay.push(packet);
  }

  private pass(slab: Slab, offset: number, length: number, now: Micros): void {
    const marked = this.happens(this.impairments.mark);
    if (marked && !isEcnCapable(slab, offset, length)) {
      this.counters.lost++;
      this.drop(Drop.linkLoss, 'no ECN: dropped instead of marked', slab, offset, length, now);
      return;
    }
    const twice = this.happens(this.impairments.duplicate);
    this.send(slab, offset, length, marked, now);
    if (!twice) return;
    this.counters.duplicated++;
    this.listener?.linkAltered(this.direction, 'duplicated', slab, offset, length, now);
    this.send(slab, offset, length, marked, now);
  }

  nextTimeout(): Micros {
    return this.underWay.next();
  }

  /** Delivers the packets that are due at `now`; returns their number. */
  release(now: Micros): number {
    let n = 0;
    for (
      let packet = this.underWay.take(now);
      packet !== undefined;
      packet = this.underWay.take(now), n++
    ) {
      this.deliver(packet, now);
    }
    return n;
  }

  /** Packets in the lane. */
  get held(): number {
    return this.underWay.length;
  }

  /**
   * Other faults from now on; null keeps the random numbers. Packets under way keep their due time,
   * but those after them do not wait for the old rate.
   */
  change(impairments: Impairments, random: SeededRandom | null): void {
    this.impairments = impairments;
    if (random !== null) this.random = random;
    this.departures = new Ring<Micros>();
    this.departingBytes = new Ring<number>();
    this.waitingBytes = 0;
    this.busyUntil = 0;
  }

  /** All packets under way are due at `now`, in the order in which they would have come. */
  hasten(now: Micros): void {
    this.underWay.hasten(now);
  }

  clear(): void {
    for (let p = this.underWay.take(Infinity); p !== undefined; p = this.underWay.take(Infinity))
      this.store.release(p);
  }

  /** Every rule counts every packet, including those that another rule drops. */
  private ruleFor(slab: Slab, offset: number, length: number): DropRule | null {
    const kind = kindOf(slab, offset, length);
    let found: DropRule | null = null;
    for (const rule of this.rules) {
      if (rule.end !== null && !rule.end.matches(slab, offset, length)) continue;
      if (rule.drops(this.direction, kind, this.random)) found ??= rule;
    }
    return found;
  }

  private happens(share: number): boolean {
    return share > 0 && this.random.float() < share;
  }

  private send(slab: Slab, offset: number, length: number, marked: boolean, now: Micros): void {
    const { rate, delay, jitter } = this.impairments;
    if (this.store.bytes + length > MAX_HELD_BYTES || (rate > 0 && !this.hasRoom(length, now))) {
      this.counters.queueFull++;
      this.drop(Drop.linkQueueFull, '', slab, offset, length, now);
      return;
    }
    const packet = this.store.hold(slab, offset, length);
    if (marked) this.mark(packet, now);
    if (this.happens(this.impairments.corrupt)) this.corrupt(packet, now);
    let wait =
      jitter > 0 ? Math.max(0, delay + Math.round((2 * this.random.float() - 1) * jitter)) : delay;
    if (this.happens(this.impairments.reorder)) {
      this.counters.reordered++;
      this.listener?.linkAltered(
        this.direction,
        'reordered',
        packet.slab,
        packet.offset,
        length,
        now,
      );
      wait = wait > 0 ? 0 : REORDER_HOLD;
    }
    packet.due = Math.ceil((rate > 0 ? this.departure(length, rate, now) : now) + wait);
    if (packet.due <= now) this.deliver(packet, now);
    else this.underWay.push(packet);
  }

  private hasRoom(length: number, now: Micros): boolean {
    for (
      let at = this.departures.at(0);
      at !== undefined && at <= now;
      at = this.departures.at(0)
    ) {
      this.departures.shift();
      this.waitingBytes -= this.departingBytes.shift()!;
    }
    const { limitPackets, limitBytes } = this.impairments;
    return this.departures.length < limitPackets && this.waitingBytes + length <= limitBytes;
  }

  /** When the packet's last bit will have left; packets leave one after the other at `rate`. */
  private departure(length: number, rate: number, now: Micros): Micros {
    this.busyUntil = Math.max(now, this.busyUntil) + (length * 8 * SECOND) / rate;
    this.departures.push(this.busyUntil);
    this.departingBytes.push(length);
    this.waitingBytes += length;
    return this.busyUntil;
  }

  private mark(packet: HeldPacket, now: Micros): void {
    this.counters.marked++;
    markCe(packet.slab, packet.offset);
    this.listener?.linkAltered(
      this.direction,
      'marked',
      packet.slab,
      packet.offset,
      packet.length,
      now,
    );
  }

  private corrupt(packet: HeldPacket, now: Micros): void {
    this.counters.corrupted++;
    const bit = this.random.below(packet.length * 8);
    packet.slab.bytes[packet.offset + (bit >> 3)]! ^= 1 << (bit & 7);
    this.listener?.linkAltered(
      this.direction,
      'corrupted',
      packet.slab,
      packet.offset,
      packet.length,
      now,
    );
  }

  private deliver(packet: HeldPacket, now: Micros): void {
    this.counters.delivered++;
    this.end.laneDelivers(packet, now);
    this.store.release(packet);
  }

  private drop(
    reason: LinkDropReason,
    detail: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    this.listener?.linkDropped(this.direction, reason, detail, slab, offset, length, now);
    this.end.laneDrops(reason, now);
  }
}
