/**
 * The stack's defences against attacks, rule by rule, in the form of the list of RFC 9293's
 * requirements.
 */
export const DEFENCES: readonly (readonly [id: string, source: string, text: string])[] = [
  [
    'ATK-1',
    'RFC 4987 3.6',
    'When the SYN queue is full a SYN is answered by a cookie, and nothing is kept of it.',
  ],
  [
    'ATK-2',
    'RFC 4987 A',
    "A cookie and the timestamp bring back the SYN's MSS, window scale and SACK.",
  ],
  [
    'ATK-3',
    'RFC 4987 A',
    'A cookie is good for its own four-tuple and peer sequence number alone.',
  ],
  ['ATK-4', 'RFC 4987 A', 'A cookie expires after two minutes, and its key is replaced.'],
  [
    'ATK-5',
    'RFC 4987 3.6',
    'Without a flood no cookie is believed, so that nobody can guess in peace.',
  ],
  [
    'ATK-6',
    'RFC 4987 3.1',
    'Half-open connections are bounded for each listener, for the stack, and for each host.',
  ],
  [
    'ATK-7',
    'RFC 5961 3.2',
    'A RST resets with the very number that is next alone; elsewhere in the window it is ' +
      'challenged.',
  ],
  ['ATK-8', 'RFC 5961 4.2', 'A SYN in a synchronised state is challenged, and ends nothing.'],
  ['ATK-9', 'RFC 5961 5.2', 'Data with an ACK of nothing plausible is not taken.'],
  [
    'ATK-10',
    'RFC 5961 7',
    'What is no good is answered once in a while only: of each connection, half-open or in ' +
      'TIME-WAIT, too.',
  ],
  ['ATK-11', 'CVE-2016-5696', 'The throttle of the whole host tells an attacker nothing.'],
  [
    'ATK-12',
    'RFC 5927 4.1',
    'An ICMP error is believed only for a flow of ours and a sequence number in flight.',
  ],
  ['ATK-13', 'RFC 5927 5.2', 'No ICMP error ends a synchronised connection.'],
  ['ATK-14', 'RFC 1337', 'A RST does not end TIME-WAIT (where tcp_rfc1337 says so).'],
  [
    'ATK-15',
    'RFC 6528',
    'Initial sequence numbers cannot be foretold, nor read off those of other connections.',
  ],
  ['ATK-16', 'RFC 6056', 'Ephemeral ports cannot be foretold, nor read off those to other places.'],
  [
    'ATK-17',
    'CVE-2018-5390',
    'Data out of order in tiny segments costs bounded memory and bounded work.',
  ],
  ['ATK-18', 'RFC 5722', 'A datagram whose fragments overlap is dropped whole.'],
  ['ATK-19', 'RFC 1858, 3128', 'A fragment whose edge lies within the TCP header is dropped.'],
  ['ATK-20', 'CVE-2019-11479', "A peer's MSS below 48 is taken for 48."],
  ['ATK-21', 'tcp_max_tw_buckets', 'TIME-WAIT is bounded in all and for each host.'],
  ['ATK-22', 'RFC 1122 3.3.2', 'Fragments that wait are bounded in all and for each host.'],
  ['ATK-23', 'RFC 4987 3.3', 'A crowded SYN queue gives up half-open connections sooner.'],
  [
    'ATK-24',
    'RFC 5927 7',
    'An ICMP error lowers the path MTU of what it quotes, never raises it, and not below a floor.',
  ],
  [
    'ATK-25',
    'RFC 7323 5.3',
    'A timestamp counts only on a segment that is believed otherwise: a blind one cannot ' +
      'have PAWS drop what is genuine.',
  ],
  [
    'ATK-26',
    'CVE-2019-11478',
    'What is in flight in tiny segments, or SACKed to pieces, costs no more memory than the ' +
      'send buffer may hold.',
  ],
];
