/** How the connection was opened (RFC 9293 section 3.5). */
import { Completeness, type Conversation } from '../conversation.js';
import { type Direction, SCALE_NONE } from '../direction.js';
import { duration, other } from './names.js';

export function handshakeOf(conv: Conversation): string[] {
  const { client } = conv;
  const c = conv.directions[client];
  const s = conv.directions[other(client)];
  if (!c.hasSyn && !s.hasSyn)
    return [
      'The capture began after the connection: MSS, window scale and SACK are unknown, and ' +
        'windows ' +
        'are shown unscaled.',
    ];
  const lines: string[] = [];
  if (c.hasSyn) lines.push(`SYN of the client (frame ${c.synFrame}): ${optionsOf(c)}.`);
  else lines.push('The SYN is not in the capture, its answer is.');
  if (c.syns > 1)
    lines.push(
      `The SYN was sent ${c.syns} times, because no answer came (RFC 6298 5.7: first after 1 s).`,
    );
  if (s.hasSyn) {
    lines.push(`SYN,ACK of the server (frame ${s.synFrame}): ${optionsOf(s)}.`);
    if (s.syns > 1) lines.push(`The SYN,ACK was sent ${s.syns} times: it, or its ACK, was lost.`);
    lines.push(...agreed(c, s));
  } else if (s.rstFrame > 0) {
    lines.push(`The server answered with a RST (frame ${s.rstFrame}): connection refused.`);
  } else lines.push('No answer to the SYN is in the capture.');
  if (conv.initialRtt > 0) lines.push(roundTripOf(conv));
  else if (s.hasSyn && (conv.completeness & Completeness.ack) === 0)
    lines.push('The ACK that ends the handshake is not in the capture.');
  return lines;
}

function optionsOf(d: Direction): string {
  const parts = [d.mss > 0 ? `MSS ${d.mss}` : 'no MSS option (536 for IPv4, RFC 9293 3.7.1)'];
  if (d.scaleSent >= 0) parts.push(`window scale ${d.scaleSent} (x${1 << d.scaleSent})`);
  else parts.push('no window scale');
  parts.push(d.sackPermitted ? 'SACK' : 'no SACK', d.timestamps ? 'timestamps' : 'no timestamps');
  return parts.join(', ');
}

function agreed(c: Direction, s: Direction): string[] {
  if (!c.hasSyn) return [];
  const lines: string[] = [];
  if (c.scale === SCALE_NONE)
    lines.push(
      'Without window scale on both sides no window is larger than 65,535 bytes (RFC 7323 2).',
    );
  if (!c.sackPermitted || !s.sackPermitted)
    lines.push('Without SACK on both sides each further loss costs a round trip (RFC 2018).');
  if (c.mss > 0 && s.mss > 0 && Math.min(c.mss, s.mss) < 1200)
    lines.push(
      `Segments carry at most ${Math.min(c.mss, s.mss)} bytes: a tunnel, or a middlebox ` +
        `that lowers ` +
        'the MSS (RFC 9293 3.7.1).',
    );
  return lines;
}

/** The two halves of the handshake's round trip say where the capture was made. */
function roundTripOf(conv: Conversation): string {
  const toServer = conv.synAckTime - conv.synTime;
  const toClient = conv.handshakeTime - conv.synAckTime;
  const total = `Round trip of the handshake: ${duration(conv.initialRtt)}`;
  if (!(toServer >= 0) || !(toClient >= 0)) return `${total}.`;
  const place =
    toServer > 4 * toClient
      ? 'so the capture was made near the client'
      : toClient > 4 * toServer
        ? 'so the capture was made near the server'
        : 'so the capture was made between the two, or both are one machine';
  return (
    `${total} (SYN to SYN,ACK ${duration(toServer)}, SYN,ACK to ACK ${duration(toClient)}, ` +
    `${place}).`
  );
}
