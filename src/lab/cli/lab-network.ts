/**
 * The network of a lab: a TUN device with the kernel's address, and the stack's address in the same
 * network. namespace.ts creates the network namespace for it before the command runs.
 * 198.18.0.0/15 is reserved for benchmarks (RFC 2544), so no LAN uses it. The kernel must not own
 * the stack's address, because it would answer the peer's segments with RST.
 */
import { native } from '../../device/tun/native.js';
import { TunDevice } from '../../device/tun/tun.js';
import { Prefix, type Address } from '../../ip/address.js';
import { LAB_DEVICE } from './device-name.js';
import { CommandError, Exit } from './errors.js';

export const KERNEL_ADDRESSES = ['198.18.0.1/24', 'fd74:6370:6c61:62::1/64'];
export const STACK_ADDRESSES = ['198.18.0.2/24', 'fd74:6370:6c61:62::2/64'];

/**
 * Packets. The kernel's default of 500 is less than a window of 1 MB in packets of the MTU.
 */
export const TX_QUEUE_LENGTH = 4096;
/** Bytes. Below this MTU the kernel disables IPv6 on a device (RFC 8200 section 5). */
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

/** Creates the device with its addresses and routes, and sets it up. Closing it deletes it. */
export function openLabNetwork(o: LabNetworkOptions): TunDevice {
  const mtu = checkMtu(o.mtu ?? 1500);
  const name = o.name ?? LAB_DEVICE;
  const { offload = true, multiQueue = false, clock } = o;
  const device = TunDevice.open({ name, offload, multiQueue, clock, mtu });
  try {
    const prefixes = (o.kernelAddresses ?? KERNEL_ADDRESSES).map((text) => Prefix.parse(text));
    // Only a device that exists has an MTU to set, so the MTU is set after `open`.
    setUpInterface(device.name, mtu, prefixes);
    // Loopback is down in a new network namespace. -1 leaves MTU and queue length as they are.
    native().linkSet('lo', -1, -1, 1);
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/**
 * Sets MTU, queue length, addresses and routes, and sets the device up. This also restores a device
 * that was down or whose MTU has changed, because the kernel then removes its IPv6 addresses.
 */
export function setUpInterface(name: string, mtu: number, prefixes: readonly Prefix[]): void {
  const lib = native();
  const usable = prefixes.filter((p) => p.address.version === 4 || mtu >= IPV6_MINIMUM_MTU);
  lib.linkSet(name, mtu, TX_QUEUE_LENGTH, 1);
  for (const p of usable) lib.addressAdd(name, addressBytes(p.address), p.bits);
  for (const p of usable) askForCubic(name, p);
}

/** Throws CommandError (2) if `mtu` is below IPv6's minimum (RFC 8200 section 5). */
export function requireV6Mtu(mtu: number): void {
  if (mtu >= IPV6_MINIMUM_MTU) return;
  throw new CommandError(
    Exit.usage,
    `IPv6 needs an MTU of at least ${IPV6_MINIMUM_MTU} (RFC 8200 section 5), so the kernel ` +
      `removes IPv6 addresses from a device with an MTU of ${mtu}`,
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
 * Sets CUBIC on the kernel's route, because labs compare with CUBIC and the machine's default may
 * be another (BBR halves uploads into a userspace stack). A kernel without CUBIC keeps its default.
 */
function askForCubic(name: string, p: Prefix): void {
  try {
    native().routeCongestion(name, addressBytes(p.address), p.bits, 'cubic');
  } catch {
    // this kernel has no CUBIC
  }
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressBytes(a: Address): Uint8Array {
  const words = a.version === 4 ? [a.w3] : [a.w0, a.w1, a.w2, a.w3];
  const view = new DataView(new ArrayBuffer(4 * words.length));
  words.forEach((w, i) => {
    view.setInt32(4 * i, w);
  });
  return new Uint8Array(view.buffer);
}

/** True if this network namespace has the device. */
export function deviceExists(name: string): boolean {
  try {
    return native().linkMtu(name) >= 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENODEV') return false;
    throw error;
  }
}
