/**
 * Opens a TUN device: by name, where the device is created or attached to, or by a descriptor that
 * another process opened. It finds the flags that the kernel accepts and the offloads that it
 * grants, and explains each refusal.
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
  /** The device to attach to or to create; if '' or absent, the kernel chooses a name. */
  readonly name?: string;
  /** An open descriptor of a TUN device, used instead of `name`. */
  readonly fd?: number;
  /**
   * True (the default): the kernel's offloads, or 'software' if the kernel does not grant them.
   * 'software': the addon checks TCP checksums and joins segments on the way in, as Linux's GRO
   * does. False: each packet is one segment in both directions, and the stack checks the checksums.
   */
  readonly offload?: boolean | 'software';
  readonly multiQueue?: boolean;
  /**
   * Bytes; default: the device's MTU. A program that sets the MTU after it opens the device gives
   * the future MTU here.
   */
  readonly mtu?: number;
  /** The time in microseconds; never goes back. */
  readonly clock: () => Micros;
}

/** An error of a device. `code` is the errno's name, as in Node's errors. */
export class TunError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Attaches to the device, or creates it. The flags must match those of an existing device, because
 * the kernel otherwise refuses with EINVAL. /sys shows them, unless /sys belongs to another network
 * namespace, as after `unshare`. Then IFF_MULTI_QUEUE is found by trying it both ways. Throws
 * TunError.
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
      `descriptor ${fd} is not an attached TUN device (${codeOf(error)}): pass the descriptor ` +
        'of an open TUN device, or use --tun NAME',
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

/** /sys/class/net/NAME/tun_flags; null if the device does not exist or is not a TUN. */
function existingFlags(name: string): number | null {
  try {
    return Number(readFileSync(`/sys/class/net/${name}/tun_flags`, 'latin1'));
  } catch {
    return null;
  }
}

/**
 * Asks for checksum and segmentation offload, with ECN's super-segments if the kernel knows them.
 * Returns false if the kernel refuses.
 */
export function grantOffload(lib: Native, fd: number): boolean {
  for (const extra of [TUN_F_TSO_ECN, 0]) {
    try {
      lib.setOffload(fd, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | extra);
      return true;
    } catch {
      // try again without ECN
    }
  }
  return false;
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

function explain(error: unknown, name: string): TunError {
  const code = codeOf(error);
  const device = name === '' ? 'a TUN device' : `the TUN device ${name}`;
  const why: Record<string, string> = {
    ENOENT: '/dev/net/tun does not exist: load the driver with `sudo modprobe tun`',
    ENODEV: 'the TUN driver is not loaded: load it with `sudo modprobe tun`',
    ENXIO: 'the TUN driver is not loaded: load it with `sudo modprobe tun`',
    EACCES:
      'this user has no permission for /dev/net/tun: run `sudo chmod 0666 /dev/net/tun`, or run ' +
      'the command as root',
    EPERM:
      'this needs CAP_NET_ADMIN, or a device that belongs to you: create one with `sudo tcplab ' +
      'up --user $USER`, or use a private network with `tcplab lab`',
    EBUSY: 'another process uses it: end that process, or choose another name with --tun',
    EINVAL:
      'a device of that name exists, but it is not a TUN or has another number of queues: `ip -d ' +
      'link show` shows it; choose another name with --tun',
  };
  const text =
    (error instanceof RangeError ? error.message : why[code]) ??
    (error instanceof Error ? error.message : String(error));
  return new TunError(code, `${device} cannot be opened (${code}): ${text}`, { cause: error });
}
