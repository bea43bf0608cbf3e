import { CommandError, Exit } from './errors.js';

export const LAB_DEVICE = 'tcplab0';

/**
 * Returns `name` if the kernel accepts it for a device. The name is also part of file names, so it
 * must not contain a path. Throws CommandError (2).
 */
export function checkDeviceName(name: string): string {
  if (/^[^\s/:%]{1,15}$/.test(name) && name !== '.' && name !== '..') return name;
  throw new CommandError(
    Exit.usage,
    `'${name}' is not a valid device name: use 1 to 15 characters without spaces, '/', ':' and '%'`,
    `for example --tun ${LAB_DEVICE}`,
  );
}
