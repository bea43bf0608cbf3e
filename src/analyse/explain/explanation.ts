/**
 * A conversation in plain words. All sentences are made from the numbers of a `Conversation`; text
 * and Markdown are made from this (render.ts), and `--json` prints it as it is.
 */
import { type Conversation, LIMITS } from '../conversation.js';
import { MARK_NAMES, wiresharkField } from '../marks.js';
import { adviceFor } from './advice.js';
import { endingOf } from './ending.js';
import { handshakeOf } from './handshake.js';
import { limitSentence } from './limit-texts.js';
import { MEANINGS } from './meanings.js';
import { byteCount, endpoints, other, rate, roleOf } from './names.js';
import type { Anomaly, Explanation, LimitShare } from './parts.js';
import { findSuspicions } from './suspicions.js';
import { verdictsOf } from './verdicts.js';

export function explain(conv: Conversation): Explanation {
  const { client } = conv;
  const server = other(client);
  const names = endpoints(conv);
  const suspicions = findSuspicions(conv);
  const limits = limitsOf(conv);
  return {
    stream: conv.index,
    client: names[client],
    server: names[server],
    frames: [conv.firstFrame, conv.lastFrame],
    packets: conv.packets,
    seconds: conv.duration,
    bytesFromClient: conv.directions[client].uniqueBytes,
    bytesFromServer: conv.directions[server].uniqueBytes,
    summary: summaryOf(conv, client, server),
    answers: verdictsOf(conv, limits, suspicions),
    handshake: handshakeOf(conv),
    limits,
    suspicions,
    anomalies: [...anomaliesOf(conv, client), ...anomaliesOf(conv, server)].sort(
      (x, y) => x.firstFrame - y.firstFrame,
    ),
    ending: endingOf(conv),
    states: { client: conv.states.of(client), server: conv.states.of(server) },
    next: adviceFor(conv, limits, suspicions),
  };
}

function summaryOf(conv: Conversation, client: 0 | 1, server: 0 | 1): string {
  const up = conv.directions[client].uniqueBytes;
  const down = conv.directions[server].uniqueBytes;
  const nanos = conv.duration * 1e9;
  const fast = nanos > 0 ? `, ${rate(up + down, nanos)}` : '';
  return (
    `${conv.packets} packets in ${conv.duration.toFixed(3)} s; the client sent ${byteCount(up)}, ` +
    `the server ${byteCount(down)}${fast}`
  );
}

/** Without what took no time, the longest first. */
function limitsOf(conv: Conversation): LimitShare[] {
  // Not the duration: the clock of a capture may have been set back.
  const total = LIMITS.reduce((sum, limit) => sum + conv.seconds(limit), 0);
  const shares: LimitShare[] = [];
  for (const end of [0, 1] as const) {
    for (const limit of LIMITS) {
      const seconds = conv.seconds(limit, end);
      if (seconds <= 0) continue;
      shares.push({
        limit,
        sender: roleOf(conv, end) === 'the client' ? 'client' : 'server',
        seconds,
        share: seconds / total,
        text: limitSentence(conv, limit, end),
      });
    }
  }
  return shares.sort((x, y) => y.seconds - x.seconds);
}

function anomaliesOf(conv: Conversation, end: 0 | 1): Anomaly[] {
  const direction = conv.directions[end];
  const found: Anomaly[] = [];
  for (const [bit, mark] of MARK_NAMES.entries()) {
    const count = direction.marks[bit]!;
    if (count === 0) continue;
    found.push({
      mark,
      field: wiresharkField(mark),
      from: end === conv.client ? 'client' : 'server',
      count,
      firstFrame: direction.firstMarked[bit]!,
      lastFrame: direction.lastMarked[bit]!,
      ...MEANINGS[mark],
      ...(mark === 'outOfOrder' && direction.lateRepeats > 0
        ? { meaning: lateRepeatMeaning(direction.lateRepeats) }
        : {}),
    });
  }
  return found;
}

const lateRepeatMeaning = (count: number): string =>
  `the name says that they were overtaken, but the capture holds the bytes of ${count} of them ` +
  'already: they were sent again, within a round trip of newer data';
