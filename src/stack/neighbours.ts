/**
 * Several stacks with the same addresses, each with its own thread and its own queue of one device.
 * The device keeps a flow on one queue. ICMP errors and reassembled fragments have no ports, so
 * they may arrive on any queue. A stack without a matching socket or connection passes such a
 * packet to the next stack; the last one replies.
 */
export interface Neighbours {
  /**
   * Offers the IP packet in `bytes`, whose ownership passes to the neighbour. `trusted`: its
   * checksum need not be verified. `gsoSize`: payload bytes of each segment of a super-segment,
   * else 0. Returns false if no stack is left to ask, so that this one must reply.
   */
  offer(bytes: Uint8Array<ArrayBuffer>, trusted: boolean, gsoSize: number): boolean;
}
