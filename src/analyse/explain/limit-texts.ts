/** What the seconds of each limit mean, with the numbers behind it. */
import type { Conversation, Limit } from '../conversation.js';
import type { Direction } from '../direction.js';
import { byteCount, duration, other, plural, roleOf } from './names.js';

export function limitSentence(conv: Conversation, limit: Limit, end: 0 | 1): string {
  const who = roleOf(conv, end);
  const peer = roleOf(conv, other(end));
  const own = conv.directions[end];
  const far = conv.directions[other(end)];
  switch (limit) {
    case 'handshake':
      return 'the connection was not open yet (RFC 9293 3.5)';
    case 'closing':
      return 'both sides had sent a FIN, or one had reset (RFC 9293 3.6)';
    case 'loss':
      return (
        `segments of ${who} were missing and had to be sent again: ` +
        plural(own.episodes, 'episode') +
        (own.longestTimeout > 0 ? `, longest wait ${duration(own.longestTimeout)}` : '') +
        ' (RFC 6298, RFC 6675)'
      );
    case 'receiver':
      return (
        `the window of ${peer} left no room for ${who}: it offered ` +
        `${byteCount(Math.max(0, finite(far.minWindow)))} to ${byteCount(far.maxWindow)} ` +
        '(RFC 9293 3.8.6)'
      );
    case 'network':
      return (
        `${who} waited for ACKs with room left in the window: round trip` +
        `${roundTrip(conv, own)} and congestion window limit it; at most ` +
        `${byteCount(own.maxFlight)} were in flight (RFC 5681)`
      );
    case 'application': {
      const longest = conv.longestThought[end]!;
      return (
        `the program of ${who} had the word and sent nothing` +
        (longest > 0
          ? `; longest ${duration(longest)}, up to frame ${conv.thoughtFrame[end]!}`
          : '')
      );
    }
  }
}

const finite = (n: number): number => (Number.isFinite(n) ? n : 0);

/** Near the receiver the ACK follows its data at once, so the handshake's round trip is taken. */
function roundTrip(conv: Conversation, own: Direction): string {
  if (own.rttCount === 0) return '';
  if (own.rttSum / own.rttCount < conv.initialRtt / 2)
    return ` (${duration(conv.initialRtt)} in the handshake)`;
  return (
    ` (${duration(own.rttMin)} to ${duration(own.rttMax)}, mean ` +
    `${duration(own.rttSum / own.rttCount)})`
  );
}
