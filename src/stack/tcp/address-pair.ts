/** Checks the addresses that a user passes, before any packet is made. */
import { StackError } from '../../base/errors.js';
import type { Address } from '../../ip/address.js';

/**
 * Throws StackError EINVAL if packets from `local` must not be sent to `remote`. `local` must be an
 * address of the stack; `isOwn`: `remote` is one, too.
 */
export function checkPair(local: Address, remote: Address, isOwn: boolean): void {
  if (local.version !== remote.version) {
    throw new StackError(
      'EINVAL',
      `${local.toString()} is an IPv${local.version} address and cannot send to ` +
        `${remote.toString()}, an IPv${remote.version} address`,
    );
  }
  // RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3: loopback addresses must not leave the
  // host.
  if (local.isLoopback && !isOwn) {
    throw new StackError(
      'EINVAL',
      `${local.toString()} is a loopback address and cannot send to another host, ` +
        remote.toString(),
    );
  }
}
