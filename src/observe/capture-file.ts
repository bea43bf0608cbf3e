/**
 * A capture file that explains itself: the packets of a tap as pcapng, with the stack's explanation
 * as the packet comment (`frame.comment` in Wireshark). A second interface holds the packets that
 * the faulty link dropped.
 *
 * The effects of a packet are known only after it was captured, so packets wait for the end of
 * their batch. Then the recorder's steps are matched to them by addresses and numbers, and the
 * packets are written. The comment of a packet that the link delays waits for the packet.
 *
 * This class does not write files: `write` gets the bytes in order.
 */
import { copyOf } from '../base/copy.js';
import { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import {
  enhancedPacket,
  interfaceDescription,
  interfaceStatistics,
  sectionHeader,
} from '../capture/pcapng-writer.js';
import { captureTime } from '../capture/time.js';
import type { PacketTap } from '../device/capture.js';
import type { Direction } from '../device/link/drop-rules.js';
import type { LinkListener } from '../device/link/lane.js';
import { DROP_NAMES, type DropReason } from '../wire/drop.js';
import { Segment } from '../wire/tcp.js';
import { dropText } from './drop-texts.js';
import type { EventSink } from './events.js';
import { Explainer } from './explain.js';
import { flagsText } from '../wire/flags-text.js';
import { readPacket } from './packet-text.js';
import { isOutgoing, segmentOf, type Step, StepBuilder } from './steps.js';

export interface CaptureFileOptions {
  /** The device's name: `tun0`. */
  readonly name: string;
  /** Name and version of the program: `tcplab 0.1.0`. */
  readonly application: string;
  /** Microseconds from 1970 to the zero of the stack's clock. */
  readonly epoch: Micros;
}

interface Waiting {
  readonly interfaceId: number;
  readonly direction: Direction;
  readonly time: Micros;
  readonly bytes: Slab;
  readonly key: string;
  comment: string;
}

const DEVICE = 0;
const FAULTS = 1;
/** Limits: packets that wait for the end of their batch, comments that wait for their packet. */
const MAX_PACKETS = 1024;
const MAX_COMMENTS = 4096;

export class CaptureFile implements PacketTap, LinkListener {
  /** Takes the recorder's events, from which the comments are made. */
  readonly sink: EventSink;
  private readonly write: (bytes: Uint8Array) => void;
  private readonly epoch: Micros;
  private readonly counts = [0, 0];
  private readonly parsed = new Segment();
  private readonly explainer = new Explainer();
  private readonly steps = new StepBuilder((step) => {
    this.comment(step);
  });
  private packets: Waiting[] = [];
  private readonly comments = new Map<string, string[]>();

  /** Writes the file's header at once. */
  constructor(write: (bytes: Uint8Array) => void, options: CaptureFileOptions) {
    this.write = write;
    this.epoch = options.epoch;
    this.sink = this.steps.add;
    write(sectionHeader(options.application));
    write(
      interfaceDescription({
        name: options.name,
        description: 'packets between the kernel and our stack',
      }),
    );
    write(
      interfaceDescription({
        name: `${options.name}-dropped-by-faults`,
        description: 'packets that the faulty link dropped on purpose',
      }),
    );
  }

  packet(direction: Direction, slab: Slab, offset: number, length: number, now: Micros): void {
    this.add(DEVICE, direction, slab, offset, length, now, '');
  }

  batchEnd(_now: Micros): void {
    this.flush();
  }

  linkDropped(
    direction: Direction,
    reason: DropReason,
    detail: string,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
  ): void {
    const name = DROP_NAMES[reason]!;
    const comment = `${name}${detail === '' ? '' : ` ${detail}`}: ${dropText(name)}`;
    this.add(FAULTS, direction, slab, offset, length, now, comment);
  }

  /** Altered packets are not dropped, so the tap captures them. */
  linkAltered(): void {}

  /** Writes the packets that wait. */
  flush(): void {
    this.steps.flush();
    const { packets } = this;
    this.packets = [];
    for (const p of packets) {
      const comment = p.comment !== '' ? p.comment : this.takeComment(p.key);
      const { bytes } = p.bytes;
      this.write(
        enhancedPacket({
          interfaceId: p.interfaceId,
          ...captureTime(p.time),
          bytes,
          offset: 0,
          capturedLength: bytes.length,
          originalLength: bytes.length,
          direction: p.direction,
          comments: comment === '' ? [] : [comment],
        }),
      );
    }
  }

  /** Writes the end of the file. `dropped`: packets that the device could not take. */
  close(now: Micros, dropped = 0): void {
    this.flush();
    const time = captureTime(this.epoch + now);
    const [received, lost] = this.counts;
    this.write(interfaceStatistics(DEVICE, time, { received: received!, dropped }));
    this.write(interfaceStatistics(FAULTS, time, { received: lost!, dropped: lost! }));
  }

  private add(
    interfaceId: number,
    direction: Direction,
    slab: Slab,
    offset: number,
    length: number,
    now: Micros,
    comment: string,
  ): void {
    if (this.packets.length >= MAX_PACKETS) this.flush();
    this.counts[interfaceId]!++;
    const bytes = new Slab(copyOf(slab, offset, length));
    const { source, destination, segment } = readPacket(bytes, 0, length, this.parsed);
    const [local, remote] = direction === 'out' ? [source, destination] : [destination, source];
    const s = segment;
    const key =
      s === null
        ? ''
        : keyOf(
            direction,
            `${local} ${remote}`,
            s.seq >>> 0,
            s.ack >>> 0,
            s.payloadBytes,
            flagsText(s.flags),
          );
    this.packets.push({ interfaceId, direction, time: this.epoch + now, bytes, key, comment });
  }

  private comment(step: Step): void {
    const why = this.explainer.why(step);
    const s = segmentOf(step);
    if (s === null || why.length === 0 || step.main?.name === 'link:dropped') return;
    // shown on the interface of dropped packets
    if (step.link.some((event) => event.name === 'link:dropped')) return;
    const key = keyOf(
      isOutgoing(step) ? 'out' : 'in',
      step.group_id,
      s.seq,
      s.ack,
      s.length,
      s.flags,
    );
    const text = why.join('\n');
    const others = this.comments.get(key);
    if (others !== undefined) others.push(text);
    else {
      if (this.comments.size >= MAX_COMMENTS)
        this.comments.delete(this.comments.keys().next().value!);
      this.comments.set(key, [text]);
    }
  }

  private takeComment(key: string): string {
    const texts = this.comments.get(key);
    if (texts === undefined) return '';
    const text = texts.shift()!;
    if (texts.length === 0) this.comments.delete(key);
    return text;
  }
}

/**
 * The first part of a split super-segment differs from the whole in flags and length, so the key of
 * a data segment leaves out both.
 */
const keyOf = (
  direction: Direction,
  flow: string,
  seq: number,
  ack: number,
  length: number,
  flags: string,
): string => `${direction} ${flow} ${seq} ${ack} ${length > 0 ? 'data' : flags}`;
