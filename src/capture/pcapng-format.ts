/** The numbers of pcapng (draft-ietf-opsawg-pcapng sections 3 and 4). */

/** Block types. */
export const Block = {
  section: 0x0a0d0d0a,
  interface: 1,
  /** The obsolete Packet Block (appendix). */
  oldPacket: 2,
  simplePacket: 3,
  nameResolution: 4,
  statistics: 5,
  packet: 6,
  secrets: 10,
} as const;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
export const MAJOR_VERSION = 1;

/** Option codes. Codes above 1 depend on the block. */
export const Option = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: { name: 2, description: 3, tsResolution: 9, filter: 11, os: 12, tsOffset: 14 },
  packet: { flags: 2 },
  statistics: {
    received: 4,
    dropped: 5,
    filterAccepted: 6,
    systemDropped: 7,
    delivered: 8,
  },
} as const;

/** Bits 0 and 1 of epb_flags (section 4.3.1). */
export const FLAGS_DIRECTION = 3;
export const FLAGS_IN = 1;
export const FLAGS_OUT = 2;

/** Secrets type of a TLS key log (section 4.7). */
export const TLS_KEY_LOG = 0x544c534b;

/** if_tsresol: the value that says nanoseconds, and the one that holds without the option. */
export const NANOSECONDS = 9;
export const MICROSECONDS = 6;

export const TWO_32 = 4_294_967_296;

/** Blocks, option values and packet data are padded to 32 bits. */
export const pad4 = (n: number): number => (n + 3) & ~3;
