/** What a reader gives: packets, and the interfaces on which they were captured. */
import { readComments } from './pcapng-options.js';

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
const NO_COMMENTS: readonly string[] = [];

export type CaptureDirection = 'in' | 'out';

/** What a writer needs of a packet. A `CapturedPacket` is one, so a copy of a file is easy. */
export interface PacketRecord {
  readonly interfaceId: number;
  /** Since 1970. */
  readonly seconds: number;
  /** 0..999,999,999. */
  readonly nanos: number;
  /** The frame is `bytes[offset, offset + capturedLength)`. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly capturedLength: number;
  /** Length on the wire: more than was captured if a snap length cut the packet. */
  readonly originalLength: number;
  readonly direction: CaptureDirection | null;
  readonly comments: readonly string[];
}

/**
 * One packet of a capture. The reader fills the same object for each packet, so it and its bytes
 * are valid during the call only.
 */
export class CapturedPacket implements PacketRecord {
  /** From 1, in the file's order: Wireshark's `frame.number`. */
  number = 0;
  /** Since 1970. Both are 0 in a Simple Packet Block, which has no time. */
  seconds = 0;
  nanos = 0;
  /** Index into `CaptureReader.interfaces`. */
  interfaceId = 0;
  /** Value of `LinkType`. */
  linkType = 0;
  bytes: Uint8Array = NO_BYTES;
  offset = 0;
  capturedLength = 0;
  originalLength = 0;
  /**
   * Where the IP header starts in `bytes`, after the link header and VLAN tags. -1 if the frame
   * carries something else, or is cut before that place.
   */
  ipOffset = -1;
  /**
   * From pcapng's epb_flags, or from the packet type of a cooked header; null if neither is there.
   */
  direction: CaptureDirection | null = null;

  /** The options of a pcapng block, for `comments`; `optionsEnd` is 0 without a comment. */
  optionsView: DataView = NO_VIEW;
  optionsStart = 0;
  optionsEnd = 0;
  optionsLittleEndian = true;

  /** pcapng's opt_comment, in order. Decoded on each read, because most readers never look. */
  get comments(): readonly string[] {
    return this.optionsEnd === 0
      ? NO_COMMENTS
      : readComments(
          this.optionsView,
          this.optionsStart,
          this.optionsEnd,
          this.optionsLittleEndian,
        );
  }
}

/** Counts of an Interface Statistics Block; null where the file does not say. */
export interface CaptureStatistics {
  /** Packets received by the interface, and those that it dropped. */
  received: number | null;
  dropped: number | null;
  /** Packets that the filter accepted, that the system dropped, that the program got. */
  filterAccepted: number | null;
  systemDropped: number | null;
  delivered: number | null;
}

export interface CaptureInterface {
  /** '' where the file does not say: classic pcap has neither name nor description nor filter. */
  readonly name: string;
  readonly description: string;
  /** The capture filter, as text. */
  readonly filter: string;
  /** Value of `LinkType`. */
  readonly linkType: number;
  /** The most bytes captured of a packet; 0 for no limit. */
  readonly snapLength: number;
  /**
   * Resolution of the times: pcapng's if_tsresol. 6 is microseconds, 9 is nanoseconds; with bit 7
   * set the other bits are an exponent of 2.
   */
  readonly tsResolution: number;
  /** Seconds that were added to each time: pcapng's if_tsoffset. */
  readonly tsOffset: number;
  readonly comments: readonly string[];
  /** The last Interface Statistics Block of the interface. */
  statistics: CaptureStatistics | null;
}

/** A pcapng section: what its header says of the capture. */
export interface CaptureSection {
  readonly hardware: string;
  readonly os: string;
  /** The program that wrote it. */
  readonly application: string;
  readonly comments: readonly string[];
}

/** A Decryption Secrets Block. `type` 0x544c534b ('TLSK') holds lines of a TLS key log. */
export interface CaptureSecrets {
  readonly type: number;
  readonly data: Uint8Array;
}
