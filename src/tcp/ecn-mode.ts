/** The values of net.ipv4.tcp_ecn. */
export const EcnMode = {
  off: 0,
  /** Request it in our SYN and accept it in the peer's. */
  ask: 1,
  /** Accept it but do not request it: Linux's default. */
  accept: 2,
} as const;
export type EcnMode = (typeof EcnMode)[keyof typeof EcnMode];
