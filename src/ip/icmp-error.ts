/**
 * A received ICMP error in terms of the transports: Linux's errno for it, and whether it is hard
 * (RFC 1122 section 4.2.3.9, RFC 4443, Linux's icmp_err_convert). Each transport decides what to do
 * with it.
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
  /** Linux's errno name; '' for an error to be ignored. */
  errno = '';
  hard = false;
  /**
   * It ends a half-open connection, as in Linux. In IPv4 these are network or host unreachable,
   * time exceeded and parameter problem; in IPv6 the hard errors and parameter problem.
   */
  endsHalfOpen = false;
  /** A router has no route to the destination: a connectivity disruption of RFC 6069. */
  isPathDown = false;
  /** Next-hop MTU in bytes from Fragmentation Needed or Packet Too Big; else 0. */
  mtu = 0;
}

/** By code of ICMPv4 Destination Unreachable. */
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

/** By code of ICMPv6 Destination Unreachable. */
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
 * Classifies `m` into `out`, whose quote is filled in already. Returns false if `m` is not an
 * error.
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
    case Icmp4.sourceQuench: // MUST-55: silently discarded (RFC 6633)
    case Icmp4.redirect: // ignored, because there is only one route
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
