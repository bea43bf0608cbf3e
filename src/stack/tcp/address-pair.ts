/**
 * May a packet go from `local` to `remote`? What a user asks for is checked here, before it is a
 * packet.
 */
import { StackError } from '../../base/errors.js';
import type { Address } from '../../ip/address.js';

/** Throws StackError EINVAL. `local` is an address of the stack; `isOwn`: so is `remote`. */
export function checkPair(local: Address, remote: Address, isOwn: boolean): void {
  if (local.version !== remote.version) {
    throw new StackError(
      'EINVAL',
      `${local.toString()} is an IPv${local.version} address and cannot speak to ` +
        `${remote.toString()}, one of IPv${remote.version}`,
    );
  }
  // RFC 1122 section 3.2.1.3 (g), RFC 4291 section 2.5.3: loopback addresses never leave the host.
  if (local.isLoopback && !isOwn) {
    throw new StackError(
      'EINVAL',
      `${local.toString()} is loopback and cannot speak to ${remote.toString()}, another host`,
    );
  }
}
