/** Sizes of fragments: RFC 791 section 3.2, RFC 8200 section 4.5. */

/**
 * Payload bytes of each fragment but the last, when each packet has `headerBytes` bytes of headers.
 * It is a multiple of 8, and at least 8, so that fragmenting ends even if the MTU leaves no room.
 * The last fragment may be shorter and of any length.
 */
export function fragmentPayload(mtu: number, headerBytes: number): number {
  return Math.max(8, (mtu - headerBytes) & ~7);
}
