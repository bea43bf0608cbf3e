/** How a datagram that is larger than the MTU is cut: RFC 791 section 3.2, RFC 8200 section 4.5. */

/**
 * Payload bytes of each fragment but the last, when every packet carries `headerBytes` of headers:
 * a multiple of 8, and at least 8, so that cutting comes to an end even for an MTU that leaves no
 * room. The last may be shorter and of any length.
 */
export function fragmentPayload(mtu: number, headerBytes: number): number {
  return Math.max(8, (mtu - headerBytes) & ~7);
}
