/**
 * IP_MTU_DISCOVER (IPV6_MTU_DISCOVER): how a socket finds out what the path carries, by Linux's
 * numbers.
 */
export const MtuDiscover = {
  /** Not at all: IPv4 packets go without DF, and routers cut them. */
  dont: 0,
  /**
   * DF is set, and ICMP errors are heeded; where a path carries absurdly little, DF is given up. A
   * datagram that is too large is cut here.
   */
  want: 1,
  /**
   * DF is always set, and ICMP errors are heeded. A datagram that is too large is refused
   * (EMSGSIZE).
   */
  do: 2,
  /** DF is always set, and what is known of the path ignored: for those who probe it themselves. */
  probe: 3,
} as const;

export type MtuDiscover = (typeof MtuDiscover)[keyof typeof MtuDiscover];
