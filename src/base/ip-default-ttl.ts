/** Linux's IPDEFTTL (RFC 1700): the default TTL (IPv6: hop limit) of packets sent. */
export const IPDEFTTL = 64;
