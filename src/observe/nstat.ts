/**
 * The counters as `nstat` of iproute2 prints them: the kernel's names in the kernel's order, and
 * the differences from a history.
 */

/**
 * The order of /proc/net/snmp and /proc/net/netstat of Linux 6.18. A counter that is not in the
 * list comes behind it: those that only this stack has.
 */
const KERNEL_ORDER: readonly string[] = [
  'TcpActiveOpens',
  'TcpPassiveOpens',
  'TcpAttemptFails',
  'TcpEstabResets',
  'TcpInSegs',
  'TcpOutSegs',
  'TcpRetransSegs',
  'TcpInErrs',
  'TcpOutRsts',
  'TcpInCsumErrors',
  'TcpExtSyncookiesSent',
  'TcpExtSyncookiesRecv',
  'TcpExtSyncookiesFailed',
  'TcpExtPruneCalled',
  'TcpExtRcvPruned',
  'TcpExtOfoPruned',
  'TcpExtOutOfWindowIcmps',
  'TcpExtTW',
  'TcpExtTWRecycled',
  'TcpExtPAWSActive',
  'TcpExtPAWSEstab',
  'TcpExtTSEcrRejected',
  'TcpExtPAWSOldAck',
  'TcpExtDelayedACKs',
  'TcpExtListenOverflows',
  'TcpExtListenDrops',
  'TcpExtTCPRenoRecovery',
  'TcpExtTCPSackRecovery',
  'TcpExtTCPSACKReneging',
  'TcpExtTCPSACKReorder',
  'TcpExtTCPRenoReorder',
  'TcpExtTCPFullUndo',
  'TcpExtTCPPartialUndo',
  'TcpExtTCPDSACKUndo',
  'TcpExtTCPLossUndo',
  'TcpExtTCPLostRetransmit',
  'TcpExtTCPFastRetrans',
  'TcpExtTCPSlowStartRetrans',
  'TcpExtTCPTimeouts',
  'TcpExtTCPLossProbes',
  'TcpExtTCPLossProbeRecovery',
  'TcpExtTCPDSACKOldSent',
  'TcpExtTCPDSACKRecv',
  'TcpExtTCPDSACKOfoRecv',
  'TcpExtTCPAbortOnData',
  'TcpExtTCPAbortOnClose',
  'TcpExtTCPAbortOnMemory',
  'TcpExtTCPAbortOnTimeout',
  'TcpExtTCPAbortOnLinger',
  'TcpExtTCPMemoryPressures',
  'TcpExtTCPSACKDiscard',
  'TcpExtTCPSpuriousRTOs',
  'TcpExtTCPDeferAcceptDrop',
  'TcpExtTCPTimeWaitOverflow',
  'TcpExtTCPReqQFullDoCookies',
  'TcpExtTCPReqQFullDrop',
  'TcpExtTCPRetransFail',
  'TcpExtTCPOFOQueue',
  'TcpExtTCPOFODrop',
  'TcpExtTCPChallengeACK',
  'TcpExtTCPSYNChallenge',
  'TcpExtTCPFastOpenActive',
  'TcpExtTCPFastOpenActiveFail',
  'TcpExtTCPFastOpenPassive',
  'TcpExtTCPFastOpenPassiveFail',
  'TcpExtTCPFastOpenListenOverflow',
  'TcpExtTCPFastOpenCookieReqd',
  'TcpExtTCPFastOpenBlackhole',
  'TcpExtTCPFromZeroWindowAdv',
  'TcpExtTCPToZeroWindowAdv',
  'TcpExtTCPSynRetrans',
  'TcpExtTCPACKSkippedSynRecv',
  'TcpExtTCPACKSkippedPAWS',
  'TcpExtTCPACKSkippedSeq',
  'TcpExtTCPACKSkippedTimeWait',
  'TcpExtTCPACKSkippedChallenge',
  'TcpExtTCPWinProbe',
  'TcpExtTCPKeepAlive',
  'TcpExtTCPMTUPFail',
  'TcpExtTCPMTUPSuccess',
  'TcpExtTCPDeliveredCE',
  'TcpExtTCPRcvQDrop',
  'TcpExtTCPWqueueTooBig',
  'TcpExtTCPFastOpenPassiveAltKey',
  'IpExtInNoECTPkts',
  'IpExtInECT1Pkts',
  'IpExtInECT0Pkts',
  'IpExtInCEPkts',
];

/** Counts that go up and down, so that a difference says nothing. `nstat` leaves them out, too. */
const GAUGES: ReadonlySet<string> = new Set(['TcpCurrEstab']);

export type Counts = Readonly<Record<string, number>>;

/** The counters of a stack by name, in the kernel's order. */
export function inKernelOrder(counters: object): Record<string, number> {
  const own = Object.entries(counters).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number' && !GAUGES.has(entry[0]),
  );
  const at = (name: string): number => {
    const i = KERNEL_ORDER.indexOf(name);
    return i < 0 ? KERNEL_ORDER.length : i;
  };
  return Object.fromEntries(own.sort(([a], [b]) => at(a) - at(b)));
}

/** What each counter has grown by since `before`. */
export const increase = (now: Counts, before: Counts): Record<string, number> =>
  Object.fromEntries(Object.entries(now).map(([name, n]) => [name, n - (before[name] ?? 0)]));

/**
 * The counters to print: those that match one of `patterns` (shell patterns; none: all), and with
 * `zeros` also those that are zero.
 */
export function chosen(
  counts: Counts,
  patterns: readonly string[],
  zeros: boolean,
): Record<string, number> {
  const tests = patterns.map(shellPattern);
  return Object.fromEntries(
    Object.entries(counts).filter(
      ([name, n]) =>
        (zeros || n !== 0) && (tests.length === 0 || tests.some((test) => test.test(name))),
    ),
  );
}

/** `*`, `?` and `[...]`, without regard to case, as in nstat. */
function shellPattern(text: string): RegExp {
  const source = text.replace(/\[!?[^\]]*\]|[^]/g, (part) => {
    if (part === '*') return '.*';
    if (part === '?') return '.';
    if (part.length > 2) return part.replace(/^\[!/, '[^');
    return part.replace(/[.+^${}()|[\]\\]/, '\\$&');
  });
  return new RegExp(`^${source}$`, 'i');
}

/** nstat's table: `#kernel`, then name, count and rate, which is 0.0 without nstat's daemon. */
export const nstatTable = (counts: Counts): string[] => [
  '#kernel',
  ...Object.entries(counts).map(
    ([name, n]) => `${name.padEnd(32)}${String(n).padEnd(16)}${'0.0'.padStart(6)}`,
  ),
];
