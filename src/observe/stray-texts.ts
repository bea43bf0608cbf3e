/** What is said of packets that belong to no connection. */
import type { Datagram, StrayAnswer, StrayFate } from '../stack/observer.js';

export const FATE_TEXTS: Readonly<Record<StrayFate, string>> = {
  'closed-reset': 'CLOSED: RST',
  'closed-ignored': 'CLOSED: RST is ignored',
  'listen-reset': 'LISTEN: unexpected ACK, RST',
  'listen-ignored': 'LISTEN: ignored',
  'accept-queue-full': 'LISTEN: the accept queue is full, dropped',
  'syn-queue-full': 'LISTEN: too many half-open connections on this port, dropped',
  'half-open-limit': 'LISTEN: too many half-open connections in the stack, dropped',
  'half-open-host-limit': 'LISTEN: too many half-open connections from this host, dropped',
  'syn-cookie-sent': 'LISTEN: SYN cookie sent, no state kept',
  'cookie-accept-queue-full': 'LISTEN: a SYN cookie came back, but the accept queue is full',
  'time-wait-reset': 'TIME-WAIT: RST ends it',
  'time-wait-acknowledged': 'TIME-WAIT: acknowledged, 2 MSL restarted',
  'time-wait-throttled': 'TIME-WAIT: 2 MSL restarted; no ACK, because one was sent a moment ago',
  'time-wait-ignored': 'TIME-WAIT: nothing to do',
};

export const ANSWER_TEXTS: Readonly<Record<StrayAnswer, string>> = {
  reset: 'RST: no such connection (RFC 9293 section 3.5.2)',
  'time-wait-ack': 'ACK from TIME-WAIT',
  'syn-cookie':
    'SYN,ACK: its sequence number is a cookie that encodes the handshake (RFC 4987 3.6)',
};

/** One line in tcpdump's words: `ICMP echo request, id 7, seq 1, length 64`. */
export function datagramText(d: Datagram): string {
  const length = `length ${d.length}`;
  switch (d.kind) {
    case 'udp':
      return `UDP, ${length}`;
    case 'echo-request':
      return `ICMP echo request, id ${d.id}, seq ${d.seq}, ${length}`;
    case 'echo-reply':
      return `ICMP echo reply, id ${d.id}, seq ${d.seq}, ${length}`;
    case 'fragmentation-needed':
      return `ICMP fragmentation needed, MTU ${d.mtu}, ${length}`;
    case 'packet-too-big':
      return `ICMP packet too big, MTU ${d.mtu}, ${length}`;
    case 'icmp-error':
      return `ICMP error, type ${d.type}, code ${d.code}, ${length}`;
    case 'icmp':
      return `ICMP type ${d.type}, code ${d.code}, ${length}`;
  }
}
