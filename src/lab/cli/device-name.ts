import { CommandError, Exit } from './errors.js';

export const LAB_DEVICE = 'tcplab0';

/**
 * What the kernel takes for a device's name: it also names files, so nothing in it may lead
 * elsewhere.
 */
export function checkDeviceName(name: string): string {
  if (/^[^\s/:%]{1,15}$/.test(name) && name !== '.' && name !== '..') return name;
  throw new CommandError(
    Exit.usage,
    `'${name}' cannot be the name of a device: 1 to 15 characters without spaces, '/', ':' and '%'`,
    `for example --tun ${LAB_DEVICE}`,
  );
}
