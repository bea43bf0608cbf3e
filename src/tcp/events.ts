/** Events for the user, as bits. They are collected during a batch and reported once at its end. */
export const TcpEvent = {
  /** ESTABLISHED was reached: OPEN is complete. */
  established: 1,
  /** `receive()` has data. */
  readable: 2,
  /** `send()` accepts bytes again, after it accepted fewer than given. */
  writable: 4,
  /** The peer's FIN was received, and no more data follows (MUST-12: distinct from a reset). */
  endOfStream: 8,
  /** `error` is set: reset, refused or timed out. The connection has ended. */
  error: 16,
  /** `softError` is set by an ICMP error or R1 (MUST-47, SHLD-9). The connection continues. */
  softError: 32,
  /** CLOSED, or TIME-WAIT, which the stack handles. This is always the last event. */
  closed: 64,
  /** All sent data is acknowledged, and the FIN if one was sent. */
  acked: 128,
  /**
   * Urgent data was announced or extended (MUST-32), or the out-of-band byte arrived: see
   * `urgentLeft` (urgent.ts).
   */
  urgent: 256,
  /**
   * Part of the memory lent by `sendZeroCopy` is acknowledged: see `lentLength` of the send buffer.
   */
  zeroCopyDone: 512,
} as const;
