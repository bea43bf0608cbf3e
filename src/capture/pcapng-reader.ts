/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks of a type, a length at both ends, and a body. A Section
 * Header sets the byte order of what follows and forgets the interfaces before it. Blocks of
 * unknown types are skipped, however long they claim to be.
 */
import { ClockTicks } from './clock-ticks.js';
import { CaptureError, DAMAGED } from './error.js';
import { findIp } from './link-type.js';
import type {
  CapturedPacket,
  CaptureInterface,
  CaptureSecrets,
  CaptureSection,
  CaptureStatistics,
} from './packet.js';
import {
  Block,
  BYTE_ORDER_MAGIC,
  FLAGS_DIRECTION,
  FLAGS_IN,
  FLAGS_OUT,
  MAJOR_VERSION,
  MICROSECONDS,
  Option,
  pad4,
} from './pcapng-format.js';
import { type BlockOption, optionText, readComments, readOptions } from './pcapng-options.js';
import type { ReaderLimits, RecordFormat } from './record-format.js';

/** Block type, block length, and the length again. */
const FRAME_BYTES = 12;
/** Block type, block length, byte-order magic. */
const SECTION_START_BYTES = 12;
/** The shortest block of each type that is read: without options and data. */
const LEAST_BYTES: ReadonlyMap<number, number> = new Map([
  [Block.section, 28],
  [Block.interface, 20],
  [Block.oldPacket, 32],
  [Block.simplePacket, 16],
  [Block.statistics, 24],
  [Block.packet, 32],
  [Block.secrets, 20],
]);
/** What an interface costs in memory beside its texts, about. */
const INTERFACE_BYTES = 256;

/** What all sections of a file say, in the order of the file. */
export interface PcapngContents {
  readonly interfaces: CaptureInterface[];
  readonly sections: CaptureSection[];
  readonly secrets: CaptureSecrets[];
}

export class PcapngBlocks implements RecordFormat {
  readonly name = 'pcapng';
  private readonly packet: CapturedPacket;
  private readonly onPacket: (packet: CapturedPacket) => void;
  private readonly contents: PcapngContents;
  private readonly limits: ReaderLimits;
  private littleEndian = true;
  /** Index of the section's first interface, and the clocks of all interfaces. */
  private firstInterface = 0;
  private readonly clocks: ClockTicks[] = [];
  private kept = 0;

  constructor(
    packet: CapturedPacket,
    onPacket: (packet: CapturedPacket) => void,
    contents: PcapngContents,
    limits: ReaderLimits,
  ) {
    this.packet = packet;
    this.onPacket = onPacket;
    this.contents = contents;
    this.limits = limits;
  }

  take(bytes: Uint8Array, view: DataView, at: number, end: number, base: number): number {
    if (end - at < FRAME_BYTES) return -FRAME_BYTES;
    // The same in both byte orders.
    if (view.getUint32(at, true) === Block.section) this.setByteOrder(view, at, base);
    const { littleEndian } = this;
    const type = view.getUint32(at, littleEndian);
    const length = view.getUint32(at + 4, littleEndian);
    const least = type === Block.packet ? 32 : LEAST_BYTES.get(type);
    if (length < (least ?? FRAME_BYTES) || (length & 3) !== 0)
      throw new CaptureError(
        `a block of type ${type} is said to have ${length} bytes`,
        base + at + 4,
        DAMAGED,
      );
    if (least === undefined) return length;
    if (length > this.limits.blockBytes)
      throw new CaptureError(
        `a block of type ${type} is said to have ${length} bytes, more than the ` +
          `${this.limits.blockBytes} that are read`,
        base + at + 4,
        DAMAGED,
      );
    if (end - at < length) return -length;
    const last = at + length - 4;
    if (view.getUint32(last, littleEndian) !== length)
      throw new CaptureError(
        `a block says ${length} bytes at its start and ${view.getUint32(last, littleEndian)} at ` +
          'its end',
        base + last,
        DAMAGED,
      );
    switch (type) {
      case Block.packet:
        this.takePacket(bytes, view, at, last, base, view.getUint32(at + 8, littleEndian));
        break;
      case Block.oldPacket:
        this.takePacket(bytes, view, at, last, base, view.getUint16(at + 8, littleEndian));
        break;
      case Block.simplePacket:
        this.takeSimplePacket(bytes, view, at, last, base);
        break;
      case Block.section:
        this.takeSection(view, at, last, base);
        break;
      case Block.interface:
        this.takeInterface(view, at, last, base);
        break;
      case Block.statistics:
        this.takeStatistics(view, at, last, base);
        break;
      default:
        this.takeSecrets(bytes, view, at, last, base);
    }
    return length;
  }

  // ---- Packets ----------------------------------------------------------------------------------

  /**
   * Sections 4.3 and A: in both the words behind the interface are time, lengths, data, options.
   */
  private takePacket(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    last: number,
    base: number,
    id: number,
  ): void {
    const { packet, littleEndian } = this;
    const captured = view.getUint32(at + 20, littleEndian);
    const data = at + 28;
    if (captured > last - data || captured > this.limits.packetBytes)
      throw new CaptureError(
        `a packet is said to have ${captured} bytes, in a block with room for ${last - data}`,
        base + at + 20,
        DAMAGED,
      );
    const index = this.interfaceAt(id, base + at + 8);
    const clock = this.clocks[index]!;
    clock.set(view.getUint32(at + 12, littleEndian), view.getUint32(at + 16, littleEndian));
    packet.seconds = clock.seconds;
    packet.nanos = clock.nanos;
    packet.originalLength = view.getUint32(at + 24, littleEndian);
    packet.direction = null;
    packet.optionsEnd = 0;
    const options = data + pad4(captured);
    if (options + 4 <= last) this.readPacketOptions(view, options, last);
    this.deliver(bytes, data, captured, index);
  }

  /** Section 4.4: no time, and always the first interface. */
  private takeSimplePacket(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    last: number,
    base: number,
  ): void {
    const { packet } = this;
    const data = at + 12;
    const index = this.interfaceAt(0, base + at);
    const { snapLength } = this.contents.interfaces[index]!;
    packet.originalLength = view.getUint32(at + 8, this.littleEndian);
    const captured = Math.min(
      packet.originalLength,
      last - data,
      snapLength === 0 ? Infinity : snapLength,
    );
    if (captured > this.limits.packetBytes)
      throw new CaptureError(`a packet has ${captured} bytes`, base + at + 8, DAMAGED);
    packet.seconds = 0;
    packet.nanos = 0;
    packet.direction = null;
    packet.optionsEnd = 0;
    this.deliver(bytes, data, captured, index);
  }

  private deliver(bytes: Uint8Array, data: number, captured: number, index: number): void {
    const { packet } = this;
    packet.number++;
    packet.interfaceId = index;
    packet.linkType = this.contents.interfaces[index]!.linkType;
    packet.bytes = bytes;
    packet.offset = data;
    packet.capturedLength = captured;
    findIp(packet);
    this.onPacket(packet);
  }

  /** Notes the direction, and where comments are. As `readOptions`, but without objects. */
  private readPacketOptions(view: DataView, start: number, end: number): void {
    const { packet, littleEndian } = this;
    for (let at = start; at + 4 <= end;) {
      const code = view.getUint16(at, littleEndian);
      const length = view.getUint16(at + 2, littleEndian);
      if (code === Option.end || at + 4 + length > end) return;
      if (code === Option.packet.flags && length === 4) {
        const direction = view.getUint32(at + 4, littleEndian) & FLAGS_DIRECTION;
        if (direction === FLAGS_IN) packet.direction = 'in';
        else if (direction === FLAGS_OUT) packet.direction = 'out';
      } else if (code === Option.comment && packet.optionsEnd === 0) {
        packet.optionsView = view;
        packet.optionsStart = at;
        packet.optionsEnd = end;
        packet.optionsLittleEndian = littleEndian;
      }
      at += 4 + pad4(length);
    }
  }

  /** The index in the file of an interface of this section. */
  private interfaceAt(id: number, offset: number): number {
    const index = this.firstInterface + id;
    if (index >= this.clocks.length)
      throw new CaptureError(
        `a block is of interface ${id}, and its section has described ` +
          `${this.clocks.length - this.firstInterface} so far`,
        offset,
        DAMAGED,
      );
    return index;
  }

  // ---- Other blocks -----------------------------------------------------------------------------

  private setByteOrder(view: DataView, at: number, base: number): void {
    const magicAt = at + SECTION_START_BYTES - 4;
    if (view.getUint32(magicAt, true) === BYTE_ORDER_MAGIC) this.littleEndian = true;
    else if (view.getUint32(magicAt, false) === BYTE_ORDER_MAGIC) this.littleEndian = false;
    else
      throw new CaptureError(
        'a pcapng section header without the byte-order magic 1a 2b 3c 4d',
        base + magicAt,
        DAMAGED,
      );
  }

  /** Section 4.1. Minor versions 0 and 2 are the same. */
  private takeSection(view: DataView, at: number, last: number, base: number): void {
    const major = view.getUint16(at + 12, this.littleEndian);
    if (major !== MAJOR_VERSION)
      throw new CaptureError(
        `a pcapng section has version ${major}.${view.getUint16(at + 14, this.littleEndian)}, ` +
          'and there is only 1',
        base + at + 12,
        'convert it with Wireshark: editcap -F pcapng OLD NEW',
      );
    const options = this.optionsOf(view, at + 24, last, base);
    const text = textOf(view, options);
    this.firstInterface = this.clocks.length;
    this.contents.sections.push({
      hardware: text(Option.section.hardware),
      os: text(Option.section.os),
      application: text(Option.section.application),
      comments: readComments(view, at + 24, last, this.littleEndian),
    });
  }

  /** Section 4.2. */
  private takeInterface(view: DataView, at: number, last: number, base: number): void {
    const { littleEndian } = this;
    const options = this.optionsOf(view, at + 16, last, base);
    const text = textOf(view, options);
    const find = (code: number, length: number): BlockOption | undefined =>
      options.find((option) => option.code === code && option.length === length);
    const resolution = find(Option.interface.tsResolution, 1);
    const tsResolution = resolution === undefined ? MICROSECONDS : view.getUint8(resolution.at);
    const offset = find(Option.interface.tsOffset, 8);
    const tsOffset = offset === undefined ? 0 : Number(view.getBigInt64(offset.at, littleEndian));
    const filter = options.find(({ code }) => code === Option.interface.filter);
    this.contents.interfaces.push({
      name: text(Option.interface.name),
      description: text(Option.interface.description),
      filter: filter === undefined ? '' : filterText(view, filter),
      linkType: view.getUint16(at + 8, littleEndian),
      snapLength: view.getUint32(at + 12, littleEndian),
      tsResolution,
      tsOffset,
      comments: readComments(view, at + 16, last, littleEndian),
      statistics: null,
    });
    this.clocks.push(new ClockTicks(tsResolution, tsOffset));
  }

  /** Section 4.6. */
  private takeStatistics(view: DataView, at: number, last: number, base: number): void {
    const { littleEndian } = this;
    const index = this.interfaceAt(view.getUint32(at + 8, littleEndian), base + at + 8);
    const options = readOptions(view, at + 20, last, littleEndian);
    const count = (code: number): number | null => {
      const option = options.find((o) => o.code === code && o.length === 8);
      return option === undefined ? null : Number(view.getBigUint64(option.at, littleEndian));
    };
    const { received, dropped, filterAccepted, systemDropped, delivered } = Option.statistics;
    const statistics: CaptureStatistics = {
      received: count(received),
      dropped: count(dropped),
      filterAccepted: count(filterAccepted),
      systemDropped: count(systemDropped),
      delivered: count(delivered),
    };
    this.contents.interfaces[index]!.statistics = statistics;
  }

  /** Section 4.7. */
  private takeSecrets(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    last: number,
    base: number,
  ): void {
    const length = view.getUint32(at + 12, this.littleEndian);
    const data = at + 16;
    if (length > last - data)
      throw new CaptureError(
        `secrets are said to have ${length} bytes, in a block with room for ${last - data}`,
        base + at + 12,
        DAMAGED,
      );
    this.keep(length, base + at);
    this.contents.secrets.push({
      type: view.getUint32(at + 8, this.littleEndian),
      data: Uint8Array.from(bytes.subarray(data, data + length)),
    });
  }

  private optionsOf(view: DataView, start: number, end: number, base: number): BlockOption[] {
    this.keep(INTERFACE_BYTES + end - start, base + start);
    return readOptions(view, start, end, this.littleEndian);
  }

  private keep(bytes: number, offset: number): void {
    this.kept += bytes;
    if (this.kept > this.limits.keptBytes)
      throw new CaptureError(
        `the descriptions of interfaces and the secrets take more than ` +
          `${this.limits.keptBytes} bytes`,
        offset,
        DAMAGED,
      );
  }
}

const textOf =
  (view: DataView, options: readonly BlockOption[]) =>
  (code: number): string => {
    const option = options.find((o) => o.code === code);
    return option === undefined ? '' : optionText(view, option);
  };

/** Section 4.2: if_filter has a byte that says how it is written; 0 is text. */
function filterText(view: DataView, { code, at, length }: BlockOption): string {
  return length > 0 && view.getUint8(at) === 0
    ? optionText(view, { code, at: at + 1, length: length - 1 })
    : '';
}
