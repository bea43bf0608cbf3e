/**
 * Sets Congestion Experienced, as a router does under RFC 3168 instead of dropping an ECN-capable
 * packet.
 */
import type { Slab } from '../../base/slab.js';
import { put16 } from '../../wire/bytes.js';
import { checksumAdd } from '../../wire/checksum.js';
import { IPV4_HEADER_BYTES, IPV6_HEADER_BYTES } from '../../wire/ip.js';
import { Ecn } from '../../wire/tcp.js';

/**
 * True if the packet is ECN-capable, ECT(0) or ECT(1), or already marked.
 */
export function isEcnCapable(slab: Slab, offset: number, length: number): boolean {
  return fieldOf(slab, offset, length) > Ecn.notEct;
}

/** The ECN field; also 0 if the packet is neither IPv4 nor IPv6. */
function fieldOf(slab: Slab, offset: number, length: number): number {
  const b = slab.bytes;
  if (length < IPV4_HEADER_BYTES) return Ecn.notEct;
  if (b[offset]! >> 4 === 4) return b[offset + 1]! & 3;
  return b[offset]! >> 4 === 6 && length >= IPV6_HEADER_BYTES
    ? (b[offset + 1]! >> 4) & 3
    : Ecn.notEct;
}

/** Sets CE in an ECN-capable packet, and updates an IPv4 header's checksum. */
export function markCe(slab: Slab, offset: number): void {
  const b = slab.bytes;
  if (b[offset]! >> 4 === 6) {
    b[offset + 1]! |= Ecn.ce << 4;
    return;
  }
  b[offset + 1]! |= Ecn.ce;
  put16(b, offset + 10, 0);
  put16(b, offset + 10, ~checksumAdd(slab.view, offset, (b[offset]! & 15) * 4, 0));
}
