/**
 * Reasons for dropping a packet: one list for the whole stack. Parsers and validators return a
 * reason instead of throwing (`Drop.none` means that the packet is kept). The stack counts each
 * drop under its name, and every view of the stack shows it. The numbers index `DROP_NAMES` and the
 * stack's counters, so they count from 0 without a gap; a new reason goes at the end, because
 * before it all others would have to be renumbered. observe/drop-texts.ts has a sentence for each.
 */
export const Drop = {
  none: 0,
  ipTruncated: 1,
  ipBadVersion: 2,
  ipBadHeaderLength: 3,
  ipBadTotalLength: 4,
  ipBadChecksum: 5,
  ipBadSource: 6,
  ipBadDestination: 7,
  ipNotForUs: 8,
  ipBadExtension: 9,
  ipUnknownOption: 10,
  ipUnknownProtocol: 11,
  fragmentBadLength: 12,
  fragmentOverlap: 13,
  fragmentTooLarge: 14,
  fragmentLimit: 15,
  fragmentTimeout: 16,
  icmpTruncated: 17,
  icmpBadChecksum: 18,
  icmpUnknownType: 19,
  icmpNoSuchFlow: 20,
  icmpRateLimited: 21,
  udpTruncated: 22,
  udpBadLength: 23,
  udpBadChecksum: 24,
  udpNoSuchPort: 25,
  tcpTruncated: 26,
  tcpBadDataOffset: 27,
  tcpBadChecksum: 28,
  tcpBadOptionLength: 29,
  tcpBadFlags: 30,
  tcpNoSuchPort: 31,
  tcpUnacceptable: 32,
  tcpPaws: 33,
  tcpNoTimestamp: 34,
  tcpRstOutsideWindow: 35,
  tcpRstChallenge: 36,
  tcpSynChallenge: 37,
  tcpBadAck: 38,
  tcpOldAck: 39,
  tcpNoAck: 40,
  tcpListenOverflow: 41,
  tcpSynQueueFull: 42,
  tcpOutOfOrderLimit: 43,
  tcpAfterClose: 44,
  tcpBeyondWindow: 45,
  tcpTimeWait: 46,
  tcpToMulticast: 47,
  deviceQueueFull: 48,
  deviceError: 49,
  linkLoss: 50,
  linkRule: 51,
  linkQueueFull: 52,
  ipTooBig: 53,
  noRoute: 54,
  /** Counted like the others, but not an error: see LocalAddresses.check. */
  ignoredGroup: 55,
  fragmentBadEcn: 56,
  fragmentNoHeaders: 57,
  tcpHalfOpenLimit: 58,
  tcpHalfOpenHostLimit: 59,
  fragmentTiny: 60,
  tcpMemory: 61,
  linkTooBig: 62,
  neighbourQueueFull: 63,
  tcpForeignEcho: 64,
  ipBadOption: 65,
  ipSourceRoute: 66,
  tcpDeferAccept: 67,
  ipNoNextHeader: 68,
} as const;

export type DropReason = (typeof Drop)[keyof typeof Drop];

/** Drops by a faulty link, whose listener reports the packet (device/link/lane.ts). */
export const LINK_DROPS = [
  Drop.linkLoss,
  Drop.linkRule,
  Drop.linkTooBig,
  Drop.linkQueueFull,
] as const satisfies readonly DropReason[];
export type LinkDropReason = (typeof LINK_DROPS)[number];

/** Names by number, as counters, captures and live lines print them. */
export const DROP_NAMES: readonly string[] = Object.keys(Drop);
