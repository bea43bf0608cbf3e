/** A sentence for each name of `Drop`: why the packet was dropped. */
import { type Drop } from '../wire/drop.js';

export const DROP_TEXTS: Readonly<Record<keyof typeof Drop, string>> = {
  none: 'not dropped',
  ipTruncated: 'shorter than an IP header',
  ipBadVersion: 'neither IPv4 nor IPv6',
  ipBadHeaderLength: 'the IP header length is invalid (RFC 791 3.1)',
  ipBadTotalLength: 'the IP total length is larger than the packet (RFC 791 3.1)',
  ipBadChecksum: 'the IPv4 header checksum is wrong: silently discarded (RFC 1122 3.2.1.2)',
  ipBadSource: 'the source address is not a valid host address (RFC 1122 3.2.1.3)',
  ipBadDestination: 'the destination address is not a valid host address (RFC 1122 3.2.1.3)',
  ipNotForUs: 'addressed to another host, and this stack does not forward (RFC 1122 3.2.1.3)',
  ipBadExtension: 'an IPv6 extension header is malformed (RFC 8200 4)',
  ipUnknownOption: 'an unknown IPv6 option asks for the packet to be dropped (RFC 8200 4.2)',
  ipUnknownProtocol: 'this protocol is not supported (RFC 1122 3.2.2.1)',
  fragmentBadLength: 'every fragment but the last must be a multiple of 8 bytes long (RFC 791 3.2)',
  fragmentOverlap: 'fragments overlap: the whole packet is dropped (RFC 5722)',
  fragmentTooLarge: 'the reassembled packet would be longer than 65,535 bytes',
  fragmentLimit: 'too many incomplete packets are being reassembled: the oldest is dropped',
  fragmentTimeout: 'the missing fragments did not arrive in time (RFC 1122 3.3.2)',
  icmpTruncated: 'shorter than an ICMP header',
  icmpBadChecksum: 'the ICMP checksum is wrong',
  icmpUnknownType: 'an ICMP type that needs no reply (RFC 1122 3.2.2)',
  icmpNoSuchFlow: 'the packet that the ICMP error quotes was not sent by this stack (RFC 5927 4)',
  icmpRateLimited:
    'no ICMP error is sent for this packet: the rate limit is reached (RFC 1812 4.3.2.8)',
  udpTruncated: 'shorter than a UDP header',
  udpBadLength: 'the UDP length does not fit the packet (RFC 768)',
  udpBadChecksum: 'the UDP checksum is wrong (RFC 1122 4.1.3.4)',
  udpNoSuchPort: 'no socket is bound to this UDP port: ICMP port unreachable (RFC 1122 4.1.3.1)',
  tcpTruncated: 'shorter than a TCP header',
  tcpBadDataOffset: 'the TCP data offset is invalid (RFC 9293 3.1)',
  tcpBadChecksum: 'the TCP checksum is wrong: silently discarded (RFC 9293 3.1, MUST-3)',
  tcpBadOptionLength: 'a TCP option has an invalid length (RFC 9293 3.2, MUST-7)',
  tcpBadFlags: 'these flags are not valid in this state (RFC 9293 3.10.7)',
  tcpNoSuchPort: 'no socket listens on this port (RFC 9293 3.10.7.1)',
  tcpUnacceptable:
    'outside the receive window, or a duplicate: at most an ACK, which says what is expected ' +
    '(RFC 9293 3.10.7.4, first step)',
  tcpPaws: 'its timestamp is older than the last one: an old duplicate (PAWS, RFC 7323 5)',
  tcpNoTimestamp: 'it has no timestamp, although both ends agreed on timestamps (RFC 7323 3.2)',
  tcpRstOutsideWindow: 'a RST outside the window is ignored (RFC 5961 3.2)',
  tcpRstChallenge:
    'a RST inside the window but not at RCV.NXT: at most a challenge ACK, which asks for ' +
    'confirmation (RFC 5961 3.2)',
  tcpSynChallenge:
    'a SYN on an existing connection: at most a challenge ACK, which asks for confirmation (RFC ' +
    '5961 4.2)',
  tcpBadAck:
    'its acknowledgment is not acceptable: what it acknowledges was not sent, or is not our SYN ' +
    '(RFC 9293 3.10.7)',
  tcpOldAck: 'acknowledges data that was acknowledged long ago (RFC 5961 5.2)',
  tcpNoAck: 'no ACK flag: dropped in a synchronized state (RFC 9293 3.10.7.4, fifth step)',
  tcpListenOverflow: 'the accept queue is full: the handshake cannot finish yet',
  tcpSynQueueFull: 'too many half-open connections on this port: the SYN is dropped',
  tcpOutOfOrderLimit: 'the out-of-order queue is full: the peer will retransmit it',
  tcpAfterClose: 'data after the FIN',
  tcpBeyondWindow: 'data beyond the offered window is cut off (RFC 9293 3.10.7.4)',
  tcpTimeWait: 'its connection is in TIME-WAIT (RFC 9293 3.10.7.4)',
  tcpToMulticast: 'a TCP segment to a multicast or broadcast address (RFC 9293 3.9.2.3, MUST-57)',
  deviceQueueFull: "the device's queue is full",
  deviceError: 'the device rejected it',
  linkLoss: 'dropped on the link on purpose (random loss)',
  linkRule: 'dropped on the link on purpose (drop rule)',
  linkQueueFull: "the link's queue is full: more was sent than its rate carries",
  ipTooBig: 'larger than the MTU, and it must not be fragmented',
  noRoute: 'no route to this address',
  ignoredGroup:
    'ignored: sent to a multicast group that this host has not joined (the kernel looks for ' +
    'routers and reports its groups on a new link)',
  fragmentBadEcn: 'the fragments contradict each other: one is Not-ECT, another CE (RFC 3168 5.3)',
  fragmentNoHeaders: 'the first fragment does not hold all headers (RFC 7112 5)',
  tcpHalfOpenLimit: 'too many half-open connections in the whole stack: the SYN is dropped',
  tcpHalfOpenHostLimit: 'too many half-open connections from this host: the SYN is dropped',
  fragmentTiny:
    'the fragment ends inside the TCP header, as in attacks on packet filters (RFC 1858, RFC 3128)',
  tcpMemory: "the stack's memory limit is reached (tcp_mem): the peer will retransmit it",
  linkTooBig: 'larger than the MTU of a hop on the link (set on purpose; path MTU, RFC 1191)',
  neighbourQueueFull: 'the queue of packets that wait for another worker is full',
  tcpForeignEcho:
    'it echoes a timestamp that was never sent: it belongs to another connection (RFC 7323 3.2)',
  ipBadOption: 'an IPv4 option is invalid: ICMP parameter problem (RFC 1122 3.2.2.5)',
  ipSourceRoute: 'it has a source route option, which is not accepted (RFC 7126 4.3)',
  tcpDeferAccept:
    'the ACK of the SYN,ACK carries no data, and the listener waits for data (TCP_DEFER_ACCEPT)',
  ipNoNextHeader: 'it ends with its IPv6 headers, so there is nothing to deliver (RFC 8200 4.7)',
};

/** The sentence for a drop reason; the name itself if there is none. */
export const dropText = (name: string): string =>
  (DROP_TEXTS as Readonly<Record<string, string>>)[name] ?? name;
