/** A sent packet in words, for a divergence. */
import { Slab } from '../base/slab.js';
import { readPacket } from '../observe/packet-text.js';
import { flagsText } from '../wire/flags-text.js';
import { Segment } from '../wire/tcp.js';
import type { SentHeaders } from './packets.js';

/** `198.18.0.2:80 > 198.18.0.1:4711 [S.] seq 1 ack 2 win 3, 60 bytes`; numbers are absolute. */
export function sentText({ bytes, length }: SentHeaders): string {
  const segment = new Segment();
  const { source, destination, protocol } = readPacket(new Slab(bytes), 0, bytes.length, segment);
  const ends = `${source} > ${destination}`;
  if (protocol !== 'TCP' || source === '?') return `${ends} ${protocol}, ${length} bytes`;
  const flags = flagsText(segment.flags);
  return (
    `${ends} [${flags}] seq ${segment.seq >>> 0} ack ${segment.ack >>> 0} win ${segment.wnd}, ` +
    `${length} bytes, headers ${hex(bytes)}`
  );
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
