/**
 * Linux's IPDEFTTL (RFC 1700): time to live, or hop limit, of what a host sends unless it is told
 * otherwise.
 */
export const IPDEFTTL = 64;
