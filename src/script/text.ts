/** Packets in the script's own words, for failures: what was expected and what came look alike. */
import { SECOND, type Micros } from '../base/time.js';
import type { TcpOptionSpec } from './ast.js';
import type { DecodedTcp } from './decode.js';
import { FLAG_BITS } from './encode.js';

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
    default:
      return o.kind;
  }
}

export const optionsText = (options: readonly TcpOptionSpec[]): string => `<${options.map(optionText).join(',')}>`;

/** `P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>`, relative to both ISNs. */
export function segmentText(t: DecodedTcp, seqBase: number, ackBase: number): string {
  const seq = (t.seq - seqBase) >>> 0;
  const ack = (t.flags & 16) !== 0 ? ` ack ${(t.ack - ackBase) >>> 0}` : '';
  const urgent = t.urgent !== 0 ? ` urg ${t.urgent}` : '';
  const options = t.options.length > 0 ? ` ${optionsText(t.options)}` : '';
  const end = (seq + t.payloadBytes) >>> 0;
  return `${flagText(t.flags)} ${seq}:${end}(${t.payloadBytes})${ack} win ${t.window}${urgent}${options}`;
}

/** Seconds since the script's start, to the microsecond. */
export const timeText = (t: Micros): string => (t / SECOND).toFixed(6);
