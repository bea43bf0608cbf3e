/**
 * Addresses of system calls:
 * `{sa_family = AF_INET, sin_port = htons(8080), sin_addr = inet_addr("192.0.2.1")}`, or `...` for
 * the script's own.
 */
import { Address } from '../../ip/address.js';
import type { Expression } from './ast.js';
import { CONSTANTS } from './constants.js';
import { numberOf, Unsupported } from './values.js';

/** A null field is not given in the script. */
export interface SocketAddress {
  readonly family: number | null;
  readonly port: number | null;
  readonly address: Address | null;
}

const UNSAID: SocketAddress = { family: null, port: null, address: null };

/** The address in a call. Throws Unsupported if any part of it is not supported. */
export function socketAddressOf(e: Expression | undefined): SocketAddress {
  if (e === undefined || e.kind === 'any' || isNull(e)) return UNSAID;
  if (e.kind !== 'struct') throw new Unsupported(`a ${e.kind} where an address was expected`);
  let said = UNSAID;
  for (const { name, value } of e.fields) {
    if (/^(?:sa|sin|sin6)_family$/.test(name)) said = { ...said, family: numberOf(value) };
    else if (/^sin6?_port$/.test(name)) said = { ...said, port: numberOf(value) };
    else if (/^sin6?_addr$/.test(name)) said = { ...said, address: ipAddressOf(value) };
    else if (name === '' && value.kind === 'apply' && value.name === 'inet_pton')
      said = { ...said, address: ipAddressOf(value) };
    else if (/^sin6_(?:flowinfo|scope_id)$/.test(name) && (numberOf(value) ?? 0) === 0) continue;
    else
      throw new Unsupported(
        `an address with ${name === '' ? 'a value without a name' : `the field '${name}'`}`,
      );
  }
  return said;
}

function ipAddressOf(e: Expression): Address | null {
  if (e.kind === 'any') return null;
  if (e.kind === 'symbol' && e.name === 'INADDR_ANY') return Address.v4(0);
  if (e.kind === 'apply' && e.name === 'inet_addr') return parsed(e.args[0]);
  // inet_pton(AF_INET6, "2001:db8::1")
  if (e.kind === 'apply' && e.name === 'inet_pton') return parsed(e.args[1]);
  throw new Unsupported(
    'an IP address must be inet_addr("..."), inet_pton(family, "...") or INADDR_ANY',
  );
}

function parsed(e: Expression | undefined): Address {
  if (e?.kind !== 'string') throw new Unsupported('an IP address must be a quoted string');
  try {
    return Address.parse(e.value);
  } catch {
    throw new Unsupported(`'${e.value}' is not an IP address`);
  }
}

/** `NULL`, or `nil`. */
export const isNull = (e: Expression | undefined): boolean =>
  e?.kind === 'symbol' && (e.name === 'NULL' || e.name === 'nil');

/** `connect(fd, AF_UNSPEC, ...)`. */
export function isUnspecified(e: Expression | undefined): boolean {
  if (e?.kind === 'symbol') return e.name === 'AF_UNSPEC';
  return e?.kind === 'struct' && socketAddressOf(e).family === CONSTANTS['AF_UNSPEC'];
}

/** True if the script gives an address and it is another one. */
export const differs = (said: Address | null, address: Address): boolean =>
  said !== null && !said.equals(address);

export const familyOf = (version: 4 | 6): number =>
  CONSTANTS[version === 4 ? 'AF_INET' : 'AF_INET6']!;

/** `192.0.2.1 port 8080`, with `any` for a part that is not given. */
export const addressText = ({ address, port }: SocketAddress): string =>
  `${address?.toString() ?? 'any'} port ${port ?? 'any'}`;
