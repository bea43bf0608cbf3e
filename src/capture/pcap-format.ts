/** The numbers of classic pcap (draft-ietf-opsawg-pcap section 4). */

/** Magic numbers: they tell the byte order, and the resolution of the times. */
export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
/** The format of a patched libpcap of 1999: its packet headers have 24 bytes. */
export const PCAP_MODIFIED = 0xa1b2cd34;

export const PCAP_HEADER_BYTES = 24;
export const PCAP_PACKET_HEADER_BYTES = 16;
export const PCAP_MODIFIED_PACKET_HEADER_BYTES = 24;
