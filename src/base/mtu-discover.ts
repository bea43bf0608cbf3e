/**
 * IP_MTU_DISCOVER (IPV6_MTU_DISCOVER): how a socket uses path MTU discovery. The values are
 * Linux's.
 */
export const MtuDiscover = {
  /** Off: IPv4 packets are sent without DF, and routers may fragment them. */
  dont: 0,
  /**
   * DF is set and ICMP errors lower the path MTU. DF is dropped for a path whose MTU is implausibly
   * small. A datagram larger than the path MTU is fragmented by this host.
   */
  want: 1,
  /**
   * DF is always set and ICMP errors lower the path MTU. Sending a larger datagram fails with
   * EMSGSIZE.
   */
  do: 2,
  /**
   * DF is always set and the known path MTU is ignored, for programs that probe the path
   * themselves.
   */
  probe: 3,
} as const;

export type MtuDiscover = (typeof MtuDiscover)[keyof typeof MtuDiscover];
