/**
 * The counters of a stack, for TCP and for ECN in IP. The names are those of nstat, so that both
 * can be compared line by line.
 */
export class TcpCounters {
  /**
   * Received packets by ECN field; a super-segment counts as the packets that it was merged from.
   */
  IpExtInNoECTPkts = 0;
  IpExtInECT1Pkts = 0;
  IpExtInECT0Pkts = 0;
  IpExtInCEPkts = 0;
  TcpActiveOpens = 0;
  TcpPassiveOpens = 0;
  TcpAttemptFails = 0;
  TcpEstabResets = 0;
  TcpCurrEstab = 0;
  TcpInSegs = 0;
  TcpOutSegs = 0;
  TcpRetransSegs = 0;
  TcpInErrs = 0;
  TcpOutRsts = 0;
  TcpInCsumErrors = 0;
  TcpExtSyncookiesSent = 0;
  TcpExtSyncookiesRecv = 0;
  TcpExtSyncookiesFailed = 0;
  TcpExtTCPReqQFullDoCookies = 0;
  TcpExtTCPReqQFullDrop = 0;
  TcpExtListenOverflows = 0;
  TcpExtListenDrops = 0;
  TcpExtTCPDeferAcceptDrop = 0;
  TcpExtTCPRetransFail = 0;
  /** Our segments that were acknowledged with ECE. */
  TcpExtTCPDeliveredCE = 0;
  TcpExtTCPFastOpenActive = 0;
  TcpExtTCPFastOpenActiveFail = 0;
  TcpExtTCPFastOpenPassive = 0;
  TcpExtTCPFastOpenPassiveFail = 0;
  TcpExtTCPFastOpenListenOverflow = 0;
  TcpExtTCPFastOpenCookieReqd = 0;
  TcpExtTCPFastOpenBlackhole = 0;
  TcpExtTCPFastOpenPassiveAltKey = 0;
  TcpExtTW = 0;
  TcpExtTWRecycled = 0;
  TcpExtTCPTimeWaitOverflow = 0;
  TcpExtPAWSActive = 0;
  TcpExtPAWSEstab = 0;
  TcpExtPAWSOldAck = 0;
  TcpExtTSEcrRejected = 0;
  TcpExtDelayedACKs = 0;
  TcpExtTCPTimeouts = 0;
  TcpExtTCPFastRetrans = 0;
  TcpExtTCPRenoRecovery = 0;
  TcpExtTCPSackRecovery = 0;
  TcpExtTCPSACKReneging = 0;
  TcpExtTCPSACKReorder = 0;
  TcpExtTCPRenoReorder = 0;
  TcpExtTCPSACKDiscard = 0;
  TcpExtTCPDSACKRecv = 0;
  TcpExtTCPDSACKOfoRecv = 0;
  TcpExtTCPFullUndo = 0;
  TcpExtTCPPartialUndo = 0;
  TcpExtTCPDSACKUndo = 0;
  TcpExtTCPLossUndo = 0;
  TcpExtTCPSpuriousRTOs = 0;
  TcpExtTCPLossProbes = 0;
  TcpExtTCPLossProbeRecovery = 0;
  TcpExtTCPLostRetransmit = 0;
  TcpExtTCPSlowStartRetrans = 0;
  TcpExtTCPSynRetrans = 0;
  TcpExtTCPOFOQueue = 0;
  TcpExtTCPOFODrop = 0;
  TcpExtOfoPruned = 0;
  TcpExtTCPDSACKOldSent = 0;
  TcpExtTCPChallengeACK = 0;
  TcpExtTCPSYNChallenge = 0;
  /**
   * Invalid segments without data that were not answered, because an answer went out shortly before
   * (tcp_invalid_ratelimit).
   */
  TcpExtTCPACKSkippedSynRecv = 0;
  TcpExtTCPACKSkippedPAWS = 0;
  TcpExtTCPACKSkippedSeq = 0;
  TcpExtTCPACKSkippedTimeWait = 0;
  TcpExtTCPACKSkippedChallenge = 0;
  TcpExtTCPMTUPFail = 0;
  TcpExtTCPMTUPSuccess = 0;
  /** ICMP errors for a connection that quoted nothing in flight. */
  TcpExtOutOfWindowIcmps = 0;
  TcpExtTCPAbortOnData = 0;
  TcpExtTCPAbortOnClose = 0;
  TcpExtTCPAbortOnTimeout = 0;
  TcpExtTCPAbortOnLinger = 0;
  TcpExtTCPAbortOnMemory = 0;
  /**
   * SACK blocks that were not applied, because they would have split the data in flight into more
   * records than the send buffer allows.
   */
  TcpExtTCPWqueueTooBig = 0;
  TcpExtTCPMemoryPressures = 0;
  TcpExtPruneCalled = 0;
  TcpExtRcvPruned = 0;
  TcpExtTCPRcvQDrop = 0;
  TcpExtTCPKeepAlive = 0;
  TcpExtTCPWinProbe = 0;
  TcpExtTCPFromZeroWindowAdv = 0;
  TcpExtTCPToZeroWindowAdv = 0;
  /**
   * Limits that Linux does not have: SYNs beyond the limit of half-open connections of the stack or
   * of a host, and connections beyond a host's limit of TIME-WAIT.
   */
  TcplabHalfOpenLimit = 0;
  TcplabHalfOpenHostLimit = 0;
  TcplabTimeWaitHostLimit = 0;
  /**
   * Segments that reached each step of RFC 9293 section 3.10.7.4, from 1 (sequence number) to 8
   * (FIN). Index 0: segments in SYN-SENT.
   */
  readonly steps = new Float64Array(9);
}
