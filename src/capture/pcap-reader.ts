/**
 * Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then packets, each behind a header
 * of 16 bytes. The magic number tells the byte order, and whether times are in micro- or
 * nanoseconds.
 */
import { CaptureError, DAMAGED } from './error.js';
import { findIp } from './link-type.js';
import type { CapturedPacket, CaptureInterface } from './packet.js';
import {
  PCAP_HEADER_BYTES,
  PCAP_MICROSECONDS,
  PCAP_MODIFIED,
  PCAP_MODIFIED_PACKET_HEADER_BYTES,
  PCAP_NANOSECONDS,
  PCAP_PACKET_HEADER_BYTES,
} from './pcap-format.js';
import type { ReaderLimits, RecordFormat } from './record-format.js';

/** The upper bits hold the length of the frame check sequence. */
const LINK_TYPE_MASK = 0xffff;
const BILLION = 1_000_000_000;

const MAGICS = [PCAP_MICROSECONDS, PCAP_NANOSECONDS, PCAP_MODIFIED];

/** The byte order in which these four bytes are a magic number of pcap; null if in none. */
export function pcapByteOrder(view: DataView, at: number): 'little' | 'big' | null {
  if (MAGICS.includes(view.getUint32(at, true))) return 'little';
  return MAGICS.includes(view.getUint32(at, false)) ? 'big' : null;
}

export class PcapRecords implements RecordFormat {
  readonly name = 'pcap';
  private readonly littleEndian: boolean;
  private readonly packet: CapturedPacket;
  private readonly onPacket: (packet: CapturedPacket) => void;
  private readonly interfaces: CaptureInterface[];
  private readonly limits: ReaderLimits;
  private headerRead = false;
  private headerBytes = PCAP_PACKET_HEADER_BYTES;
  private nanosPerTick = 1000;
  private linkType = 0;
  /** Before version 2.4 the two lengths may be swapped. */
  private minorVersion = 4;

  constructor(
    order: 'little' | 'big',
    packet: CapturedPacket,
    onPacket: (packet: CapturedPacket) => void,
    interfaces: CaptureInterface[],
    limits: ReaderLimits,
  ) {
    this.littleEndian = order === 'little';
    this.packet = packet;
    this.onPacket = onPacket;
    this.interfaces = interfaces;
    this.limits = limits;
  }

  take(bytes: Uint8Array, view: DataView, at: number, end: number, base: number): number {
    if (!this.headerRead) return this.takeHeader(view, at, end, base);
    const { headerBytes, littleEndian, packet } = this;
    if (end - at < headerBytes) return -headerBytes;
    let captured = view.getUint32(at + 8, littleEndian);
    let original = view.getUint32(at + 12, littleEndian);
    if (this.minorVersion < 4 && (this.minorVersion < 3 || captured > original)) {
      const swapped = captured;
      captured = original;
      original = swapped;
    }
    if (captured > this.limits.packetBytes)
      throw new CaptureError(
        `a packet is said to have ${captured} bytes, more than the ` +
          `${this.limits.packetBytes} that a capture holds of one`,
        base + at,
        DAMAGED,
      );
    const length = headerBytes + captured;
    if (end - at < length) return -length;
    packet.number++;
    const fraction = view.getUint32(at + 4, littleEndian) * this.nanosPerTick;
    packet.seconds = view.getUint32(at, littleEndian);
    packet.nanos = fraction;
    if (fraction >= BILLION) {
      packet.seconds += Math.floor(fraction / BILLION);
      packet.nanos = fraction % BILLION;
    }
    packet.linkType = this.linkType;
    packet.bytes = bytes;
    packet.offset = at + headerBytes;
    packet.capturedLength = captured;
    packet.originalLength = original;
    packet.direction = null;
    findIp(packet);
    this.onPacket(packet);
    return length;
  }

  private takeHeader(view: DataView, at: number, end: number, base: number): number {
    if (end - at < PCAP_HEADER_BYTES) return -PCAP_HEADER_BYTES;
    const { littleEndian } = this;
    const magic = view.getUint32(at, littleEndian);
    const major = view.getUint16(at + 4, littleEndian);
    this.minorVersion = view.getUint16(at + 6, littleEndian);
    if (major !== 2)
      throw new CaptureError(
        `this pcap file has version ${major}.${this.minorVersion}, and there are only 2.0 to 2.4`,
        base + at + 4,
        'the file is damaged, or no capture',
      );
    if (magic === PCAP_NANOSECONDS) this.nanosPerTick = 1;
    if (magic === PCAP_MODIFIED) this.headerBytes = PCAP_MODIFIED_PACKET_HEADER_BYTES;
    this.linkType = view.getUint32(at + 20, littleEndian) & LINK_TYPE_MASK;
    this.interfaces.push({
      name: '',
      description: '',
      filter: '',
      linkType: this.linkType,
      snapLength: view.getUint32(at + 16, littleEndian),
      tsResolution: magic === PCAP_NANOSECONDS ? 9 : 6,
      tsOffset: 0,
      comments: [],
      statistics: null,
    });
    this.headerRead = true;
    return PCAP_HEADER_BYTES;
  }
}
