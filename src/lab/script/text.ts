/** Packets in the script's notation, so that a failure shows both packets in the same form. */
import { SECOND, type Micros } from '../../base/time.js';
import type { TcpOptionSpec } from './ast.js';
import { Address } from '../../ip/address.js';
import type { Decoded, DecodedTcp } from './decode.js';
import { FLAG_BITS } from './encode.js';
import type { Bases } from './flow.js';

const FLAG_ORDER = ['S', 'F', 'R', 'P', 'U', 'E', 'W', 'A', '.'];

export const flagText = (bits: number): string => {
  const letters = FLAG_ORDER.filter((l) => (bits & FLAG_BITS[l]!) !== 0).join('');
  return letters === '' ? '-' : letters;
};

export function optionText(o: TcpOptionSpec): string {
  switch (o.kind) {
    case 'mss':
    case 'wscale':
      return `${o.kind} ${o.value}`;
    case 'sack':
      return `sack ${o.blocks.map(([l, r]) => `${l}:${r}`).join(' ')}`;
    case 'TS':
      return `TS val ${o.val} ecr ${o.ecr}`;
    case 'FO':
    case 'FOEXP':
      return o.cookie === '' ? o.kind : `${o.kind} ${o.cookie}`;
    case 'md5':
      return `md5 ${o.digest}`;
    case 'ECN':
      return `ECN ${o.counts.map(([field, n]) => `${field} ${n}`).join(' ')}`;
    case 'other':
      return `option ${o.number}${o.body === '' ? '' : ` ${o.body}`}`;
    default:
      return o.kind;
  }
}

export const optionsText = (options: readonly TcpOptionSpec[]): string =>
  `<${options.map(optionText).join(',')}>`;

/** SACK uses the other side's sequence numbers, as the ACK does. */
export const relativeOption = (o: TcpOptionSpec, base: number): TcpOptionSpec =>
  o.kind === 'sack'
    ? {
        kind: 'sack',
        blocks: o.blocks.map(([left, right]) => [(left - base) >>> 0, (right - base) >>> 0]),
      }
    : o;

/** `P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>`, relative to both ISNs. */
export function segmentText(t: DecodedTcp, { seq: seqBase, ack: ackBase }: Bases): string {
  const seq = (t.seq - seqBase) >>> 0;
  const ack = (t.flags & 16) !== 0 ? ` ack ${(t.ack - ackBase) >>> 0}` : '';
  const urgent = t.urgent !== 0 ? ` urg ${t.urgent}` : '';
  const relative = t.options.map((o) => relativeOption(o, ackBase));
  const options = relative.length > 0 ? ` ${optionsText(relative)}` : '';
  const end = (seq + t.payloadBytes) >>> 0;
  return (
    `${flagText(t.flags)} ${seq}:${end}(${t.payloadBytes})${ack} win ` +
    `${t.window}${urgent}${options}`
  );
}

/** Seconds since the script's start, to the microsecond. */
export const timeText = (t: Micros): string => (t / SECOND).toFixed(6);

/**
 * The packet as tcpdump prints it:
 * `IP 192.0.2.1.32769 > 192.168.0.1.8080: Flags [S.], seq 0, ack 1, win 65535, options [mss 1460],
 * length 0`.
 */
export function packetLine(d: Decoded, { seq: seqBase, ack: ackBase }: Bases): string {
  const [source, destination] = [d.source, d.destination].map(([a, b, c, w]) =>
    (d.version === 4 ? Address.v4(w) : Address.fromWords(a, b, c, w)).toString(),
  );
  const head = d.version === 4 ? 'IP' : 'IP6';
  const { tcp: t } = d;
  if (t === null)
    return `${head} ${source} > ${destination}: protocol ${d.protocol}, length ${d.packetBytes}`;
  const seq = (t.seq - seqBase) >>> 0;
  const parts = [`Flags [${flagText(t.flags)}]`];
  if (t.payloadBytes > 0) parts.push(`seq ${seq}:${(seq + t.payloadBytes) >>> 0}`);
  else if ((t.flags & 7) !== 0) parts.push(`seq ${seq}`);
  if ((t.flags & 16) !== 0) parts.push(`ack ${(t.ack - ackBase) >>> 0}`);
  parts.push(`win ${t.window}`);
  if (t.urgent !== 0) parts.push(`urg ${t.urgent}`);
  const options = t.options.map((o) => optionText(relativeOption(o, ackBase)));
  if (options.length > 0) parts.push(`options [${options.join(',')}]`);
  parts.push(`length ${t.payloadBytes}`);
  return (
    `${head} ${source}.${t.sourcePort} > ${destination}.${t.destinationPort}: ` +
    `${parts.join(', ')}`
  );
}
