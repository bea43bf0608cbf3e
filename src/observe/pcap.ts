/**
 * The classic pcap format with nanoseconds, for tcptrace and other tools that cannot read pcapng.
 * It has one interface and no comments.
 */
import type { Slab } from '../base/slab.js';
import { SECOND, type Micros } from '../base/time.js';

const MAGIC_NANOSECONDS = 0xa1b23c4d;
const LINKTYPE_RAW = 101;
const SNAP_LENGTH = 262_144;

export function pcapFileHeader(): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC_NANOSECONDS, true);
  view.setUint16(4, 2, true); // version 2.4
  view.setUint16(6, 4, true);
  view.setUint32(16, SNAP_LENGTH, true);
  view.setUint32(20, LINKTYPE_RAW, true);
  return bytes;
}

/** `time` is in microseconds since 1970. */
export function pcapPacket(time: Micros, slab: Slab, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(16 + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(time / SECOND), true);
  view.setUint32(4, Math.floor((time % SECOND) * 1000), true);
  view.setUint32(8, length, true);
  view.setUint32(12, length, true);
  bytes.set(slab.bytes.subarray(offset, offset + length), 16);
  return bytes;
}
