/** The answers to what is asked first when something is slow or broken: at most eight lines. */
import { Completeness, type Conversation, type Limit } from '../conversation.js';
import { firstToClose, firstToReset, resetReason } from './ending.js';
import type { Answer, LimitShare } from './parts.js';
import { capital, duration, other, percent, plural, roleOf } from './names.js';
import type { Suspicion, SuspicionName } from './suspicions.js';

export function verdictsOf(
  conv: Conversation,
  limits: readonly LimitShare[],
  suspicions: readonly Suspicion[],
): Answer[] {
  const about = (...names: SuspicionName[]): string =>
    suspicions
      .filter(({ name }) => names.includes(name))
      .map(({ text }) => `${text}.`)
      .join(' ');
  return [
    { question: 'Did the SYN get an answer?', answer: synAnswer(conv) },
    { question: 'Who closed?', answer: closeAnswer(conv) },
    { question: 'Who reset, and why?', answer: resetAnswer(conv) },
    { question: 'Network, receiver or program?', answer: blame(limits) },
    { question: 'Was data lost?', answer: lossAnswer(conv) },
    {
      question: 'Keep-alives or idle timeouts?',
      answer: about('keepAlive', 'peerGone') || idleAnswer(conv),
    },
    {
      question: 'An MTU black hole?',
      answer: about('mtuBlackHole', 'pathMtu') || 'No sign of one.',
    },
    {
      question: "Is one side's capture missing?",
      answer: about('oneSideMissing', 'incompleteCapture') || 'No: both directions are here.',
    },
  ];
}

function synAnswer(conv: Conversation): string {
  const { client } = conv;
  const c = conv.directions[client];
  const s = conv.directions[other(client)];
  if (!c.hasSyn && !s.hasSyn) return 'Unknown: the capture begins after the handshake.';
  if (!c.hasSyn) return 'Yes: the SYN,ACK is here, the SYN is not.';
  const tries = c.syns > 1 ? `, after ${c.syns} tries` : '';
  if (s.hasSyn) {
    const delay = conv.synAckTime - c.firstTime;
    if (Number.isNaN(delay)) return 'Yes, by a SYN: both opened at once (RFC 9293 3.5).';
    return `Yes, in ${duration(Math.max(0, delay))}${tries}.`;
  }
  if (s.rstFrame > 0) return `It was refused with a RST (frame ${s.rstFrame})${tries}.`;
  if (s.packets > 0) return 'There is no SYN,ACK, but other packets of the server are here.';
  const icmp = conv.icmp.length > 0 ? ', but an ICMP error came back' : '';
  return (
    `No: ${plural(c.syns, 'SYN')} in ${duration(conv.lastTime - conv.firstTime)} and no ` +
    `reply${icmp}. ` +
    'A firewall drops them, the host is down, or the way back is broken.'
  );
}

function closeAnswer(conv: Conversation): string {
  const closer = firstToClose(conv);
  if (closer === null) return 'Nobody: there is no FIN.';
  const own = conv.directions[closer];
  const peer = conv.directions[other(closer)];
  const both =
    peer.finFrame > 0
      ? `${roleOf(conv, other(closer))} followed (frame ${peer.finFrame})`
      : `${roleOf(conv, other(closer))} never did`;
  return `${capital(roleOf(conv, closer))}, frame ${own.finFrame}; ${both}.`;
}

function resetAnswer(conv: Conversation): string {
  const resetter = firstToReset(conv);
  if (resetter === null) return 'Nobody.';
  const own = conv.directions[resetter];
  return (
    `${capital(roleOf(conv, resetter))}, frame ${own.rstFrame}: ` +
    `${resetReason(conv, resetter)}.`
  );
}

const CULPRIT: Readonly<Record<Limit, (who: string, peer: string) => string>> = {
  handshake: () => 'opening',
  application: (who) => `program of the ${who}`,
  network: () => 'network (round trip, congestion window)',
  receiver: (_who, peer) => `receiver (window of the ${peer})`,
  loss: (who) => `network (lost data of the ${who})`,
  closing: () => 'after the close',
};

function blame(limits: readonly LimitShare[]): string {
  if (limits.length === 0) return 'All packets have the same time, so nothing can be said.';
  const worth = limits.filter(({ share }, i) => i < 2 && (i === 0 || share >= 0.1));
  const texts = worth.map(({ limit, sender, seconds, share }) => {
    const peer = sender === 'client' ? 'server' : 'client';
    return `${CULPRIT[limit](sender, peer)} ${duration(seconds * 1e9)} (${percent(share)})`;
  });
  return `${capital(texts.join('; '))}.`;
}

function lossAnswer(conv: Conversation): string {
  const parts: string[] = [];
  for (const end of [0, 1] as const) {
    const all =
      conv.countOf('retransmission', end) +
      conv.countOf('fastRetransmission', end) +
      conv.countOf('spuriousRetransmission', end) +
      conv.directions[end].lateRepeats;
    const own = conv.directions[end];
    const sent = own.dataPackets + own.syns + (own.finFrame > 0 ? 1 : 0);
    if (all > 0)
      parts.push(
        `${roleOf(conv, end)} sent ${all} of ${Math.max(sent, all)} segments again ` +
          `(${percent(all / Math.max(sent, all))})`,
      );
    else if (conv.countOf('outOfOrder', end) > 0)
      parts.push(
        `${plural(conv.countOf('outOfOrder', end), 'segment')} of ${roleOf(conv, end)} came late`,
      );
  }
  return parts.length === 0
    ? 'No retransmission is in the capture.'
    : `${capital(parts.join('; '))}.`;
}

function idleAnswer(conv: Conversation): string {
  const pause = conv.longestPause;
  if (pause < 1e9) return 'No keep-alive, no silence of a second.';
  const answered =
    (conv.completeness & Completeness.rst) !== 0 ? ' A RST is in the capture, too.' : '';
  return (
    `No keep-alive; longest silence ${duration(pause)}, up to frame ` +
    `${conv.longestPauseFrame}.${answered}`
  );
}
