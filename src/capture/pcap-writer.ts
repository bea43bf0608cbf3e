/**
 * Writes classic pcap files (draft-ietf-opsawg-pcap), for tcptrace and other tools that cannot read
 * pcapng. A file has one interface and no comments. Numbers are little-endian.
 */
import { LinkType } from './link-type.js';
import type { PacketRecord } from './packet.js';
import {
  PCAP_HEADER_BYTES,
  PCAP_MICROSECONDS,
  PCAP_NANOSECONDS,
  PCAP_PACKET_HEADER_BYTES,
} from './pcap-format.js';

const SNAP_LENGTH = 262_144;

export interface PcapOptions {
  /** Value of `LinkType`; raw IP by default. */
  readonly linkType?: number;
  readonly snapLength?: number;
  /** Nanoseconds by default. */
  readonly resolution?: 'microseconds' | 'nanoseconds';
}

export function pcapFileHeader(options: PcapOptions = {}): Uint8Array {
  const bytes = new Uint8Array(PCAP_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  const isMicro = options.resolution === 'microseconds';
  view.setUint32(0, isMicro ? PCAP_MICROSECONDS : PCAP_NANOSECONDS, true);
  view.setUint16(4, 2, true); // version 2.4
  view.setUint16(6, 4, true);
  view.setUint32(16, options.snapLength ?? SNAP_LENGTH, true);
  view.setUint32(20, options.linkType ?? LinkType.raw, true);
  return bytes;
}

/** `resolution` must be the file's. Microseconds cut the nanoseconds off. */
export function pcapPacket(
  p: Omit<PacketRecord, 'interfaceId' | 'direction' | 'comments'>,
  resolution: 'microseconds' | 'nanoseconds' = 'nanoseconds',
): Uint8Array {
  const bytes = new Uint8Array(PCAP_PACKET_HEADER_BYTES + p.capturedLength);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, p.seconds, true);
  view.setUint32(4, resolution === 'nanoseconds' ? p.nanos : Math.floor(p.nanos / 1000), true);
  view.setUint32(8, p.capturedLength, true);
  view.setUint32(12, p.originalLength, true);
  bytes.set(p.bytes.subarray(p.offset, p.offset + p.capturedLength), PCAP_PACKET_HEADER_BYTES);
  return bytes;
}
