/**
 * A network card's offloads in software: cuts TCP super-segments into the segments that go on the
 * wire, and completes checksums that hold only the pseudo-header's sum.
 *
 *     super-segment   │ IP, TCP │ payload of up to 64 KB ............................ │
 *                          ▼ gsoSize bytes each
 *     on the wire     │ IP, TCP │ ..... │   │ IP, TCP │ ..... │   │ IP, TCP │ ... │
 *                      id, seq, CWR          id+1, seq+n           id+2, seq+2n, PSH, FIN
 *
 * Addresses and ports are the same in all segments, so the headers are copied and patched, and each
 * checksum is computed from its segment. Not supported: UDP super-segments (the stack never asks
 * the kernel for them) and IPv4 fragmentation.
 */
import { copyBytes } from '../base/copy.js';
import { Slab } from '../base/slab.js';
import type { Micros } from '../base/time.js';
import { get16, put16 } from '../wire/bytes.js';
import { checksumAdd, fold } from '../wire/checksum.js';
import { IPV6_HEADER_BYTES, PROTOCOL_TCP } from '../wire/ip.js';
import { TCP_HEADER_BYTES, TcpFlag } from '../wire/tcp.js';
import { Gso, type RxPacket } from './device.js';

/**
 * Gets a packet as it is on the wire, in `slab[offset, offset + length)`, valid during the call.
 */
export type EmitPacket = (slab: Slab, offset: number, length: number, now: Micros) => void;

const UDP_CHECKSUM_OFFSET = 6;
/** IPv6's payload length does not count its own header: the longest packet is 65,575 bytes. */
export const LONGEST_PACKET = IPV6_HEADER_BYTES + 65_535;

/**
 * Completes a partial checksum in place. The field at `start + field` (from the packet's beginning)
 * holds the pseudo-header's sum, so the sum over the segment includes the pseudo-header.
 */
export function completeChecksum(
  slab: Slab,
  offset: number,
  length: number,
  start: number,
  field: number,
): void {
  const at = offset + start + field;
  if (start + field + 2 > length) return;
  let checksum = ~checksumAdd(slab.view, offset + start, length - start, 0) & 0xffff;
  // RFC 768: zero means "no checksum", so a checksum of zero is sent as 0xffff.
  if (checksum === 0 && field === UDP_CHECKSUM_OFFSET) checksum = 0xffff;
  put16(slab.bytes, at, checksum);
}

/** Where TCP begins, from the packet's start. */
function tcpStart(packet: RxPacket): number {
  if (packet.checksumPartial) return packet.checksumStart;
  const first = packet.slab.bytes[packet.offset]!;
  return first >> 4 === 4 ? (first & 15) * 4 : IPV6_HEADER_BYTES;
}

/**
 * IP and TCP header bytes of a super-segment with payload to cut, else 0. (The driver's value is
 * only a hint.)
 */
function bytesBeforePayload(packet: RxPacket): number {
  if (packet.gsoSize <= 0 || (packet.gsoType !== Gso.tcp4 && packet.gsoType !== Gso.tcp6)) return 0;
  const tcp = tcpStart(packet);
  if (packet.length < tcp + TCP_HEADER_BYTES) return 0;
  const headers = tcp + (packet.slab.bytes[packet.offset + tcp + 12]! >> 4) * 4;
  return headers < packet.length ? headers : 0;
}

export class Segmenter {
  private readonly scratch = new Slab(LONGEST_PACKET);

  /**
   * Hands every packet that goes on the wire for `packet` to `emit`, in order. `packet` and its
   * bytes stay as they are.
   */
  segment(packet: RxPacket, emit: EmitPacket, now: Micros): void {
    const headerBytes = bytesBeforePayload(packet);
    if (headerBytes > 0) this.cut(packet, headerBytes, emit, now);
    else if (packet.checksumPartial) this.complete(packet, emit, now);
    else emit(packet.slab, packet.offset, packet.length, now);
  }

  /** Hands the packet to `emit` in one piece with a complete checksum, as a capture shows it. */
  complete(packet: RxPacket, emit: EmitPacket, now: Micros): void {
    if (!packet.checksumPartial) {
      emit(packet.slab, packet.offset, packet.length, now);
      return;
    }
    copyBytes(packet.slab, packet.offset, this.scratch, 0, packet.length);
    completeChecksum(this.scratch, 0, packet.length, packet.checksumStart, packet.checksumOffset);
    emit(this.scratch, 0, packet.length, now);
  }

  private cut(packet: RxPacket, headerBytes: number, emit: EmitPacket, now: Micros): void {
    const { slab, offset, length, gsoSize } = packet;
    const source = slab.bytes;
    const scratch = this.scratch;
    const b = scratch.bytes;
    const ipv4 = packet.gsoType === Gso.tcp4;
    const tcp = tcpStart(packet);
    const addresses = ipv4
      ? checksumAdd(slab.view, offset + 12, 8, PROTOCOL_TCP)
      : checksumAdd(slab.view, offset + 8, 32, PROTOCOL_TCP);
    const id = get16(source, offset + 4);
    const seq = slab.view.getInt32(offset + tcp + 4);
    const flags = source[offset + tcp + 13]!;
    for (let at = headerBytes, n = 0; at < length; at += gsoSize, n++) {
      const payload = Math.min(gsoSize, length - at);
      const total = headerBytes + payload;
      const last = at + payload === length;
      copyBytes(slab, offset, scratch, 0, headerBytes);
      copyBytes(slab, offset + at, scratch, headerBytes, payload);
      if (ipv4) {
        put16(b, 2, total);
        put16(b, 4, id + n);
        put16(b, 10, 0);
        put16(b, 10, ~checksumAdd(scratch.view, 0, tcp, 0));
      } else {
        put16(b, 4, total - IPV6_HEADER_BYTES);
      }
      scratch.view.setInt32(tcp + 4, (seq + n * gsoSize) | 0);
      // Only the first segment has CWR (RFC 3168 section 6.1.2), only the last one PSH and FIN.
      let mask = n === 0 ? 0xff : 0xff & ~TcpFlag.CWR;
      if (!last) mask &= ~(TcpFlag.PSH | TcpFlag.FIN);
      b[tcp + 13] = flags & mask;
      put16(b, tcp + 16, 0);
      const initial = fold(addresses + total - tcp);
      put16(b, tcp + 16, ~checksumAdd(scratch.view, tcp, total - tcp, initial));
      emit(scratch, 0, total, now);
    }
  }
}
