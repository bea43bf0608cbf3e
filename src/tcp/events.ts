/**
 * What a connection owes its user: bits, collected while a batch is handled and told once at its
 * end.
 */
export const TcpEvent = {
  /** ESTABLISHED was reached: the OPEN is done. */
  established: 1,
  /** `receive()` has something. */
  readable: 2,
  /** `send()` takes bytes again, after it took fewer than it was given. */
  writable: 4,
  /** The peer's FIN: no more will come (MUST-12: told apart from a reset). */
  endOfStream: 8,
  /** `error` is set: reset, refused, timed out. The connection is gone. */
  error: 16,
  /** `softError` is set: an ICMP hint, or R1 (MUST-47, SHLD-9). The connection goes on. */
  softError: 32,
  /**
   * CLOSED (or TIME-WAIT, which is the stack's business): nothing will come from here any more.
   * Always the last.
   */
  closed: 64,
  /** Everything sent was acknowledged, FIN included. */
  acked: 128,
  /**
   * Urgent data was announced, or more of it (MUST-32), or its byte came that is out of line: see
   * `urgentLeft` (urgent.ts).
   */
  urgent: 256,
  /** Of what `sendZeroCopy` was lent, some is acknowledged: see `lentLength` of the send buffer. */
  zeroCopyDone: 512,
} as const;
