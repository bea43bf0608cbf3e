/**
 * Packets: `< [ce] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 100 ecr 200>`,
 * `< icmp unreachable frag_needed mtu 1200 [1:1461(1460)]`.
 */
import type {
  AccEcnField,
  IcmpAction,
  IpInfo,
  PacketAction,
  Place,
  TcpOptionSpec,
  Way,
} from './ast.js';
import { encodeOptions, isAccEcnOrder, MOST_OPTION_BYTES } from './option-codec.js';
import { NAME, NUMBER, type Scanner } from './scanner.js';

/** A digit from 0 to 7 is the three bits of ACE (RFC 9768). */
const FLAGS = /(?:[SFRPUEWA.0-7]+|-)(?=\s)/y;
const ACC_ECN_FIELD = /(?:e0b|ceb|e1b)\b/y;
const MAX_16 = 0xffff;
const MAX_24 = 0xff_ffff;
const MAX_32 = 0xffff_ffff;
/** Most bytes of payload: IPv4's total length without the headers of IP and TCP. */
const MOST_PAYLOAD = MAX_16 - 20 - 20;
const UNSUPPORTED = /(?:udp|gre|mpls|ipv4|ipv6|psp|sctp)\b/y;

export function parsePacket(s: Scanner, place: Place, way: Way): PacketAction | IcmpAction {
  const ip = parseIpInfo(s);
  const other = s.take(UNSUPPORTED);
  if (other !== null)
    s.unknown(
      `'${other[0]}' packets are not supported: TCP and ICMP are`,
      s.placeOf(s.at - other[0].length),
    );
  if (s.take(/icmp\b/y) !== null) return parseIcmp(s, place, way, ip);
  const portsPlace = s.place();
  const ports = s.take(/(\d+)\s*>\s*(\d+)(?=\s)/y);
  if (ports !== null && (Number(ports[1]) > MAX_16 || Number(ports[2]) > MAX_16))
    s.failAt(`expected ports from 0 to ${MAX_16}, found '${ports[0]}'`, portsPlace);
  const flags = s.need(
    FLAGS,
    'the flags of a TCP segment (letters S F R P U E W A, . for ACK, 0 to 7 for ACE, - for ' +
      'none) or icmp',
  )[0];
  const rangePlace = s.place();
  const { seq, bytes } = parseRange(s);
  let ack: number | null = null;
  let window: number | null = null;
  let urgent: number | null = null;
  if (s.take(/ack\b/y)) ack = number(s, 'an acknowledgment number', MAX_32);
  if (s.take(/win\b/y)) window = number(s, 'a window', MAX_16);
  if (s.take(/urg\b/y)) urgent = number(s, 'an urgent pointer', MAX_16);
  if (way === 'in' && ip.ecn === 'ect01')
    s.failAt("'ect01' is for expected packets only; an inbound packet has ect0 or ect1", place);
  const options = parseOptions(s);
  const most = MOST_PAYLOAD - encodeOptions(options ?? []).length;
  if (way === 'in' && bytes > most)
    s.failAt(
      `${bytes} bytes do not fit into an IP packet; with these options the most is ${most}`,
      rangePlace,
    );
  return {
    type: 'packet',
    place,
    way,
    ip,
    ports: ports === null ? null : { source: Number(ports[1]), destination: Number(ports[2]) },
    flags: flags === '-' ? '' : flags,
    seq,
    bytes,
    ack,
    window,
    urgent,
    options,
  };
}

/** `[ect0,ttl 64]` or `(tos 0x10)`. */
function parseIpInfo(s: Scanner): IpInfo {
  const info: { -readonly [K in keyof IpInfo]: IpInfo[K] } = {
    ecn: null,
    tos: null,
    ttl: null,
    flowLabel: null,
  };
  const close = s.takeText('[') ? ']' : s.takeText('(') ? ')' : null;
  if (close === null) return info;
  do {
    const ecn = s.take(/(?:noecn|ect01|ect0|ect1|ce)\b/y);
    if (ecn !== null) info.ecn = ecn[0] as NonNullable<IpInfo['ecn']>;
    else if (s.take(/tos\b/y)) info.tos = number(s, 'a TOS byte', 255);
    else if (s.take(/ttl\b/y)) info.ttl = number(s, 'a TTL', 255);
    else if (s.take(/flowlabel\b/y)) info.flowLabel = number(s, 'a flow label', 0xfffff);
    else s.fail("expected noecn, ect0, ect1, ect01, ce, 'tos N', 'ttl N' or 'flowlabel N'");
  } while (s.takeText(','));
  s.expect(close, 'after the fields of the IP header');
  return info;
}

/** `1:1001(1000)`; the end must be start + length. */
function parseRange(s: Scanner): { seq: number; bytes: number } {
  const place = s.place();
  const match = s.need(
    /(\d+):(\d+)\((\d+)\)|(\d+)\((\d+)\)/y,
    'sequence numbers, for example 1:1001(1000)',
  );
  const first = match[1] ?? match[4]!;
  if (Number(first) > MAX_32)
    s.failAt(`expected a sequence number below 2^32, found '${first}'`, place);
  const seq = Number(first);
  const bytes = Number(match[3] ?? match[5]);
  if (bytes > MAX_32) s.failAt(`expected a length below 2^32, found '${bytes}'`, place);
  if (match[2] !== undefined && (seq + bytes) % 2 ** 32 !== Number(match[2])) {
    s.failAt(
      `${match[0]}: ${seq} and ${bytes} bytes make ${(seq + bytes) % 2 ** 32}, not ${match[2]}`,
      place,
    );
  }
  return { seq, bytes };
}

/** A number from 0 to `most`. */
function number(s: Scanner, what: string, most: number): number {
  const place = s.place();
  const text = s.need(NUMBER, what)[0];
  const value = Number(text);
  // NaN stands for -0x...; fields are never negative.
  if (!(value >= 0 && value <= most))
    s.failAt(`expected ${what} from 0 to ${most}, found '${text}'`, place);
  return value;
}

function parseOptions(s: Scanner): readonly TcpOptionSpec[] | null {
  // A '<' on the next line can begin an event only after a time, so this one begins the options.
  if (!s.takeText('<')) return [];
  if (s.takeText('...')) {
    s.expect('>', "after '<...'");
    return null;
  }
  const options: TcpOptionSpec[] = [];
  if (s.takeText('>')) return options;
  const place = s.place();
  do options.push(parseOption(s));
  while (s.takeText(','));
  s.expect('>', 'after the TCP options');
  const { length } = encodeOptions(options);
  if (length > MOST_OPTION_BYTES)
    s.failAt(
      `these options take ${length} bytes, but a header has room for ${MOST_OPTION_BYTES} only`,
      place,
    );
  return options;
}

function parseOption(s: Scanner): TcpOptionSpec {
  const place = s.place();
  const name = s.need(
    NAME,
    'a TCP option: mss, nop, eol, wscale, sackOK, sack, TS, FO, FOEXP, md5 or ECN',
  )[0];
  switch (name) {
    case 'mss':
    case 'wscale':
      return {
        kind: name,
        value: number(s, `the value of ${name}`, name === 'mss' ? MAX_16 : 255),
      };
    case 'nop':
    case 'eol':
    case 'sackOK':
      return { kind: name };
    case 'sack': {
      const blocks: [number, number][] = [];
      while (s.ahead(/\d+:/y)) {
        const left = number(s, 'the left edge of a SACK block', MAX_32);
        s.expect(':', 'between the edges of a SACK block');
        blocks.push([left, number(s, 'the right edge of a SACK block', MAX_32)]);
      }
      if (blocks.length === 0) s.fail('expected SACK blocks, for example sack 1001:2001');
      return { kind: name, blocks };
    }
    case 'TS': {
      s.expect('val', "after 'TS'");
      const val = number(s, 'TSval', MAX_32);
      s.expect('ecr', 'after TSval');
      return { kind: name, val, ecr: number(s, 'TSecr', MAX_32) };
    }
    case 'FO':
    case 'FOEXP':
      return { kind: name, cookie: hex(s, 'a cookie') };
    case 'md5': {
      const digestPlace = s.place();
      const digest = hex(s, 'a digest');
      if (digest.length !== 32)
        s.failAt(`expected a digest of 16 bytes, which are 32 digits in hex`, digestPlace);
      return { kind: name, digest };
    }
    case 'ECN':
      return parseAccEcn(s);
    default:
      return s.unknown(`the TCP option '${name}' is not supported`, place);
  }
}

/** Bytes in hex, two digits each; '' for none. */
function hex(s: Scanner, what: string): string {
  const place = s.place();
  const text = s.take(/\w+/y)?.[0] ?? '';
  // The command line may define a script's cookies.
  if (/^[A-Z]\w*_\w+$/.test(text))
    s.unknown(`${text} has no value: define it with -D ${text}=VALUE`, place);
  if (!/^(?:[0-9a-f]{2})*$/i.test(text))
    s.failAt(`expected ${what} in hex, two digits a byte, found '${text}'`, place);
  return text.toLowerCase();
}

/** `ECN e1b 1 ceb 0 e0b 1`. */
function parseAccEcn(s: Scanner): TcpOptionSpec {
  const place = s.place();
  const counts: [AccEcnField, number][] = [];
  for (let m = s.take(ACC_ECN_FIELD); m !== null; m = s.take(ACC_ECN_FIELD))
    counts.push([m[0] as AccEcnField, number(s, `the count of ${m[0]}`, MAX_24)]);
  if (counts.length === 0 || counts.length > 3 || !isAccEcnOrder(counts.map(([field]) => field)))
    s.failAt('expected one to three counts, from the left: e0b ceb e1b, or e1b ceb e0b', place);
  return { kind: 'ECN', counts };
}

function parseIcmp(s: Scanner, place: Place, way: Way, ip: IpInfo): IcmpAction {
  const icmpType = s.need(NAME, 'the type of an ICMP message, for example unreachable')[0];
  let code = '';
  let mtu: number | null = null;
  if (!s.next('mtu') && !s.next('[')) code = s.take(NAME)?.[0] ?? s.take(NUMBER)?.[0] ?? '';
  if (s.take(/mtu\b/y)) mtu = number(s, 'an MTU', MAX_32);
  let quoted: IcmpAction['quoted'] = null;
  if (s.takeText('[')) {
    const quotedPlace = s.place();
    quoted = parseRange(s);
    if (quoted.bytes > MOST_PAYLOAD)
      s.failAt(`${quoted.bytes} bytes do not fit into an IP packet`, quotedPlace);
    s.expect(']', 'after the quoted sequence numbers');
  }
  return { type: 'icmp', place, way, ip, icmpType, code, mtu, quoted };
}
