/**
 * Every labelled requirement of RFC 9293, in our own words, and its state. A requirement is done
 * unless it is in `NOT_DONE`. Each one that is done has a test that names it and a mutant that this
 * test kills; requirements.test.ts checks that.
 */
export type State = 'waived' | 'not done, on purpose';

/** id, section of RFC 9293, what it asks for. */
export const REQUIREMENTS: readonly (readonly [id: string, section: string, text: string])[] = [
  ['MUST-1', '3.1', 'The window field is an unsigned number.'],
  ['MUST-2', '3.1', 'Every segment sent carries its checksum.'],
  [
    'MUST-3',
    '3.1',
    'The checksum of every segment received is verified; a wrong one is dropped without an answer.',
  ],
  [
    'MUST-4',
    '3.1',
    'The options End of List, No-Operation and Maximum Segment Size are implemented.',
  ],
  ['MUST-5', '3.1', 'Options are accepted on any segment, not only on a SYN.'],
  ['MUST-6', '3.1', 'An unknown option is skipped by its length, silently.'],
  [
    'MUST-7',
    '3.1',
    'An option with an impossible length (0, 1, past the end of the header) does no harm.',
  ],
  ['MUST-8', '3.4.1', 'The initial sequence number follows a clock that ticks about every 4 µs.'],
  [
    'MUST-9',
    '3.4.1',
    'The keyed hash in the initial sequence number cannot be computed from outside.',
  ],
  ['MUST-10', '3.5', 'Two peers that open to each other at the same time get one connection.'],
  ['MUST-11', '3.5', 'SYN-RECEIVED remembers whether a passive or an active OPEN led to it.'],
  ['MUST-12', '3.6', 'The user is told whether the peer closed (FIN) or aborted (RST).'],
  ['MUST-13', '3.6.1', 'The side that closes first stays in TIME-WAIT for twice the MSL.'],
  ['MUST-14', '3.7.1', 'The MSS option is sent, and the one received is obeyed.'],
  ['MUST-15', '3.7.1', 'Without an MSS option the send MSS is 536 bytes (IPv4) or 1220 (IPv6).'],
  [
    'MUST-16',
    '3.7.1',
    "The effective send MSS is the smaller of the peer's MSS and the path's, less the bytes " +
      'of options.',
  ],
  ['MUST-17', '3.7.4', 'The Nagle algorithm can be switched off for a connection.'],
  [
    'MUST-18',
    '3.8.1',
    'The retransmission timeout follows RFC 6298, with Karn: no samples from segments sent twice.',
  ],
  [
    'MUST-19',
    '3.8.2',
    'Slow start, congestion avoidance, and a timeout that is doubled each time.',
  ],
  [
    'MUST-20',
    '3.8.3',
    'Two thresholds for retransmissions: R1 gives advice (to the user, because IP has one ' +
      'route and no other gateway to try), R2 ends the connection.',
  ],
  ['MUST-21', '3.8.3', 'The user can set R2 for a connection.'],
  ['MUST-22', '3.8.3', 'A SYN is retransmitted by the same thresholds.'],
  ['MUST-23', '3.8.3', 'R2 of a SYN is 3 minutes or more.'],
  ['MUST-24', '3.8.4', 'Keep-alive can be switched on and off for a connection.'],
  ['MUST-25', '3.8.4', 'Keep-alive is off by default.'],
  [
    'MUST-26',
    '3.8.4',
    'Keep-alive probes only when nothing is in flight and nothing arrived for the interval.',
  ],
  ['MUST-27', '3.8.4', 'The interval of keep-alive can be set.'],
  ['MUST-28', '3.8.4', 'The interval of keep-alive is 2 hours or more by default.'],
  ['MUST-29', '3.8.4', 'One probe without an answer does not mean that the connection is dead.'],
  ['MUST-30', '3.8.5', 'The urgent mechanism is still supported.'],
  ['MUST-31', '3.8.5', 'Urgent data may have any length.'],
  ['MUST-32', '3.8.5', 'The user is told at once when urgent data is announced, or more of it.'],
  ['MUST-33', '3.8.5', 'The user can learn how much urgent data is still to be read.'],
  ['MUST-34', '3.8.6', 'The sender survives a window that shrinks below what is in flight.'],
  ['MUST-35', '3.8.6', 'A window that shrinks to zero is probed like any zero window.'],
  ['MUST-36', '3.8.6.1', 'A zero window is probed.'],
  [
    'MUST-37',
    '3.8.6.1',
    'A zero window never ends the connection while the peer answers the probes.',
  ],
  ['MUST-38', '3.8.6.2.1', 'The sender avoids the silly window syndrome.'],
  ['MUST-39', '3.8.6.2.2', 'The receiver avoids the silly window syndrome.'],
  ['MUST-40', '3.8.6.3', 'An ACK is delayed by less than half a second.'],
  ['MUST-41', '3.9.1.1', 'A passive OPEN does not affect existing connections.'],
  [
    'MUST-42',
    '3.9.1.1',
    'A port can be listened on while another connection from it is in SYN-SENT or SYN-RECEIVED.',
  ],
  ['MUST-43', '3.9.1.1', 'OPEN takes a local address, if the user gives one.'],
  [
    'MUST-44',
    '3.9.1.1',
    'Without one the IP layer chooses the local address before the first SYN.',
  ],
  ['MUST-45', '3.9.1.1', 'A connection keeps its local address for its life.'],
  ['MUST-46', '3.9.1.1', 'An active OPEN to a broadcast or multicast address is refused.'],
  ['MUST-47', '3.9.1.8', 'There is a way to report soft errors to the user.'],
  ['MUST-48', '3.9.1.9', 'The user can set the DSCP of what is sent.'],
  ['MUST-49', '3.9.2', 'The time to live of what is sent can be configured.'],
  ['MUST-50', '3.9.2', 'IP options that TCP does not know are ignored.'],
  ['MUST-51', '3.9.2.1', 'An active OPEN can name a source route.'],
  ['MUST-52', '3.9.2.1', 'A source route that the user named goes before one that was received.'],
  ['MUST-53', '3.9.2.1', 'A passive OPEN answers by the source route that the SYN came by.'],
  ['MUST-54', '3.9.2.2', 'An ICMP error is acted on, by the connection that it is about.'],
  ['MUST-55', '3.9.2.2', 'ICMP Source Quench is ignored.'],
  [
    'MUST-56',
    '3.9.2.2',
    'Unreachable code 0, 1 or 5, time exceeded and parameter problem do not end a connection.',
  ],
  ['MUST-57', '3.9.2.3', 'A SYN to a broadcast or multicast address is dropped silently.'],
  ['MUST-58', '3.10.7.4', 'One ACK answers several segments where it can.'],
  ['MUST-59', '3.10.7.4', 'All queued segments are processed before an ACK is sent.'],
  ['MUST-60', '3.9.1.2', 'Where there is no PUSH call, data is never held back for ever.'],
  [
    'MUST-61',
    '3.9.1.2',
    'Where there is no PUSH call, the last segment of what is queued carries PSH.',
  ],
  ['MUST-62', '3.8.5', 'The urgent pointer names the sequence number after the last urgent byte.'],
  ['MUST-63', '3.9.2.3', 'A SYN from an invalid source address is ignored.'],
  ['MUST-64', '3.2', 'Options may begin at any byte.'],
  ['MUST-65', '3.2', 'The MSS option is sent on a SYN only.'],
  ['MUST-66', '3.4', 'RST and URG are processed even while our receive window is zero.'],
  [
    'MUST-67',
    '3.7.1',
    'The MSS that we announce is at most the largest datagram that we can receive, less 20 ' +
      'bytes of TCP header.',
  ],
  ['MUST-68', '3.1', 'Every option but End of List and No-Operation has a length.'],
  ['MUST-69', '3.1', 'What follows End of List is padding, sent as zeros.'],
  [
    'SHLD-1',
    '3.4.1',
    'The initial sequence number is a clock plus a keyed hash of the four-tuple.',
  ],
  ['SHLD-2', '3.5.3', 'A RST that carries data is accepted.'],
  ['SHLD-3', '3.6.1', 'CLOSE while data is unread, or data after CLOSE, is answered by a RST.'],
  [
    'SHLD-4',
    '3.6.1',
    'With timestamps a SYN can reopen a connection in TIME-WAIT sooner (RFC 6191).',
  ],
  ['SHLD-5', '3.7.1', 'The MSS option is sent unless its value would be the default.'],
  ['SHLD-6', '3.7.3', 'Where the MTU varies, the MSS announced is that of the smallest.'],
  ['SHLD-7', '3.7.4', 'The Nagle algorithm.'],
  ['SHLD-8', '3.8.2', 'Explicit congestion notification (RFC 3168).'],
  ['SHLD-9', '3.8.3', 'The user is told of trouble between R1 and R2.'],
  ['SHLD-10', '3.8.3', 'R1 is 3 retransmissions or more.'],
  ['SHLD-11', '3.8.3', 'R2 is 100 seconds or more.'],
  ['SHLD-12', '3.8.4', 'A keep-alive probe carries no data.'],
  ['SHLD-13', '3.8.5', 'New applications make no use of urgent data.'],
  ['SHLD-14', '3.8.6', 'The receiver never shrinks a window that it offered.'],
  ['SHLD-15', '3.8.6', 'No new data is sent beyond a window that shrank.'],
  ['SHLD-16', '3.8.6', 'Lost data within a window that shrank is retransmitted.'],
  ['SHLD-17', '3.8.6', 'Data beyond a window that shrank does not time the connection out.'],
  ['SHLD-18', '3.8.6.3', 'ACKs are delayed.'],
  ['SHLD-19', '3.8.6.3', 'There is an ACK for at least every second full segment.'],
  ['SHLD-20', '3.9.1.8', 'Reports of soft errors can be switched off.'],
  ['SHLD-21', '3.9.1.9', 'The DSCP can be changed while a connection lasts.'],
  ['SHLD-22', '3.9.1.9', 'The DSCP goes to IP as the user gave it.'],
  ['SHLD-23', '3.9.2', 'Applications normally do not change the DSCP of a connection.'],
  ['SHLD-24', '3.9.2.1', 'A source route received later replaces the one before.'],
  ['SHLD-25', '3.9.2.2', 'Soft ICMP errors are made visible to the user.'],
  ['SHLD-26', '3.9.2.2', 'ICMP unreachable codes 2 to 4 end the connection.'],
  ['SHLD-27', '3.9.1.2', 'Several PUSHes whose data shares a segment become one PSH bit.'],
  ['SHLD-28', '3.9.1.2', 'Segments are of the maximum size while there is enough data.'],
  [
    'SHLD-29',
    '3.8.6.1',
    'The first probe of a zero window follows after one retransmission timeout.',
  ],
  ['SHLD-30', '3.8.6.1', 'The time between probes of a zero window grows exponentially.'],
  ['SHLD-31', '3.10.7.4', 'Segments that arrive out of order are kept.'],
  [
    'MAY-1',
    '3.6.1',
    'CLOSE may end both directions at once, with a RST for data that remains unread.',
  ],
  [
    'MAY-2',
    '3.6.1',
    'A SYN in TIME-WAIT may open a new connection, with larger numbers; if it was an old ' +
      'duplicate, TIME-WAIT goes on.',
  ],
  ['MAY-3', '3.7.1', 'The MSS option may always be sent.'],
  [
    'MAY-4',
    '3.8.1',
    'A retransmission that is the same packet may carry the same IP identification.',
  ],
  ['MAY-5', '3.8.4', 'There may be keep-alives.'],
  ['MAY-6', '3.8.4', 'A keep-alive may carry one byte of garbage.'],
  ['MAY-7', '3.8.6', 'Data beyond a window that shrank may be retransmitted.'],
  ['MAY-8', '3.8.6.1', 'A receiver may keep its window at zero for ever.'],
  ['MAY-9', '3.9.1.9', 'The DSCP received may be passed up.'],
  ['MAY-10', '3.9.2', 'The IP timestamp option may be supported.'],
  ['MAY-11', '3.9.2', 'The IP record route option may be supported.'],
  ['MAY-12', '3.10.7.4', 'ACK numbers may be checked against injected data (RFC 5961 section 5).'],
  ['MAY-13', '3.10.7.4', 'A segment out of order may be answered by an ACK at once.'],
  ['MAY-14', '3.9.1.7', 'There may be a FLUSH call.'],
  ['MAY-15', '3.9.1.2', 'SEND may have a PUSH flag.'],
  ['MAY-16', '3.9.1.2', 'Without PUSH, data may be gathered before it is sent.'],
  ['MAY-17', '3.9.1.3', 'The receiving user may be told of PSH.'],
  ['MAY-18', '3.8.2', 'Other congestion control that conforms may be used.'],
  ['REC-1', '3.1', 'Windows are kept in 32 bits.'],
];

const waived = (reason: string): readonly [State, string] => ['waived', reason];

/** A MUST that is left undone deliberately. */
const onPurpose = (reason: string): readonly [State, string] => ['not done, on purpose', reason];

const NO_SOURCE_ROUTES =
  'Hosts and routers drop source-routed packets today (RFC 7126 section 4.3), and Linux has ' +
  'them off by default.';
const IP_OPTION = waived('Nothing asks for it: IP options do not pass the Internet (RFC 7126).');

/** What is not done, and why. */
export const NOT_DONE: Readonly<Record<string, readonly [State, string]>> = {
  'MUST-51': onPurpose(NO_SOURCE_ROUTES),
  'MUST-52': onPurpose(NO_SOURCE_ROUTES),
  'MUST-53': onPurpose(NO_SOURCE_ROUTES),
  'SHLD-24': waived(NO_SOURCE_ROUTES),
  'SHLD-13': waived('Advice for applications, not for a stack.'),
  'SHLD-23': waived('Advice for applications, not for a stack.'),
  'MAY-6': waived(
    'Keep-alives carry no data (SHLD-12); the byte of garbage was for hosts of the 1980s.',
  ),
  'MAY-10': IP_OPTION,
  'MAY-11': IP_OPTION,
  'MAY-14': waived('No socket interface has a FLUSH call.'),
  'MAY-15': waived('No socket interface has a PUSH flag: PSH is set by MUST-61.'),
  'MAY-17': waived('No socket interface reports PSH: data is delivered as it arrives.'),
  'SHLD-6': waived(
    "A stack has one device, whose MTU does not vary. The path's does, but the MSS option is " +
      'about what we can receive (RFC 6691 section 5.4).',
  ),
  'MAY-4': waived(
    'The identification means nothing on packets that are not fragmented (RFC 6864), and ' +
      'ours are fragmented only on a path whose MTU is less than 552 bytes.',
  ),
  'MAY-7': waived('We do not, for the reason that SHLD-16 gives.'),
};
