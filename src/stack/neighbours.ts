/**
 * Several stacks with the same addresses, each with a queue of one device and a thread of its own.
 * The device keeps a flow on one queue, so a stack meets all that its connections get; but for what
 * the device cannot tell the flow of: an ICMP error is about a flow, a fragment has no ports.
 * Whoever gets such a packet, and has nobody for it, offers it to the next stack before it answers
 * that there is nobody.
 */
export interface Neighbours {
  /**
   * Offers the IP packet in `bytes`, which becomes the neighbour's. `trusted`: its checksum is
   * vouched for; `gsoSize`: of a super-segment, else 0. False: there is nobody left to ask, so the
   * answer is ours to give.
   */
  offer(bytes: Uint8Array<ArrayBuffer>, trusted: boolean, gsoSize: number): boolean;
}
