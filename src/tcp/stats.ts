/** What one connection has sent and received so far: the counts of TCP_INFO. */
export class TcpStats {
  bytesIn = 0;
  /** Bytes that the user gave. */
  bytesOut = 0;
  bytesSent = 0;
  bytesAcked = 0;
  bytesRetransmitted = 0;
  segsIn = 0;
  segsOut = 0;
  dataSegsIn = 0;
  dataSegsOut = 0;
  retransmissions = 0;
  duplicateAcksIn = 0;
}
