/**
 * What a passive reader notices about a segment, by Wireshark's names: bit N of `marks` is
 * `MARK_NAMES[N]`, and `tcp.analysis.` before the name is Wireshark's field.
 *
 * The words are Wireshark's, and so are the rules (rules.ts). Some of them are guesses: a capture
 * does not say why a sender sent a segment again. docs/wireshark-agreement.md compares the two.
 */
export const Mark = {
  /** It repeats sequence numbers that were sent before, and is none of the two kinds below. */
  retransmission: 1 << 0,
  /** It repeats the segment for which at least two duplicate ACKs asked, at once (20 ms). */
  fastRetransmission: 1 << 1,
  /** It repeats what the capture has already seen acknowledged. */
  spuriousRetransmission: 1 << 2,
  /** It fills a gap in less than a round trip, so it was overtaken, not sent again. */
  outOfOrder: 1 << 3,
  duplicateAck: 1 << 4,
  /** There is a gap in the sequence numbers before it. */
  lostSegment: 1 << 5,
  /** It acknowledges what is not in the capture. */
  ackLostSegment: 1 << 6,
  windowUpdate: 1 << 7,
  /** It fills the receiver's window. */
  windowFull: 1 << 8,
  zeroWindow: 1 << 9,
  zeroWindowProbe: 1 << 10,
  zeroWindowProbeAck: 1 << 11,
  keepAlive: 1 << 12,
  keepAliveAck: 1 << 13,
  /** A SYN that begins another connection between ports that had one before. */
  reusedPorts: 1 << 14,
} as const;

export type MarkName = keyof typeof Mark;

export const MARK_NAMES = Object.keys(Mark) as readonly MarkName[];

/** The three kinds of segments that were sent again. */
export const ANY_RETRANSMISSION =
  Mark.retransmission | Mark.fastRetransmission | Mark.spuriousRetransmission;

/** Wireshark's field: `tcp.analysis.fast_retransmission`. */
export const wiresharkField = (name: MarkName): string =>
  `tcp.analysis.${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;

/** The names of all marks that are set. */
export const markNames = (marks: number): MarkName[] =>
  MARK_NAMES.filter((name) => (marks & Mark[name]) !== 0);
