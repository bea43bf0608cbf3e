/** Which addresses a stack can have: unicast addresses that the kernel does not own. */
import { networkInterfaces } from 'node:os';
import { Address, type Prefix } from '../../ip/address.js';
import { CommandError, Exit } from './errors.js';

/**
 * Why a host cannot have this address; null if it can (RFC 1122 section 3.2.1.3, RFC 4291 section
 * 2).
 */
export function addressProblem(p: Prefix): string | null {
  const a = p.address;
  return a.version === 4 ? problem4(p, a.w3 >>> 24) : problem6(a);
}

function problem4(p: Prefix, firstByte: number): string | null {
  const { w3 } = p.address;
  if (firstByte === 0) return 'it stands for "this host", which has no address yet';
  if (firstByte === 127) return 'it is a loopback address, which never leaves a host';
  if (w3 === -1) return 'it is the broadcast address';
  if (firstByte >= 240) return 'it is reserved';
  if (firstByte >= 224) return 'it is a multicast group, not a host';
  if (p.broadcast?.w3 === w3) return `it is the broadcast address of ${p.toString()}`;
  if (p.bits < 31 && (w3 & (-1 >>> p.bits)) === 0)
    return `it is the network ${p.toString()} itself, not a host in it`;
  return null;
}

function problem6(a: Address): string | null {
  if (a.w0 >>> 24 === 0xff) return 'it is a multicast group, not a host';
  if (a.w0 !== 0 || a.w1 !== 0 || a.w2 !== 0) return null;
  if (a.w3 === 0) return 'it stands for "no address"';
  return a.w3 === 1 ? 'it is the loopback address, which never leaves a host' : null;
}

/** Throws CommandError (2) for an address that a host cannot have, and for a repeated one. */
export function checkAddresses(prefixes: readonly Prefix[]): void {
  for (const [i, p] of prefixes.entries()) {
    const text = p.address.toString();
    const problem = addressProblem(p);
    const fix =
      'for example --address ' +
      `${p.address.version === 4 ? '198.18.0.2/24' : 'fd74:6370:6c61:62::2/64'}`;
    if (problem !== null)
      throw new CommandError(Exit.usage, `${text} cannot be the stack's address: ${problem}`, fix);
    if (prefixes.findIndex((q) => q.address.equals(p.address)) !== i)
      throw new CommandError(
        Exit.usage,
        `--address ${text} is given twice`,
        'give each address once',
      );
  }
}

/** The kernel's device that has this address, in this network namespace; null if there is none. */
export function kernelOwner(a: Address): string | null {
  for (const [name, list] of Object.entries(networkInterfaces()))
    for (const { address } of list ?? [])
      if (Address.parse(address.replace(/%.*/, '')).equals(a)) return name;
  return null;
}

/**
 * Throws CommandError (2) if the kernel owns one of the addresses, because the kernel would then
 * process the packets itself and the stack would never see them.
 */
export function requireNotTheKernels(prefixes: readonly Prefix[]): void {
  for (const { address } of prefixes) {
    const owner = kernelOwner(address);
    if (owner === null) continue;
    throw new CommandError(
      Exit.usage,
      `${address.toString()} is the kernel's own address on ${owner}, so the kernel would ` +
        'answer instead of the stack',
      'choose another address of that network, or: sudo ip address delete ' +
        `${address.toString()} dev ${owner}`,
    );
  }
}
