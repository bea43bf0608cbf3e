/** Segments as text: tcpdump's line, and the short form of the live lines. */
import { SECOND, type Micros } from '../base/time.js';
import type { FlowData, SegmentData } from './events.js';

export interface NumberStyle {
  /** Absolute sequence numbers instead of relative ones: tcpdump's -S. */
  readonly absolute?: boolean;
}

/** Seconds with microseconds: `12.003142`. */
export const timeText = (time: Micros): string => (time / SECOND).toFixed(6);

/**
 * The segment as tcpdump prints it after the addresses:
 * `Flags [S.], seq 1861182580, ack 1, win 64240, options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale
 * 7], length 0`.
 */
export function tcpdumpText(s: SegmentData, style: NumberStyle = {}): string {
  const { absolute = false } = style;
  const parts = [`Flags [${s.flags}]`];
  const syn = s.flags.includes('S');
  const first = absolute || syn ? s.seq : s.relSeq;
  if (s.length > 0) parts.push(`seq ${first}:${(first + s.length) % 4_294_967_296}`);
  else if (/[SFR]/.test(s.flags)) parts.push(`seq ${first}`);
  if (s.flags.includes('.')) parts.push(`ack ${absolute ? s.ack : s.relAck}`);
  parts.push(`win ${s.wnd}`);
  if (s.urg !== undefined) parts.push(`urg ${s.urg}`);
  const options = optionsText(s, absolute);
  if (options !== '') parts.push(`options [${options}]`);
  parts.push(`length ${s.length}`);
  return parts.join(', ');
}

/** tcpdump's whole line without the time: `IP 10.0.0.1.51672 > 10.0.0.2.80: Flags [S], ...`. */
export function tcpdumpLine(
  flow: FlowData,
  outgoing: boolean,
  s: SegmentData,
  style: NumberStyle = {},
): string {
  const end = (text: string): string =>
    text.replace(/^\[(.*)\]:(\d+)$/, '$1.$2').replace(/:(\d+)$/, '.$1');
  const [from, to] = outgoing ? [flow.local, flow.remote] : [flow.remote, flow.local];
  const ip = from.startsWith('[') ? 'IP6' : 'IP';
  return `${ip} ${end(from)} > ${end(to)}: ${tcpdumpText(s, style)}`;
}

/** Options in the order in which Linux and this stack write them. */
function optionsText(s: SegmentData, absolute: boolean): string {
  const o = s.options;
  const parts: string[] = [];
  if (o.mss !== undefined) parts.push(`mss ${o.mss}`);
  if (o.sackPermitted === true)
    parts.push(o.timestamps === undefined ? 'nop,nop,sackOK' : 'sackOK');
  if (o.timestamps !== undefined) {
    parts.push(
      `${o.sackPermitted === true ? '' : 'nop,nop,'}TS val ${o.timestamps.val} ecr ` +
        `${o.timestamps.ecr}`,
    );
  }
  if (o.wscale !== undefined) parts.push(`nop,wscale ${o.wscale}`);
  if (o.fastOpen !== undefined)
    parts.push(`tfo  ${cookieText(o.fastOpen)}${paddingText(o.fastOpen)}`);
  if (o.sack !== undefined) parts.push(`nop,nop,sack ${o.sack.length} ${sackText(s, absolute)}`);
  return parts.join(',');
}

/** In tcpdump's words. */
const cookieText = (hex: string): string => (hex === '' ? 'cookiereq' : `cookie ${hex}`);
/** NOPs that pad the option: 2 bytes and a cookie of 0, 4, 8, 12 or 16 bytes. */
const paddingText = (hex: string): string => ((hex.length / 2) % 4 === 0 ? ',nop,nop' : '');

/** `{1449:2897}{5793:7241}`, relative to the same initial sequence number as the ACK. */
function sackText(s: SegmentData, absolute: boolean): string {
  const base = absolute ? 0 : s.ack - s.relAck;
  const edge = (n: number): number => (n - base) >>> 0;
  return (s.options.sack ?? []).map(([left, right]) => `{${edge(left)}:${edge(right)}}`).join('');
}

/** `[S.] seq=0 ack=1 win=65535 <mss 1460,sackOK,ws 7>`: relative numbers, scaled window. */
export function compactText(s: SegmentData): string {
  const parts = [`[${s.flags}]`, `seq=${s.relSeq}`];
  if (s.flags.includes('.')) parts.push(`ack=${s.relAck}`);
  parts.push(`win=${s.window}`);
  if (s.length > 0) parts.push(`len=${s.length}`);
  if (s.urg !== undefined) parts.push(`urg=${s.urg}`);
  if (s.ce === true) parts.push('CE');
  const options = compactOptions(s);
  if (options !== '') parts.push(`<${options}>`);
  return parts.join(' ');
}

/**
 * The options that matter in a handshake. Timestamps are shown in SYNs only, because every segment
 * has them.
 */
export function compactOptions(s: SegmentData): string {
  const o = s.options;
  const parts: string[] = [];
  if (o.mss !== undefined) parts.push(`mss ${o.mss}`);
  if (o.sackPermitted === true) parts.push('sackOK');
  if (o.timestamps !== undefined && s.flags.includes('S')) parts.push('TS');
  if (o.wscale !== undefined) parts.push(`ws ${o.wscale}`);
  if (o.fastOpen !== undefined) parts.push(`tfo ${cookieText(o.fastOpen)}`);
  if (o.sack !== undefined) parts.push(`sack ${sackText(s, false)}`);
  return parts.join(',');
}

/** Full names: `SYN, ACK`. */
export function flagNames(flags: string): string {
  const names: Readonly<Record<string, string>> = {
    S: 'SYN',
    F: 'FIN',
    R: 'RST',
    P: 'PSH',
    U: 'URG',
    E: 'ECE',
    W: 'CWR',
    e: 'AE',
    '.': 'ACK',
  };
  return flags === 'none'
    ? 'no flag'
    : [...flags].map((letter) => names[letter] ?? letter).join(', ');
}
