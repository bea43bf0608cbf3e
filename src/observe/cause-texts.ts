/** A phrase for each cause of a state change (tcp/causes.ts). */
import type { Cause } from '../tcp/causes.js';

const TEXTS: Readonly<Record<Cause, string>> = {
  'active-open': 'active OPEN',
  close: 'CLOSE',
  'close-unread': 'CLOSE with unread data (RFC 9293 3.6.1)',
  'close-no-linger': 'CLOSE with SO_LINGER and a linger time of zero',
  'close-no-room': 'CLOSE, and no memory left for an orphan (tcp_mem, tcp_max_orphans)',
  abort: 'ABORT',
  disconnect: 'connect(AF_UNSPEC)',
  syn: 'valid SYN on a listening port',
  'syn-cookie': 'a valid SYN cookie',
  'simultaneous-syn': 'receive SYN without ACK: simultaneous open',
  'syn-ack': 'receive SYN,ACK',
  'ack-of-syn': 'receive ACK of our SYN',
  'ack-of-fin': 'receive ACK of our FIN',
  fin: 'receive FIN',
  rst: 'receive RST',
  'syn-in-syn-received': 'receive SYN in SYN-RECEIVED',
  'data-after-close': 'receive data after CLOSE (RFC 9293 3.6.1)',
  'icmp-error': 'ICMP error before the connection was established (RFC 5461)',
  'syn-timeout': 'R2: the SYN or SYN,ACK was not answered (RFC 9293 3.8.3)',
  'data-timeout': 'R2: data was not acknowledged (RFC 9293 3.8.3)',
  'window-timeout': 'the window stayed closed for the user timeout (RFC 5482)',
  'probes-unanswered': 'zero-window probes were not answered (RFC 9293 3.8.6.1)',
  'keep-alive-unanswered': 'keep-alive probes were not answered (RFC 9293 3.8.4)',
  'fin-wait-2-timeout':
    "the peer's FIN did not arrive in time, and the socket is closed (tcp_fin_timeout)",
  'no-fin-wait-2': 'the socket is closed, and FIN-WAIT-2 is switched off (TCP_LINGER2)',
  'orphan-limit': 'too many orphans, and the peer reads nothing (tcp_max_orphans)',
  'lent-data-gone': 'memory that was lent for sending was transferred to another thread',
  'listener-closes': 'the listener closes',
  'stack-closes': 'the stack closes',
  'device-gone': 'the device is gone',
  killed: '`tcplab kill` ended it (as `ss -K` in Linux)',
};

export const causeText = (cause: Cause): string => TEXTS[cause];
