/** tcpdump's words for IP headers, and for what is neither TCP nor UDP. */
import type { Headers } from '../capture/headers.js';
import type { CapturedPacket } from '../capture/packet.js';
import { get16, get32 } from '../wire/bytes.js';
import { checksumText, transportChecksum } from './transport-checksum.js';

const ECHO: Readonly<Record<number, string>> = { 0: 'reply', 8: 'request' };
/** ICMPv6 types (IANA) with tcpdump's words. */
const ICMP6: Readonly<Record<number, string>> = {
  128: 'echo request',
  129: 'echo reply',
  133: 'router solicitation',
  134: 'router advertisement',
  135: 'neighbor solicitation',
  136: 'neighbor advertisement',
};
const PROTOCOL_NAMES: Readonly<Record<number, string>> = {
  1: 'ICMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
};
const ECN_NAMES = ['', 'ECT(1)', 'ECT(0)', 'CE'];

/** tcpdump -v: the fields of the IP header. */
export function ipText({ bytes, ipOffset: at }: CapturedPacket, h: Headers): string {
  const protocol = `${PROTOCOL_NAMES[h.protocol] ?? 'unknown'} (${h.protocol})`;
  if (h.version === 6) {
    const word = get32(bytes, at);
    const flowLabel = word & 0xfffff;
    const parts: string[] = [];
    if (h.tos !== 0) parts.push(`class 0x${h.tos.toString(16).padStart(2, '0')}`);
    if (flowLabel !== 0) parts.push(`flowlabel 0x${flowLabel.toString(16).padStart(5, '0')}`);
    parts.push(`hlim ${h.ttl}`);
    const length = get16(bytes, at + 4);
    return `(${parts.join(', ')}, next-header ${protocol} payload length: ${length})`;
  }
  const ecn = h.tos & 3;
  const flags =
    [h.dontFragment ? 'DF' : '', h.moreFragments ? '+' : ''].filter((f) => f !== '').join(', ') ||
    'none';
  return (
    `(tos 0x${h.tos.toString(16)}${ecn === 0 ? '' : `,${ECN_NAMES[ecn]!}`}, ttl ${h.ttl}, ` +
    `id ${h.id}, offset ${h.fragmentOffset}, flags [${flags}], proto ${protocol}, ` +
    `length ${get16(bytes, at + 2)})`
  );
}

/** `verbose`: with the verdict on the checksum. */
export function otherText(packet: CapturedPacket, h: Headers, verbose: boolean): string {
  const { bytes } = packet;
  const at = h.transportOffset;
  if (at >= 0 && h.protocol === 1) {
    const length = `length ${h.transportLength}`;
    const kind = ECHO[h.icmpType];
    return kind === undefined
      ? `ICMP type-#${h.icmpType}, code ${h.icmpCode}, ${length}`
      : `ICMP echo ${kind}, ${echoText(bytes, at)}, ${length}`;
  }
  if (at >= 0 && h.protocol === 58) {
    const sum = verbose ? icmp6SumText(packet, h) : '';
    const kind = ICMP6[h.icmpType] ?? `type-#${h.icmpType}`;
    const length = `length ${h.transportLength}`;
    if (h.icmpType !== 128 && h.icmpType !== 129) return `${sum}ICMP6, ${kind}, ${length}`;
    // With -v tcpdump prints no length here.
    return `${sum}ICMP6, ${kind}, ${echoText(bytes, at)}${verbose ? '' : `, ${length}`}`;
  }
  if (h.fragmentOffset > 0) return PROTOCOL_NAMES[h.protocol]?.toLowerCase() ?? 'ip';
  return `ip-proto-${h.protocol} ${h.transportLength}`;
}

const echoText = (bytes: Uint8Array, at: number): string =>
  `id ${get16(bytes, at + 4)}, seq ${get16(bytes, at + 6)}`;

function icmp6SumText(packet: CapturedPacket, h: Headers): string {
  const sum = transportChecksum(packet, h, 2);
  if (sum === null) return '';
  return sum.found === sum.expected
    ? '[icmp6 sum ok] '
    : `[bad icmp6 cksum ${checksumText(sum.found)} -> ${checksumText(sum.expected)}!] `;
}
