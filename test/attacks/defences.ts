/**
 * The stack's defences against attacks, rule by rule, in the form of the list of RFC 9293's
 * requirements.
 */
export const DEFENCES: readonly (readonly [id: string, source: string, text: string])[] = [
  [
    'ATK-1',
    'RFC 4987 3.6',
    'When the SYN queue is full, a SYN is answered by a cookie, and no state is kept for it.',
  ],
  ['ATK-2', 'RFC 4987 A', "A cookie and the timestamp carry the SYN's MSS, window scale and SACK."],
  [
    'ATK-3',
    'RFC 4987 A',
    'A cookie is valid only for its own four-tuple and peer sequence number.',
  ],
  ['ATK-4', 'RFC 4987 A', 'A cookie expires after two minutes, and its key is replaced.'],
  ['ATK-5', 'RFC 4987 3.6', 'Without a flood no cookie is accepted, so that guesses are useless.'],
  [
    'ATK-6',
    'RFC 4987 3.1',
    'Half-open connections are bounded for each listener, for the stack, and for each host.',
  ],
  [
    'ATK-7',
    'RFC 5961 3.2',
    'A RST resets only if its number is exactly RCV.NXT; elsewhere in the window it is ' +
      'challenged.',
  ],
  [
    'ATK-8',
    'RFC 5961 4.2',
    'A SYN in a synchronised state gets a challenge ACK, and does not end the connection.',
  ],
  ['ATK-9', 'RFC 5961 5.2', 'Data with an implausible ACK is not accepted.'],
  [
    'ATK-10',
    'RFC 5961 7',
    'Replies to invalid segments are rate-limited: of each connection, half-open or in ' +
      'TIME-WAIT, too.',
  ],
  ['ATK-11', 'CVE-2016-5696', 'The rate limit of the whole host reveals nothing to an attacker.'],
  [
    'ATK-12',
    'RFC 5927 4.1',
    'An ICMP error is accepted only for an existing flow and a sequence number in flight.',
  ],
  ['ATK-13', 'RFC 5927 5.2', 'No ICMP error ends a synchronised connection.'],
  ['ATK-14', 'RFC 1337', 'A RST does not end TIME-WAIT (if tcp_rfc1337 is on).'],
  [
    'ATK-15',
    'RFC 6528',
    'Initial sequence numbers are unpredictable, also from those of other connections.',
  ],
  [
    'ATK-16',
    'RFC 6056',
    'Ephemeral ports are unpredictable, also from those to other destinations.',
  ],
  [
    'ATK-17',
    'CVE-2018-5390',
    'Out-of-order data in tiny segments costs bounded memory and bounded work.',
  ],
  ['ATK-18', 'RFC 5722', 'A datagram whose fragments overlap is dropped whole.'],
  ['ATK-19', 'RFC 1858, 3128', 'A fragment whose edge lies within the TCP header is dropped.'],
  ['ATK-20', 'CVE-2019-11479', "A peer's MSS below 48 is treated as 48."],
  ['ATK-21', 'tcp_max_tw_buckets', 'TIME-WAIT is bounded in total and for each host.'],
  ['ATK-22', 'RFC 1122 3.3.2', 'Queued fragments are bounded in total and for each host.'],
  ['ATK-23', 'RFC 4987 3.3', 'A crowded SYN queue drops half-open connections sooner.'],
  [
    'ATK-24',
    'RFC 5927 7',
    'An ICMP error only lowers the path MTU of the quoted destination, and not below a minimum.',
  ],
  [
    'ATK-25',
    'RFC 7323 5.3',
    'Only the timestamp of an otherwise valid segment is used, so that a blind attacker ' +
      'cannot make PAWS drop genuine segments.',
  ],
  [
    'ATK-26',
    'CVE-2019-11478',
    'Data in flight in tiny segments, or SACKed in small pieces, costs no more memory than ' +
      'the send buffer may hold.',
  ],
];
