/**
 * Puts a host together for a command: which TUN, the capture around it, the faulty link around
 * that, and the stack on top.
 *
 *     stack ── link ── capture ── TUN ── kernel
 *
 * The capture shows what passed on the wire; what the link took away on the way out never got
 * there, and is captured as a second interface.
 */
import type { Device } from '../../device/device.js';
import { Link } from '../../device/link/link.js';
import { TunDevice, TunError } from '../../device/tun/tun.js';
import { monotonicClock } from '../../node/clock.js';
import { Host } from '../../node/host.js';
import { cookieLines, type DropCounts, dropLines, nstatLines } from '../../observe/counters.js';
import type { EventSink } from '../../observe/events.js';
import type { TcpCounters } from '../../tcp/counters.js';
import { requireNotTheKernels } from './addresses.js';
import { CommandError, Exit } from './errors.js';
import {
  checkMtu,
  deviceExists,
  KERNEL_ADDRESSES,
  openLabNetwork,
  requireV6Mtu,
  setUpLink,
  STACK_ADDRESSES,
} from './lab-network.js';
import { linkOf, prefixesOf, tcpConfigOf, type SharedOptions } from './options.js';
import { hasNetAdmin } from './tun-access.js';
import { Views } from './views.js';

export interface LabHost {
  readonly host: Host;
  readonly views: Views;
  readonly tun: Device;
  /** One sentence: where the device came from. */
  readonly how: string;
  /** Resolves when the device cannot go on: it was deleted. */
  readonly gone: Promise<void>;
  close(): void;
}

export interface OpenOptions {
  /** Another reader of the recorder's events. */
  readonly sink?: EventSink;
  /** The link is there from the start, though without faults: rules may come later. */
  readonly alwaysLink?: boolean;
  /** The device has a queue for each of several stacks. */
  readonly multiQueue?: boolean;
}

export async function openLabHost(o: SharedOptions, open: OpenOptions = {}): Promise<LabHost> {
  const mtu = o.mtu === undefined ? undefined : checkMtu(o.mtu);
  const addresses = prefixesOf(o.address ?? defaultAddresses(mtu));
  if (mtu !== undefined && addresses.some((p) => p.address.version === 6)) requireV6Mtu(mtu);
  const link = linkOf(o);
  const { device: tun, how } = await openDevice(o, mtu, open.multiQueue === true);
  const views = closingOnError(tun, () => {
    requireNotTheKernels(addresses);
    return new Views(o, tun.name, open.sink ?? null);
  });
  let device = views.tap(tun);
  if (link !== null || open.alwaysLink === true)
    device = new Link(device, link ?? undefined, views.linkListener);
  let lastError = '';
  let sayGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    sayGone = resolve;
  });
  const host = new Host({
    device,
    addresses,
    profile: o.profile,
    config: tcpConfigOf(o),
    observer: views.recorder,
    onWarning: (text) => {
      process.stderr.write(`tcplab: ${text}\n`);
    },
    onDeviceError: (error, fatal) => {
      if (fatal) sayGone();
      // A device that is down says so again with each packet.
      if (error.message !== lastError) process.stderr.write(`tcplab: ${error.message}\n`);
      lastError = error.message;
    },
  });
  host.onIdle = () => {
    views.flush();
  };
  let closed = false;
  return {
    host,
    views,
    tun,
    how,
    gone,
    close() {
      if (closed) return;
      closed = true;
      host.close();
      views.close();
    },
  };
}

/** A device of our own must not stay behind when what comes next fails. */
function closingOnError<T>(tun: Device, body: () => T): T {
  try {
    return body();
  } catch (error) {
    tun.close();
    throw error;
  }
}

/** Below 1280 there can be no IPv6. */
const defaultAddresses = (mtu: number | undefined): string[] =>
  mtu !== undefined && mtu < 1280 ? STACK_ADDRESSES.slice(0, 1) : STACK_ADDRESSES;

async function openDevice(
  o: SharedOptions,
  mtu: number | undefined,
  multiQueue: boolean,
): Promise<{ device: Device; how: string }> {
  try {
    if (o.driver === 'tuntap2') return { device: await openOther(mtu), how: 'the tuntap2 driver' };
    if (o.tunFd !== undefined) {
      return {
        device: TunDevice.open({ fd: o.tunFd, offload: o.offload, clock: monotonicClock }),
        how: `descriptor ${o.tunFd}`,
      };
    }
    const common = {
      clock: monotonicClock,
      offload: o.offload,
      multiQueue,
      ...(mtu === undefined ? {} : { mtu }),
    };
    if (o.tun === undefined) {
      const device = openLabNetwork(common);
      return { device, how: 'a private network of its own' };
    }
    if (!deviceExists(o.tun) && hasNetAdmin()) {
      const device = openLabNetwork({ name: o.tun, ...common });
      return { device, how: `a new device ${o.tun}` };
    }
    const device = TunDevice.open({ name: o.tun, ...common });
    if (mtu !== undefined && hasNetAdmin()) setUpLink(o.tun, mtu, prefixesOf(KERNEL_ADDRESSES));
    return { device, how: `the device ${o.tun}, which was there` };
  } catch (error) {
    if (error instanceof TunError)
      throw new CommandError(
        Exit.environment,
        error.message,
        'tcplab doctor   says what this machine allows',
      );
    throw error;
  }
}

async function openOther(mtu: number | undefined): Promise<Device> {
  const { openTuntap2 } = await import('../../device/tun/tuntap2.js');
  try {
    return await openTuntap2({
      clock: monotonicClock,
      ...(mtu === undefined ? {} : { mtu }),
      addresses: KERNEL_ADDRESSES,
    });
  } catch (error) {
    throw new CommandError(Exit.environment, (error as Error).message, 'npm install tuntap2@0.9');
  }
}

/**
 * A teardown may go on for a moment after the program at the other end is gone: a lost FIN, say, is
 * sent again first.
 */
export const TEARDOWN_MS = 1000;
const LOOK_EACH_MS = 10;

/** Waits until no connection is left, but not longer than `most` milliseconds. */
export async function connectionsEnd(host: Host, most: number): Promise<void> {
  for (
    let waited = 0;
    waited < most && host.stack.tcp.connectionCount > 0;
    waited += LOOK_EACH_MS
  ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
}

/**
 * What the exit prints: TCP's counters if asked for, what SYN cookies did, and what was dropped, by
 * name, and why that is.
 */
export function printEnd(host: Host, o: SharedOptions, print: (line: string) => void): void {
  const { counters, drops } = host.stack;
  printCounts(counters, drops, o, print);
}

export function printCounts(
  counters: TcpCounters,
  drops: DropCounts,
  o: SharedOptions,
  print: (line: string) => void,
): void {
  if (o.stats === true) for (const line of nstatLines(counters)) print(line);
  for (const line of cookieLines(counters)) print(line);
  const lines = dropLines(drops);
  if (lines.length === 0) return;
  print('dropped:');
  for (const line of lines) print(line);
}
