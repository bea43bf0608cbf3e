/**
 * How a TUN device is opened: by name, created or attached to, or as a descriptor that another
 * process opened; which flags the kernel accepts, which offloads it grants, and what to do when it
 * refuses.
 */
import { readFileSync } from 'node:fs';
import type { Micros } from '../../base/time.js';
import type { Native } from './native.js';

/** linux/if_tun.h */
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_MULTI_QUEUE = 0x0100;
export const IFF_VNET_HDR = 0x4000;
const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_TSO_ECN = 0x08;

export interface TunOptions {
  /** Attach to it, or create it; '' or absent lets the kernel choose a name. */
  readonly name?: string;
  /** An open descriptor of a TUN, from a process with the right to open it. */
  readonly fd?: number;
  /**
   * Default true: the kernel's, and where it does not grant them 'software': TCP's sums are checked
   * and segments joined on the way in, by the addon, as Linux's GRO does. False: each segment a
   * packet, both ways, and its sum the stack's to check.
   */
  readonly offload?: boolean | 'software';
  readonly multiQueue?: boolean;
  /**
   * Bytes; default: what the device has. A program that sets the device's MTU after opening it
   * gives the future MTU here.
   */
  readonly mtu?: number;
  /** Monotone microseconds. */
  readonly clock: () => Micros;
}

/** An error of a device, with its errno name, as Node gives them. */
export class TunError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Flags of a device that is there must be followed, or the kernel refuses (EINVAL): /sys says them,
 * unless it is another namespace's, as in a private network of `unshare`; then what is left to find
 * out by trying is whether it has several queues.
 */
export function openByName(
  lib: Native,
  o: TunOptions,
  wantVnet: boolean,
): { fd: number; name: string } {
  const name = o.name ?? '';
  const existing = name === '' ? null : existingFlags(name);
  const wanted =
    IFF_TUN |
    IFF_NO_PI |
    (wantVnet ? IFF_VNET_HDR : 0) |
    (o.multiQueue === true ? IFF_MULTI_QUEUE : 0);
  const flags =
    existing === null
      ? wanted
      : IFF_TUN | IFF_NO_PI | (existing & (IFF_VNET_HDR | IFF_MULTI_QUEUE));
  const wishes = [flags];
  if (name !== '' && exists(lib, name)) wishes.push(flags ^ IFF_MULTI_QUEUE);
  else if (wantVnet) wishes.push(flags & ~IFF_VNET_HDR);
  let refused: unknown;
  for (const wish of wishes) {
    try {
      return lib.openTun(name, wish);
    } catch (error) {
      refused ??= error;
      if (codeOf(error) !== 'EINVAL') throw explain(error, name);
    }
  }
  throw explain(refused, name);
}

function exists(lib: Native, name: string): boolean {
  try {
    return lib.linkMtu(name) >= 0;
  } catch {
    return false;
  }
}

export function openByFd(lib: Native, fd: number): { fd: number; name: string } {
  let found: { name: string; flags: number };
  try {
    found = lib.tunInfo(fd);
  } catch (error) {
    throw new TunError(
      codeOf(error),
      `descriptor ${fd} is not an attached TUN device (${codeOf(error)}): open one and hand ` +
        'its number over, or use --tun NAME',
      { cause: error },
    );
  }
  if ((found.flags & (IFF_TUN | IFF_NO_PI)) === (IFF_TUN | IFF_NO_PI))
    return { fd, name: found.name };
  const what =
    (found.flags & IFF_TUN) === 0
      ? 'a TAP, which carries Ethernet frames'
      : 'opened without IFF_NO_PI';
  throw new TunError(
    'EINVAL',
    `descriptor ${fd} is ${what}: open a TUN with IFF_TUN | IFF_NO_PI, or use --tun NAME`,
  );
}

/** /sys/class/net/NAME/tun_flags, or null for a device that is not there or is no TUN. */
function existingFlags(name: string): number | null {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/tun_flags`, 'latin1'));
  } catch {
    return null;
  }
}

/** Checksums and super-segments; ECN's super-segments too where the kernel knows them. */
export function grantOffload(lib: Native, fd: number): boolean {
  for (const extra of [TUN_F_TSO_ECN, 0]) {
    try {
      lib.setOffload(fd, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | extra);
      return true;
    } catch {
      // the next, smaller wish
    }
  }
  return false;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

function explain(error: unknown, name: string): TunError {
  const code = codeOf(error);
  const device = name === '' ? 'a TUN device' : `the TUN device ${name}`;
  const why: Record<string, string> = {
    ENOENT: 'there is no /dev/net/tun: load the driver with `sudo modprobe tun`',
    ENODEV: 'the kernel has no TUN driver: load it with `sudo modprobe tun`',
    ENXIO: 'the kernel has no TUN driver: load it with `sudo modprobe tun`',
    EACCES: 'this user may not open /dev/net/tun: `sudo chmod 0666 /dev/net/tun`, or run as root',
    EPERM:
      `it needs CAP_NET_ADMIN, or a device of your own: \`sudo tcplab up --user $USER\`, or ` +
      `work in a private network with \`tcplab lab\``,
    EBUSY: 'another process has it: end that, or choose another name with --tun',
    EINVAL:
      'a device of that name is there and is no TUN, or differs in its queues: `ip -d link ' +
      'show` tells; choose another name with --tun',
  };
  const text =
    (error instanceof RangeError ? error.message : why[code]) ??
    (error instanceof Error ? error.message : String(error));
  return new TunError(code, `${device} cannot be opened (${code}): ${text}`, { cause: error });
}
