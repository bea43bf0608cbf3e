/** A format of files as the reader sees it: one record (a packet, a block) after the other. */

export interface RecordFormat {
  readonly name: 'pcap' | 'pcapng';
  /**
   * Takes the record at `at`. `end` is where the bytes end that have arrived, and `base` is the
   * file offset of `bytes[0]`. Returns the record's length, which may reach past `end` if its rest
   * is of no interest; or, negative, how many bytes of it must be there before it can be taken.
   * Throws CaptureError.
   */
  take(bytes: Uint8Array, view: DataView, at: number, end: number, base: number): number;
}

/** Limits that a file cannot talk the reader out of. */
export interface ReaderLimits {
  /** The most bytes of one packet. libpcap's and Wireshark's limit is the same. */
  readonly packetBytes: number;
  /** The most bytes of one pcapng block that is kept or read as a whole. */
  readonly blockBytes: number;
  /** The most bytes of everything that is kept until the end: names, comments, secrets. */
  readonly keptBytes: number;
}

export const READER_LIMITS: ReaderLimits = {
  packetBytes: 262_144,
  blockBytes: 16 << 20,
  keptBytes: 64 << 20,
};
