import { describe, expect, it } from 'vitest';
import { classifyError, IcmpError } from '../../src/ip/icmp-error.js';
import { Icmp4, Icmp6, IcmpMessage, Unreachable4, Unreachable6 } from '../../src/wire/icmp.js';

function classified(version: 4 | 6, type: number, code: number, rest = 0): [boolean, IcmpError] {
  const m = new IcmpMessage();
  Object.assign(m, { type, code, rest, id: rest >>> 16, seq: rest & 0xffff });
  const out = Object.assign(new IcmpError(), { errno: 'left over', hard: true, mtu: 99 });
  return [classifyError(m, version, out), out];
}

describe('an ICMP error gets the errno that Linux gives it', () => {
  const { destinationUnreachable: unreachable } = Icmp4;
  it.each([
    [unreachable, Unreachable4.net, 'ENETUNREACH', false],
    [unreachable, Unreachable4.host, 'EHOSTUNREACH', false],
    [unreachable, Unreachable4.protocol, 'ENOPROTOOPT', true],
    [unreachable, Unreachable4.port, 'ECONNREFUSED', true],
    [unreachable, Unreachable4.sourceRouteFailed, 'EOPNOTSUPP', false],
    [unreachable, Unreachable4.hostUnknown, 'EHOSTDOWN', true],
    [unreachable, Unreachable4.communicationProhibited, 'EHOSTUNREACH', true],
    [unreachable, Unreachable4.precedenceCutoff, 'EHOSTUNREACH', true],
    [unreachable, 16, '', false],
    [Icmp4.timeExceeded, 0, 'EHOSTUNREACH', false],
    [Icmp4.parameterProblem, 0, 'EPROTO', false],
    [Icmp4.sourceQuench, 0, '', false],
    [Icmp4.redirect, 1, '', false],
  ])('ICMPv4 type %d, code %d: "%s", hard: %s', (type, code, errno, hard) => {
    expect(classified(4, type, code)).toEqual([
      true,
      expect.objectContaining({ type, code, errno, hard, mtu: 0 }),
    ]);
  });

  it.each([
    [Icmp6.destinationUnreachable, Unreachable6.noRoute, 'ENETUNREACH', false],
    [Icmp6.destinationUnreachable, Unreachable6.prohibited, 'EACCES', true],
    [Icmp6.destinationUnreachable, Unreachable6.address, 'EHOSTUNREACH', false],
    [Icmp6.destinationUnreachable, Unreachable6.port, 'ECONNREFUSED', true],
    [Icmp6.destinationUnreachable, Unreachable6.rejectRoute, 'EACCES', true],
    [Icmp6.destinationUnreachable, 7, '', false],
    [Icmp6.timeExceeded, 0, 'EHOSTUNREACH', false],
    [Icmp6.parameterProblem, 1, 'EPROTO', false],
  ])('ICMPv6 type %d, code %d: "%s", hard: %s', (type, code, errno, hard) => {
    expect(classified(6, type, code)).toEqual([
      true,
      expect.objectContaining({ type, code, errno, hard, mtu: 0 }),
    ]);
  });

  it('the MTU of the next hop has 16 bits in RFC 1191 and 32 in RFC 4443', () => {
    const needed = classified(
      4,
      unreachable,
      Unreachable4.fragmentationNeeded,
      (0xdead << 16) | 1400,
    );
    expect(needed).toEqual([
      true,
      expect.objectContaining({ errno: 'EMSGSIZE', hard: false, mtu: 1400 }),
    ]);
    const tooBig = classified(6, Icmp6.packetTooBig, 0, -1);
    expect(tooBig).toEqual([
      true,
      expect.objectContaining({ errno: 'EMSGSIZE', hard: false, mtu: 0xffff_ffff }),
    ]);
  });

  it.each([
    [4, Icmp4.echo],
    [4, Icmp4.echoReply],
    [4, 13],
    [6, Icmp6.echoRequest],
    [6, Icmp6.routerSolicitation],
    [6, Icmp6.redirect],
    [6, 100],
  ] as const)('ICMPv%d type %d is not an error', (version, type) => {
    expect(classified(version, type, 0)[0]).toBe(false);
  });
});
