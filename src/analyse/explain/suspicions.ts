/** Patterns that many captures of trouble show. Each is reported with the numbers behind it. */
import { seqDiff } from '../../base/seq.js';
import { Completeness, type Conversation } from '../conversation.js';
import { isForged } from './ending.js';
import { byteCount, capital, duration, other, plural, roleOf } from './names.js';

export type SuspicionName =
  | 'mtuBlackHole'
  | 'pathMtu'
  | 'oneSideMissing'
  | 'incompleteCapture'
  | 'nagleAndDelayedAck'
  | 'lossAtTheTail'
  | 'zeroWindow'
  | 'keepAlive'
  | 'forgedReset'
  | 'congestionMarks'
  | 'unreachable'
  | 'peerGone';

export interface Suspicion {
  readonly name: SuspicionName;
  readonly text: string;
  readonly section: string;
}

export function findSuspicions(conv: Conversation): Suspicion[] {
  const found: Suspicion[] = [];
  const add = (name: SuspicionName, section: string, text: string | null): void => {
    if (text !== null) found.push({ name, text, section });
  };
  add('unreachable', 'RFC 792, RFC 4443', unreachable(conv));
  for (const end of [0, 1] as const) {
    add('mtuBlackHole', 'RFC 2923 2.1, RFC 4821', blackHole(conv, end));
    add('zeroWindow', 'RFC 9293 3.8.6.1', zeroWindow(conv, end));
    add('nagleAndDelayedAck', 'RFC 1122 4.2.3.4, RFC 9293 3.8.6.3', nagle(conv, end));
    add('lossAtTheTail', 'RFC 8985 7', tailLoss(conv, end));
    add('keepAlive', 'RFC 9293 3.8.4', keepAlive(conv, end));
    add('forgedReset', 'RFC 5961 3', forged(conv, end));
    add('congestionMarks', 'RFC 3168 6.1', congestion(conv, end));
    add('peerGone', 'RFC 9293 3.8.3', gone(conv, end));
  }
  add('pathMtu', 'RFC 1191, RFC 8201', pathMtu(conv));
  add('oneSideMissing', 'RFC 9293 3.4', oneSide(conv));
  add('incompleteCapture', 'RFC 9293 3.4', incomplete(conv));
  return found;
}

/** Full segments vanish again and again, while smaller ones arrive. */
function blackHole(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  if (own.mostStuck < 3 || own.stuckLength < 400 || own.largestAcked >= own.stuckLength)
    return null;
  if (Number.isNaN(conv.handshakeTime) || conv.icmp.some((notice) => notice.mtu > 0)) return null;
  if (conv.directions[other(end)].packets === 0) return null;
  return (
    `MTU black hole: ${roleOf(conv, end)} sent the same ${own.stuckLength} bytes ` +
    `${own.mostStuck + 1} times without an ACK, while smaller segments arrived. A link on ` +
    `the path ` +
    'carries only smaller packets, and its ICMP message does not come back'
  );
}

function pathMtu(conv: Conversation): string | null {
  const notice = conv.icmp.find((one) => one.mtu > 0);
  if (notice === undefined) return null;
  return (
    `A router said (ICMP, frame ${notice.frame}) that packets of ` +
    `${roleOf(conv, notice.about)} may ` +
    `have at most ${notice.mtu} bytes: path MTU discovery works`
  );
}

function unreachable(conv: Conversation): string | null {
  const notice = conv.icmp.find((one) => one.mtu === 0);
  if (notice === undefined) return null;
  return (
    `An ICMP error came back (frame ${notice.frame}): ${icmpName(notice)}, about a packet of ` +
    roleOf(conv, notice.about)
  );
}

function icmpName({ version, type, code }: { version: 4 | 6; type: number; code: number }): string {
  const v4 = ['network', 'host', 'protocol', 'port', 'fragmentation needed without an MTU'];
  const v6 = ['no route', 'prohibited', 'beyond scope', 'address', 'port'];
  if (version === 4 && type === 11) return 'time exceeded: a routing loop, or the TTL is too small';
  if (version === 6 && type === 3)
    return 'time exceeded: a routing loop, or the hop limit is too small';
  if (version === 4 && type === 3)
    return code >= 9 && code <= 13
      ? 'prohibited by a firewall'
      : `unreachable (${v4[code] ?? code})`;
  if (version === 6 && type === 1) return `unreachable (${v6[code] ?? code})`;
  return `type ${type}, code ${code}`;
}

function zeroWindow(conv: Conversation, end: 0 | 1): string | null {
  const times = conv.countOf('zeroWindow', end);
  if (times === 0) return null;
  const peer = other(end);
  const seconds = conv.seconds('receiver', peer);
  return (
    `${capital(roleOf(conv, end))} closed its window (${plural(times, 'packet')} with ` +
    `window 0): its ` +
    `program does not read. ${capital(roleOf(conv, peer))} waited ${duration(seconds * 1e9)} for ` +
    'its window in all'
  );
}

function nagle(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  if (own.nagleWaits < 3) return null;
  return (
    `Nagle's algorithm and delayed ACKs wait for each other: ${own.nagleWaits} times ` +
    `${roleOf(conv, end)} sent a small segment only after a late ACK, ` +
    `${duration(own.nagleTime)} in all`
  );
}

/** The last data of a burst was lost: no later segment makes the receiver report it. */
function tailLoss(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  if (own.timeouts === 0) return null;
  return (
    `Loss at the tail: ${plural(own.timeouts, 'time')} ${roleOf(conv, end)} repeated its newest ` +
    `data after a silence; no later segment could make the receiver report the loss. Longest ` +
    `wait ${duration(own.longestTimeout)}`
  );
}

function keepAlive(conv: Conversation, end: 0 | 1): string | null {
  const count = conv.countOf('keepAlive', end);
  const peerCloses = conv.countOf('zeroWindow', other(end)) > 0;
  if (count === 0 || peerCloses) return null;
  const answers = conv.countOf('keepAliveAck', other(end));
  return (
    `${capital(roleOf(conv, end))} sent ${plural(count, 'keep-alive')}, and ` +
    `${answers === 0 ? 'none was' : `${answers} ${answers === 1 ? 'was' : 'were'}`} answered. ` +
    `Longest silence ${duration(conv.longestPause)}`
  );
}

function forged(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  if (!isForged(own)) return null;
  return (
    `The RST of ${roleOf(conv, end)} (frame ${own.rstFrame}) has TTL ${own.rstTtl}, its other ` +
    `packets ${own.ttl}: a firewall, load balancer or other device on the path probably sent it`
  );
}

function congestion(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  if (own.congestionMarks === 0 && own.congestionEchoes === 0) return null;
  return (
    `ECN is at work: ${plural(own.congestionMarks, 'packet')} of ${roleOf(conv, end)} marked as ` +
    `congested, ${plural(own.congestionEchoes, 'echo', 'echoes')} sent by it`
  );
}

/** Repetitions to the end of the capture, and no word from the other side. */
function gone(conv: Conversation, end: 0 | 1): string | null {
  const own = conv.directions[end];
  const peer = conv.directions[other(end)];
  if (Number.isNaN(conv.handshakeTime) || peer.packets === 0) return null;
  const silence = conv.lastTime - peer.lastTime;
  const unanswered = own.mostStuck >= 3 || conv.countOf('keepAlive', end) >= 3;
  if (!unanswered || silence < 3e9 || peer.rstFrame + peer.finFrame > 0) return null;
  return (
    `${capital(roleOf(conv, other(end)))} said nothing for the last ${duration(silence)}, ` +
    `although ` +
    `${roleOf(conv, end)} kept asking: it crashed, lost its network, or a firewall forgot the ` +
    'connection'
  );
}

function oneSide(conv: Conversation): string | null {
  for (const end of [0, 1] as const) {
    const peer = conv.directions[other(end)];
    if (peer.packets > 0) continue;
    const own = conv.directions[end];
    const heard = own.hasEdge && seqDiff(own.lastAck, peer.base) > 1;
    if (!heard && own.dataPackets === 0 && own.syns === own.packets) continue;
    return `Only packets of ${roleOf(conv, end)} are in the capture, ${
      heard
        ? `and they acknowledge ${byteCount(seqDiff(own.lastAck, peer.base))} of the other side`
        : ''
    }: the other direction takes another path or another interface (asymmetric routing)`;
  }
  return null;
}

function incomplete(conv: Conversation): string | null {
  const unseen = conv.countOf('ackLostSegment');
  const begins = conv.completeness & Completeness.syn;
  if (unseen === 0) return null;
  return (
    `The capture is incomplete: ${plural(unseen, 'ACK')} of data that it does not hold` +
    `${begins === 0 ? ', and its beginning is missing' : ''}. What looks like loss may be ` +
    `packets ` +
    'that the capture dropped'
  );
}
