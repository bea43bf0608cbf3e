/**
 * Prints captured packets as tcpdump does (version 4.99): its lines for TCP, UDP and ICMP echo,
 * with -S, -v, -x, -X and the forms of the time. Ports and addresses are numbers, as with -n.
 */
import { Headers } from '../capture/headers.js';
import type { CapturedPacket } from '../capture/packet.js';
import { Address } from '../ip/address.js';
import { TCP_HEADER_BYTES } from '../wire/tcp.js';
import { flagsText } from '../wire/flags-text.js';
import { hexLines, type HexStyle } from './hex-dump.js';
import { RelativeNumbers } from './relative-numbers.js';
import { ipText, otherText } from './tcpdump-ip.js';
import { optionsText } from './tcpdump-options.js';
import { checksumText, transportChecksum } from './transport-checksum.js';

/** -t: none; -tt: epoch; -ttt: since the packet before; -tttt: with the date. */
export type TimeStyle = 'clock' | 'none' | 'epoch' | 'delta' | 'date';

export interface TcpdumpStyle {
  readonly time?: TimeStyle;
  /** -S: absolute sequence numbers. */
  readonly absolute?: boolean;
  /** -v: the IP header, on a line of its own for IPv4. */
  readonly verbose?: boolean;
  readonly hex?: HexStyle;
  /** Prints the comments of each packet on lines of their own. */
  readonly comments?: boolean;
  /** Minutes to add to UTC. Default: 0. */
  readonly utcOffset?: number;
}

export class TcpdumpPrinter {
  private readonly style: TcpdumpStyle;
  private readonly headers = new Headers();
  private readonly numbers = new RelativeNumbers();
  /** Of the packet before, for -ttt. */
  private seconds = -1;
  private nanos = 0;

  constructor(style: TcpdumpStyle = {}) {
    this.style = style;
  }

  /** The lines of a packet, without a newline at the end. Call it for each packet, in order. */
  lines(packet: CapturedPacket): string {
    this.headers.read(packet);
    const { hex, comments } = this.style;
    const lines = [`${this.timeText(packet)}${this.packetText(packet)}`];
    if (hex !== undefined) lines.push(...hexLines(ipBytes(packet), hex));
    if (comments === true)
      for (const comment of packet.comments)
        lines.push(...comment.split('\n').map((line) => `    ${line}`));
    return lines.join('\n');
  }

  private timeText({ seconds, nanos }: CapturedPacket): string {
    const { time = 'clock', utcOffset = 0 } = this.style;
    const micros = String(Math.floor(nanos / 1000)).padStart(6, '0');
    if (time === 'none') return '';
    if (time === 'epoch') return `${seconds}.${micros} `;
    if (time === 'delta') return `${this.sinceBefore(seconds, nanos)} `;
    const iso = new Date((seconds + utcOffset * 60) * 1000).toISOString();
    const date = time === 'date' ? `${iso.slice(0, 10)} ` : '';
    return `${date}${iso.slice(11, 19)}.${micros} `;
  }

  private sinceBefore(seconds: number, nanos: number): string {
    const micros = Math.floor(nanos / 1000);
    const total =
      this.seconds < 0
        ? 0
        : (seconds - this.seconds) * 1_000_000 + micros - Math.floor(this.nanos / 1000);
    this.seconds = seconds;
    this.nanos = nanos;
    const size = Math.abs(total);
    const clock = new Date(Math.floor(size / 1_000_000) * 1000).toISOString().slice(11, 19);
    return `${total < 0 ? '-' : ' '}${clock}.${String(size % 1_000_000).padStart(6, '0')}`;
  }

  private packetText(packet: CapturedPacket): string {
    const h = this.headers;
    if (h.version === 0) return `unknown, length ${packet.originalLength}`;
    const name = h.version === 4 ? 'IP' : 'IP6';
    const transport = this.transportText(packet);
    if (this.style.verbose !== true) return `${name} ${transport}`;
    return `${name} ${ipText(packet, h)}${h.version === 4 ? '\n    ' : ' '}${transport}`;
  }

  private transportText(packet: CapturedPacket): string {
    const h = this.headers;
    const source = sourceOf(h);
    const destination = destinationOf(h);
    if (h.isTcp) {
      const ends = `${source}.${h.sourcePort} > ${destination}.${h.destinationPort}`;
      return `${ends}: ${this.tcpText(packet)}`;
    }
    if (h.isUdp) {
      const sum = this.style.verbose === true ? udpSumText(packet, h) : '';
      return (
        `${source}.${h.sourcePort} > ${destination}.${h.destinationPort}: ` +
        `${sum}UDP, length ${h.payloadLength}`
      );
    }
    return `${source} > ${destination}: ${otherText(packet, h, this.style.verbose === true)}`;
  }

  private tcpText(packet: CapturedPacket): string {
    const { bytes } = packet;
    const h = this.headers;
    const at = h.transportOffset;
    const relative = this.style.absolute === true ? null : this.numbers.read(h);
    const seq = (relative?.seq ?? h.seq) >>> 0;
    const ack = (relative?.ack ?? h.ack) >>> 0;
    const flags = flagsText(h.flags);
    const parts = [`Flags [${flags}]`];
    if (this.style.verbose === true) parts.push(...tcpSumText(packet, h));
    if (h.payloadLength > 0) parts.push(`seq ${seq}:${(seq + h.payloadLength) >>> 0}`);
    else if (/[SFR]/.test(flags)) parts.push(`seq ${seq}`);
    if (flags.includes('.')) parts.push(`ack ${ack}`);
    parts.push(`win ${h.window}`);
    if (flags.includes('U')) parts.push(`urg ${h.urgent}`);
    const end = Math.min(at + h.headerBytes, at + TCP_HEADER_BYTES + 40, bytes.length);
    if (h.headerBytes > TCP_HEADER_BYTES) {
      const base = relative?.sackBase ?? 0;
      parts.push(`options [${optionsText(bytes, at + TCP_HEADER_BYTES, end, base)}]`);
    }
    parts.push(`length ${h.payloadLength}`);
    return `${parts.join(', ')}${httpText(packet, h)}`;
  }
}

const addressText = (w0: number, w1: number, w2: number, w3: number): string =>
  Address.fromWords(w0, w1, w2, w3).toString();
const sourceOf = (h: Headers): string => addressText(h.s0, h.s1, h.s2, h.s3);
const destinationOf = (h: Headers): string => addressText(h.d0, h.d1, h.d2, h.d3);

const ipBytes = ({ bytes, offset, capturedLength, ipOffset }: CapturedPacket): Uint8Array =>
  bytes.subarray(ipOffset < 0 ? offset : ipOffset, offset + capturedLength);

function udpSumText(packet: CapturedPacket, h: Headers): string {
  const sum = transportChecksum(packet, h, 6);
  if (sum === null) return '';
  if (sum.found === 0) return '[no cksum] ';
  return sum.found === sum.expected
    ? '[udp sum ok] '
    : `[bad udp cksum ${checksumText(sum.found)} -> ${checksumText(sum.expected)}!] `;
}

function tcpSumText(packet: CapturedPacket, h: Headers): string[] {
  const sum = transportChecksum(packet, h, 16);
  if (sum === null) return [];
  const verdict =
    sum.found === sum.expected ? 'correct' : `incorrect -> ${checksumText(sum.expected)}`;
  return [`cksum ${checksumText(sum.found)} (${verdict})`];
}

const HTTP_PORTS: ReadonlySet<number> = new Set([80, 8080, 3128]);
/** tcpdump's list of methods. */
const METHODS =
  'GET PUT COPY HEAD POST LOCK MOVE BCOPY BMOVE MKCOL TRACE LABEL MERGE DELETE ' +
  'SEARCH UNLOCK REPORT UPDATE NOTIFY BDELETE CONNECT OPTIONS CHECKIN PROPFIND ' +
  'CHECKOUT PROPPATCH SUBSCRIBE';
const HTTP_START = new RegExp(`^(?:${METHODS.replaceAll(' ', '|')}|HTTP/\\d)[^\\r\\n]*`);

/** The first line of a request or an answer: `: HTTP: GET / HTTP/1.1`. */
function httpText({ bytes }: CapturedPacket, h: Headers): string {
  if (h.payloadLength === 0) return '';
  if (!HTTP_PORTS.has(h.sourcePort) && !HTTP_PORTS.has(h.destinationPort)) return '';
  const start = h.transportOffset + h.headerBytes;
  const text = asciiOf(bytes.subarray(start, start + Math.min(h.capturedPayload, MOST_LINE)));
  const [line] = HTTP_START.exec(text) ?? [];
  return line === undefined ? ': HTTP' : `: HTTP: ${line}`;
}

const MOST_LINE = 1024;
const asciiOf = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => String.fromCharCode(b)).join('');
