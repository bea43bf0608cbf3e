/**
 * The network of a lab: a TUN device, the kernel's address on it, and the stack's beside it.
 * namespace.ts makes the network namespace in which that happens, before the command runs.
 * 198.18.0.0/15 is set apart for benchmarks (RFC 2544), so no LAN uses it. The kernel never owns
 * the stack's address, or it would answer our segments with RST of its own.
 */
import { native } from '../../device/tun/native.js';
import { TunDevice } from '../../device/tun/tun.js';
import { Prefix, type Address } from '../../ip/address.js';
import { LAB_DEVICE } from './device-name.js';
import { CommandError, Exit } from './errors.js';

export const KERNEL_ADDRESSES = ['198.18.0.1/24', 'fd74:6370:6c61:62::1/64'];
export const STACK_ADDRESSES = ['198.18.0.2/24', 'fd74:6370:6c61:62::2/64'];

/**
 * The kernel's default of 500 packets is less than a window of a megabyte in packets of the MTU.
 */
export const TX_QUEUE_LENGTH = 4096;
/** Below it the kernel takes IPv6 off a device (RFC 8200 section 5). */
export const IPV6_MINIMUM_MTU = 1280;

export interface LabNetworkOptions {
  readonly name?: string;
  /** Bytes, 68..65,535; default 1500. */
  readonly mtu?: number;
  readonly offload?: boolean;
  readonly multiQueue?: boolean;
  readonly clock: () => number;
  readonly kernelAddresses?: readonly string[];
}

/** Makes the device with its addresses and routes, up and running. It goes when it is closed. */
export function openLabNetwork(o: LabNetworkOptions): TunDevice {
  const mtu = checkMtu(o.mtu ?? 1500);
  const name = o.name ?? LAB_DEVICE;
  // Two steps: a device's MTU is read when it is opened, and can be set only once it is there.
  const lib = native();
  const { offload = true, multiQueue = false, clock } = o;
  const device = TunDevice.open({ name, offload, multiQueue, clock, mtu });
  try {
    const prefixes = (o.kernelAddresses ?? KERNEL_ADDRESSES).map((text) => Prefix.parse(text));
    setUpLink(device.name, mtu, prefixes);
    lib.linkSet('lo', -1, -1, 1);
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/**
 * MTU, queue, up, addresses, routes: also what brings a device back after it was down or its MTU
 * changed, which costs it its IPv6 addresses.
 */
export function setUpLink(name: string, mtu: number, prefixes: readonly Prefix[]): void {
  const lib = native();
  const usable = prefixes.filter((p) => p.address.version === 4 || mtu >= IPV6_MINIMUM_MTU);
  lib.linkSet(name, mtu, TX_QUEUE_LENGTH, 1);
  for (const p of usable) lib.addressAdd(name, addressBytes(p.address), p.bits);
  for (const p of usable) askForCubic(name, p);
}

/** Below 1280 there is no IPv6 (RFC 8200 section 5). */
export function requireV6Mtu(mtu: number): void {
  if (mtu >= IPV6_MINIMUM_MTU) return;
  throw new CommandError(
    Exit.usage,
    `IPv6 needs an MTU of at least ${IPV6_MINIMUM_MTU} (RFC 8200 section 5), and the kernel ` +
      `takes IPv6 addresses off a device with ${mtu}`,
    `use --mtu ${IPV6_MINIMUM_MTU} or more, or IPv4 addresses only`,
  );
}

export function checkMtu(mtu: number): number {
  if (Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535) return mtu;
  throw new CommandError(
    Exit.usage,
    `an MTU of ${mtu} is invalid: it is 68 to 65,535 bytes`,
    'for example --mtu 1500',
  );
}

/**
 * The machine's default congestion control may be another (BBR halves uploads into a userspace
 * stack): labs compare with CUBIC. A kernel without it keeps its default, which is no reason to
 * fail.
 */
function askForCubic(name: string, p: Prefix): void {
  try {
    native().routeCongestion(name, addressBytes(p.address), p.bits, 'cubic');
  } catch {
    // a kernel without CUBIC
  }
}

/** In network order: 4 or 16 bytes. */
export function addressBytes(a: Address): Uint8Array {
  const words = a.version === 4 ? [a.w3] : [a.w0, a.w1, a.w2, a.w3];
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((w, i) => {
    view.setInt32(4 * i, w);
  });
  return new Uint8Array(view.buffer);
}

/** Is there such a device, in this network namespace? */
export function deviceExists(name: string): boolean {
  try {
    return native().linkMtu(name) >= 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENODEV') return false;
    throw error;
  }
}
