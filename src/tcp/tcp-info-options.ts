/** The bits of TCP_INFO's tcpi_options, as in linux/tcp.h. */
export const TcpInfoOption = {
  timestamps: 1,
  sack: 2,
  wscale: 4,
  /** ECN was negotiated. */
  ecn: 8,
  /** At least one received packet had ECT. */
  ecnSeen: 16,
  /** The data of a SYN was acknowledged with it, or accepted. */
  synData: 32,
  /** Fast Open's server side. */
  fastOpenChild: 128,
} as const;
