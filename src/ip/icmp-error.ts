/**
 * An ICMP error that came in, in terms that transports understand: which errno Linux makes of it,
 * and whether it is hard (RFC 1122 section 4.2.3.9, RFC 4443, Linux's icmp_err_convert). What a
 * transport does with it is its own business.
 */
import {
  Icmp4,
  Icmp6,
  Unreachable4,
  Unreachable6,
  IcmpQuote,
  type IcmpMessage,
} from '../wire/icmp.js';

export class IcmpError extends IcmpQuote {
  type = 0;
  code = 0;
  /** Linux's errno name, or '' for what is to be ignored. */
  errno = '';
  hard = false;
  /**
   * It ends a connection of which no more than a SYN,ACK was sent, as in Linux: of IPv4's those
   * that tell of the path, of IPv6's the hard ones.
   */
  endsHalfOpen = false;
  /** A router has no way to the destination: what RFC 6069 calls a connectivity disruption. */
  isPathDown = false;
  /** The next hop's MTU of fragmentation needed and packet too big, else 0. */
  mtu = 0;
}

/** By code of ICMPv4's Destination Unreachable. */
const UNREACHABLE_4: readonly (readonly [errno: string, hard: boolean])[] = [
  ['ENETUNREACH', false],
  ['EHOSTUNREACH', false],
  ['ENOPROTOOPT', true],
  ['ECONNREFUSED', true],
  ['EMSGSIZE', false],
  ['EOPNOTSUPP', false],
  ['ENETUNREACH', true],
  ['EHOSTDOWN', true],
  ['ENONET', true],
  ['ENETUNREACH', true],
  ['EHOSTUNREACH', true],
  ['ENETUNREACH', false],
  ['EHOSTUNREACH', false],
  ['EHOSTUNREACH', true],
  ['EHOSTUNREACH', true],
  ['EHOSTUNREACH', true],
];

/** By code of ICMPv6's. */
const UNREACHABLE_6: readonly (readonly [errno: string, hard: boolean])[] = [
  ['ENETUNREACH', false],
  ['EACCES', true],
  ['EHOSTUNREACH', false],
  ['EHOSTUNREACH', false],
  ['ECONNREFUSED', true],
  ['EACCES', true],
  ['EACCES', true],
];

/**
 * Fills in what `m` means; the quote is filled in already. False for a message that is no error.
 */
export function classifyError(m: IcmpMessage, version: 4 | 6, out: IcmpError): boolean {
  out.type = m.type;
  out.code = m.code;
  out.errno = '';
  out.hard = false;
  out.endsHalfOpen = false;
  out.isPathDown = false;
  out.mtu = 0;
  return version === 4 ? classify4(m, out) : classify6(m, out);
}

function classify4(m: IcmpMessage, out: IcmpError): boolean {
  switch (m.type) {
    case Icmp4.destinationUnreachable:
      [out.errno, out.hard] = UNREACHABLE_4[m.code] ?? ['', false];
      if (out.errno === 'EMSGSIZE') out.mtu = m.seq; // RFC 1191 section 4
      out.isPathDown = m.code === Unreachable4.net || m.code === Unreachable4.host;
      out.endsHalfOpen = out.isPathDown;
      return true;
    case Icmp4.sourceQuench: // MUST-55: silently ignored (RFC 6633)
    case Icmp4.redirect: // we have one way out
      return true;
    case Icmp4.timeExceeded:
      out.errno = 'EHOSTUNREACH';
      out.endsHalfOpen = true;
      return true;
    case Icmp4.parameterProblem:
      out.errno = 'EPROTO';
      out.endsHalfOpen = true;
      return true;
    default:
      return false;
  }
}

function classify6(m: IcmpMessage, out: IcmpError): boolean {
  switch (m.type) {
    case Icmp6.destinationUnreachable:
      [out.errno, out.hard] = UNREACHABLE_6[m.code] ?? ['', false];
      out.endsHalfOpen = out.hard;
      out.isPathDown = m.code === Unreachable6.noRoute;
      return true;
    case Icmp6.packetTooBig:
      out.errno = 'EMSGSIZE';
      out.mtu = m.rest >>> 0;
      return true;
    case Icmp6.timeExceeded:
      out.errno = 'EHOSTUNREACH';
      return true;
    case Icmp6.parameterProblem:
      out.errno = 'EPROTO';
      out.endsHalfOpen = true;
      return true;
    default:
      return false;
  }
}
