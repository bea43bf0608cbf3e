/** A stack's TCP counters, by the names that nstat shows for the kernel, so that both can be compared line by line. */
export class TcpCounters {
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
  TcpExtTW = 0;
  TcpExtTWRecycled = 0;
  TcpExtTCPTimeWaitOverflow = 0;
  TcpExtPAWSEstab = 0;
  TcpExtDelayedACKs = 0;
  TcpExtTCPTimeouts = 0;
  TcpExtTCPFastRetrans = 0;
  TcpExtTCPRenoRecovery = 0;
  TcpExtTCPSlowStartRetrans = 0;
  TcpExtTCPSynRetrans = 0;
  TcpExtTCPOFOQueue = 0;
  TcpExtTCPOFODrop = 0;
  TcpExtTCPDSACKOldSent = 0;
  TcpExtTCPChallengeACK = 0;
  TcpExtTCPSYNChallenge = 0;
  TcpExtTCPACKSkippedChallenge = 0;
  TcpExtTCPAbortOnData = 0;
  TcpExtTCPAbortOnClose = 0;
  TcpExtTCPAbortOnTimeout = 0;
  TcpExtTCPKeepAlive = 0;
  TcpExtTCPWinProbe = 0;
  TcpExtTCPFromZeroWindowAdv = 0;
  TcpExtTCPToZeroWindowAdv = 0;
  /** Limits that Linux does not have: SYNs over the stack's or a host's share of half-open connections, hosts over their share of TIME-WAIT. */
  TcplabHalfOpenLimit = 0;
  TcplabHalfOpenHostLimit = 0;
  TcplabTimeWaitHostLimit = 0;
  /** Segments that reached each step of RFC 9293 section 3.10.7.4, from 1 (sequence number) to 8 (FIN); 0: SYN-SENT's own steps. */
  readonly steps = new Float64Array(9);
}
