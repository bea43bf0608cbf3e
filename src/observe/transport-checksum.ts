/** Verifies the checksum of a captured packet's TCP, UDP or ICMPv6 header and data. */
import type { Headers } from '../capture/headers.js';
import type { CapturedPacket } from '../capture/packet.js';
import { get16 } from '../wire/bytes.js';
import { checksumAdd, fold, pseudoHeaderSum } from '../wire/checksum.js';

/** `0x1a2b`, as tcpdump prints a checksum. */
export const checksumText = (n: number): string => `0x${n.toString(16).padStart(4, '0')}`;

export interface ChecksumResult {
  readonly found: number;
  /** What it should be; equal to `found` if it holds. */
  readonly expected: number;
}

/**
 * `at`: offset of the checksum in the transport header. Null if the packet is a fragment, or is not
 * captured whole.
 */
export function transportChecksum(
  packet: CapturedPacket,
  h: Headers,
  at: number,
): ChecksumResult | null {
  const { bytes, offset, capturedLength } = packet;
  const start = h.transportOffset;
  const length = h.transportLength;
  if (h.moreFragments || h.fragmentOffset > 0 || start < 0) return null;
  if (start + length > offset + capturedLength) return null;
  const found = get16(bytes, start + at);
  const pseudo = pseudoHeaderSum(h.s0, h.s1, h.s2, h.s3, h.d0, h.d1, h.d2, h.d3, h.protocol);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const whole = checksumAdd(view, start, length, fold(pseudo + length));
  // Without the field itself, in one's complement arithmetic.
  const expected = ~fold(whole + (~found & 0xffff)) & 0xffff;
  return { found, expected: whole === 0xffff ? found : expected };
}
