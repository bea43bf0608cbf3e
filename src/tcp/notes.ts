/**
 * Something worth knowing that neither a segment, a state nor a timer shows. `a` and `b` carry its
 * figures.
 */
export type Note =
  /** ISS chosen by RFC 6528: a = ISS. */
  | 'iss-chosen'
  /**
   * The peer's ACK brought a SYN cookie back, and the connection is there: a = the cookie, our ISS;
   * b = the MSS in it.
   */
  | 'syn-cookie'
  /** The peer's options agreed on: a = send MSS in bytes, b = (snd.wscale << 8) | rcv.wscale. */
  | 'options-agreed'
  /** An RTT sample: a = sample in us, b = the new RTO in us. */
  | 'rtt-sample'
  /** The congestion window moved, or a timeout set it: a = cwnd, b = what it was, segments. */
  | 'cwnd'
  /** Loss recovery's state changed: a = the new `CaState`, b = the old one. */
  | 'ca-state'
  /** Fast recovery begins: a = SND.UNA, b = new ssthresh. */
  | 'fast-retransmit'
  /** A tail loss probe: a = 1 for a retransmission, 0 for new data, b = its end. */
  | 'loss-probe'
  /** A reduction was needless and is taken back: a = by what (`UndoBy`), b = cwnd. */
  | 'undo'
  /** Recovery is over: a = cwnd. */
  | 'recovery-exit'
  /**
   * A retransmission because the timer expired: a = sequence number, b = how many timeouts in a row
   * this is.
   */
  | 'rto-retransmit'
  /**
   * A challenge ACK is owed (RFC 5961), or the answer to a segment that is no good was held back by
   * the throttle (`ack-throttled`).
   */
  | 'challenge-ack'
  | 'ack-throttled'
  /** A duplicate ACK is owed for data out of order: a = its first sequence number. */
  | 'duplicate-ack-owed'
  /** Our receive window closed, or opened again: a = bytes. */
  | 'window-closed'
  | 'window-opened'
  /** The peer's window is zero: we probe. */
  | 'zero-window-probe'
  /** Nagle's algorithm holds a small segment back: a = bytes waiting. */
  | 'nagle-hold'
  /** TCP_CORK or MSG_MORE does: a = bytes waiting. */
  | 'cork-hold'
  /**
   * ECN: a packet came with CE, so our ACKs carry ECE; and the sender said CWR, so they do not any
   * more: a = SEG.SEQ.
   */
  | 'ecn-marked'
  | 'ecn-answered'
  /**
   * ECN: the peer echoed a mark of ours, and the window goes down for it: a = ssthresh in segments.
   */
  | 'ecn-reduced'
  /** The peer announced urgent data: a = bytes to read up to its end, b = RCV.UP. */
  | 'urgent'
  /** Fast Open: the data of a SYN is taken: a = bytes. */
  | 'fast-open-taken'
  /** Fast Open: the SYN,ACK did not acknowledge our SYN's data, which goes out again: a = bytes. */
  | 'fast-open-refused'
  /** Packets to the peer may be this long from now on: a = bytes, b = why, a `MtuCause`. */
  | 'path-mtu'
  /**
   * A segment goes out that is larger than the others, to find out whether it arrives: a = the
   * packet's bytes, b = its place after SND.UNA.
   */
  | 'mtu-probe'
  /** It did not: a = its bytes, b = the new upper end of the search. */
  | 'mtu-probe-lost'
  /** An ICMP error was a hint only: a = type, b = code. */
  | 'soft-error';
