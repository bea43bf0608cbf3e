/** How the connection ended, and whose doing it was (RFC 9293 sections 3.6 and 3.5.2). */
import type { Conversation } from '../conversation.js';
import type { Direction } from '../direction.js';
import { capital, duration, other, roleOf } from './names.js';

/** The end that sent the first FIN; null without one. */
export function firstToClose(conv: Conversation): 0 | 1 | null {
  const [a, b] = conv.directions;
  if (a.finFrame === 0 && b.finFrame === 0) return null;
  if (a.finFrame === 0) return 1;
  return b.finFrame === 0 || a.finFrame < b.finFrame ? 0 : 1;
}

/** The end that sent the first RST; null without one. */
export function firstToReset(conv: Conversation): 0 | 1 | null {
  const [a, b] = conv.directions;
  if (a.rstFrame === 0 && b.rstFrame === 0) return null;
  if (a.rstFrame === 0) return 1;
  return b.rstFrame === 0 || a.rstFrame < b.rstFrame ? 0 : 1;
}

export function endingOf(conv: Conversation): string[] {
  const lines: string[] = [];
  const closer = firstToClose(conv);
  const resetter = firstToReset(conv);
  if (closer !== null) lines.push(...closeLines(conv, closer));
  if (resetter !== null) lines.push(resetLine(conv, resetter));
  if (closer === null && resetter === null)
    lines.push(
      'Neither FIN nor RST: the capture ends before the connection does, or both forgot it.',
    );
  return lines;
}

function closeLines(conv: Conversation, closer: 0 | 1): string[] {
  const own = conv.directions[closer];
  const peer = conv.directions[other(closer)];
  const who = capital(roleOf(conv, closer));
  const peerName = roleOf(conv, other(closer));
  const lines = [`${who} closed first (FIN, frame ${own.finFrame}, at ${at(conv, own.finTime)}).`];
  if (Number.isNaN(own.finAckedTime)) lines.push(`No ACK of that FIN is in the capture.`);
  if (peer.finFrame === 0) {
    if (conv.directions[closer].rstFrame + peer.rstFrame === 0)
      lines.push(
        `${capital(peerName)} has not closed: ${roleOf(conv, closer)} waits in FIN-WAIT-2, ` +
          `and the ` +
          `program of ${peerName} leaves its socket in CLOSE-WAIT (RFC 9293 3.6).`,
      );
    return lines;
  }
  lines.push(
    `${capital(peerName)} closed ${duration(Math.max(0, peer.finTime - own.finTime))} later ` +
      `(frame ${peer.finFrame}).`,
  );
  if (!Number.isNaN(own.finAckedTime) && !Number.isNaN(peer.finAckedTime))
    lines.push(
      `Both FINs were acknowledged: an orderly end. ${who} keeps the ports in TIME-WAIT ` +
        '(RFC 9293 3.6.1).',
    );
  return lines;
}

function resetLine(conv: Conversation, resetter: 0 | 1): string {
  const own = conv.directions[resetter];
  const who = capital(roleOf(conv, resetter));
  return (
    `${who} reset (RST, frame ${own.rstFrame}, at ${at(conv, own.rstTime)}): ` +
    `${resetReason(conv, resetter)}.`
  );
}

/** Why the RST was sent, as far as the packets before it tell. */
export function resetReason(conv: Conversation, resetter: 0 | 1): string {
  const own = conv.directions[resetter];
  const peer = conv.directions[other(resetter)];
  const peerName = roleOf(conv, other(resetter));
  if (isForged(own))
    return (
      `but its TTL is ${own.rstTtl} and that of its other packets ${own.ttl}, so a device on the ` +
      'path probably sent it in its name'
    );
  if (!own.hasSyn && own.dataPackets === 0 && peer.hasSyn && Number.isNaN(conv.handshakeTime))
    return 'nothing listens on the port, or a firewall rejects (RFC 9293 3.5.2)';
  if (own.finFrame > 0 && own.rstFrame > own.finFrame)
    return (
      `after its own FIN: its program closed without reading what ${peerName} still sent ` +
      '(RFC 9293 3.6.1)'
    );
  if (!Number.isNaN(peer.finTime) && peer.finTime <= own.rstTime)
    return (
      `after the FIN of ${peerName}, instead of a FIN: its program closed with unread ` +
      `data or SO_LINGER 0`
    );
  if (own.resetWithoutAck && own.packetsBeforeReset === 0)
    return (
      'it knows no such connection: it restarted, or its state timed out (half-open, ' +
      'RFC 9293 3.5.1)'
    );
  if (own.resetWithoutAck && own.idleBeforeReset > IDLE)
    return (
      `it answers a packet after ${duration(own.idleBeforeReset)} of silence and no longer ` +
      `knows the ` +
      'connection: an idle timeout or a restart (half-open, RFC 9293 3.5.1)'
    );
  return (
    'its program ended the connection at once: SO_LINGER 0, unread data at close, or ' +
    'it crashed (RFC 9293 3.10.5)'
  );
}

const IDLE = 5e9;

export const isForged = (own: Direction): boolean =>
  own.rstFrame > 0 && own.packets > own.resets && own.ttl > 0 && own.rstTtl !== own.ttl;

const at = (conv: Conversation, time: number): string =>
  `${((time - conv.firstTime) / 1e9).toFixed(3)} s`;
