/** What to try next, for what took the time or broke the conversation. */
import type { Conversation } from '../conversation.js';
import { SCALE_NONE } from '../direction.js';
import type { LimitShare } from './parts.js';
import { byteCount, other, roleOf } from './names.js';
import type { Suspicion, SuspicionName } from './suspicions.js';

/** Less than this share of the time is not worth an advice. */
const WORTH_IT = 0.1;

const FOR_SUSPICION: Readonly<Partial<Record<SuspicionName, string>>> = {
  mtuBlackHole:
    'Find the MTU of the path: ping -M do -s 1372 HOST, smaller until it answers. Let ICMP ' +
    'type 3 ' +
    'code 4 (IPv6: type 2) through, lower the MTU or clamp the MSS at the tunnel, or set ' +
    'net.ipv4.tcp_mtu_probing=1 at the sender.',
  oneSideMissing:
    'Capture on both interfaces, or at the end of the connection, before judging the numbers here.',
  incompleteCapture:
    'Capture again without drops: tcpdump -B 65536 -s 128 -w FILE, and see "packets dropped by ' +
    'kernel" at its end.',
  nagleAndDelayedAck:
    'Set TCP_NODELAY at the sender, or better: write a request in one piece instead of two.',
  lossAtTheTail:
    'Keep RACK and tail loss probes on at the sender (Linux: net.ipv4.tcp_recovery=1 and ' +
    'tcp_early_retrans=3), and look for the loss itself.',
  zeroWindow:
    'Look at the receiving program, not at the network: a profile or a stack dump at the time of ' +
    'the zero window says what it does instead of reading.',
  forgedReset:
    'Ask who runs the device on the path: its timeouts, its connection table, its rules.',
  peerGone:
    'Look at the silent side: did it restart, and does a firewall or NAT forget idle ' +
    'connections? ' +
    'Keep-alives that are more frequent than its timeout keep the entry.',
  unreachable: 'Ask the router or firewall that sent the ICMP error; its address is in that frame.',
};

export function adviceFor(
  conv: Conversation,
  limits: readonly LimitShare[],
  suspicions: readonly Suspicion[],
): string[] {
  const advice = new Set<string>();
  for (const { name } of suspicions) {
    const text = FOR_SUSPICION[name];
    if (text !== undefined) advice.add(text);
  }
  const { client } = conv;
  const c = conv.directions[client];
  const s = conv.directions[other(client)];
  if (c.hasSyn && s.packets === 0)
    advice.add(
      'Capture at the server: if the SYN arrives there, look at its listener and its way ' +
        'back; if ' +
        'not, at the firewalls between.',
    );
  if (c.hasSyn && !s.hasSyn && s.rstFrame > 0)
    advice.add('See what listens at the server: ss -tln. Check address and port.');
  for (const share of limits) if (share.share >= WORTH_IT) addForLimit(conv, share, advice);
  if (advice.size === 0) advice.add('Nothing stands out here.');
  return [...advice];
}

function addForLimit(conv: Conversation, share: LimitShare, advice: Set<string>): void {
  const end = (share.sender === 'client') === (conv.client === 0) ? 0 : 1;
  const own = conv.directions[end];
  const far = conv.directions[other(end)];
  switch (share.limit) {
    case 'application':
      if (share.seconds > 0.1)
        advice.add(
          `Look at the program of ${roleOf(conv, end)}: its log or a trace at frame ` +
            `${conv.thoughtFrame[end] || conv.longestPauseFrame} says what it waited for.`,
        );
      break;
    case 'receiver':
      advice.add(receiverAdvice(conv, end, far.scale === SCALE_NONE, far.maxWindow));
      break;
    case 'loss':
      advice.add(
        'Find where packets are lost: compare captures at both ends, look at interface drops ' +
          '(ip -s link), queues (tc -s qdisc) and policers.',
      );
      break;
    case 'network':
      if (own.rttCount > 0 && own.rttMax > 4 * own.rttMin && own.rttMin > 0)
        advice.add(
          'The round trip grows under load: a queue on the path fills (bufferbloat). Try ' +
            'fq_codel ' +
            'or cake at the bottleneck, or BBR at the sender.',
        );
      else
        advice.add(
          'The round trip and the congestion window set the pace. Fewer round trips (larger ' +
            'requests, connection reuse) help more than bandwidth.',
        );
      break;
    case 'handshake':
      if (share.seconds > 0.5)
        advice.add('See why the handshake took so long: a lost SYN costs a second, then three.');
      break;
    case 'closing':
      break;
  }
}

function receiverAdvice(
  conv: Conversation,
  end: 0 | 1,
  isUnscaled: boolean,
  largest: number,
): string {
  const receiver = roleOf(conv, other(end));
  return isUnscaled
    ? `No window scale was agreed, so ${receiver} can never offer more than 65,535 bytes. ` +
        `Find what ` +
        'removes the option: an old middlebox, or net.ipv4.tcp_window_scaling=0.'
    : `${receiver === 'the client' ? 'The client' : 'The server'} offered at most ` +
        `${byteCount(largest)}. If its program reads in time, raise net.ipv4.tcp_rmem (or its ` +
        'SO_RCVBUF) towards rate times round trip; if not, make it read faster.';
}
