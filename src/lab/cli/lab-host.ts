/**
 * Builds the host of a command: the TUN, the capture around it, the faulty link around that, and
 * the stack on top.
 *
 *     stack ── link ── capture ── TUN ── kernel
 *
 * The capture shows what passes on the wire. Outgoing packets that the link drops never get there;
 * the capture shows them on a second interface.
 */
import type { Device } from '../../device/device.js';
import { Link } from '../../device/link/link.js';
import { TunDevice, TunError } from '../../device/tun/tun.js';
import { epochOf, monotonicClock } from '../../node/clock.js';
import { Host } from '../../node/host.js';
import { cookieLines, type DropCounts, dropLines, nstatLines } from '../../observe/counters.js';
import type { EventSink } from '../../observe/events.js';
import { LinkListenerSet } from '../../observe/fanout.js';
import type { TcpCounters } from '../../tcp/counters.js';
import { ControlError } from '../control/errors.js';
import type { Answers, Streams } from '../control/protocol.js';
import { ControlServer } from '../control/server.js';
import { stackAnswers } from '../control/stack-answers.js';
import { stackStreams } from '../control/stack-streams.js';

import { requireNotTheKernels } from './addresses.js';
import { CommandError, Exit } from './errors.js';
import {
  checkMtu,
  deviceExists,
  IPV6_MINIMUM_MTU,
  KERNEL_ADDRESSES,
  openLabNetwork,
  requireV6Mtu,
  setUpInterface,
  STACK_ADDRESSES,
} from './lab-network.js';
import { linkOf, prefixesOf, tcpConfigOf, type SharedOptions } from './options.js';
import { RecordingFile } from './recording-file.js';
import { hasNetAdmin } from './tun-access.js';
import { version } from '../../node/version.js';
import { commandLine } from './command-line.js';
import { Views } from './views.js';

export interface LabHost {
  readonly host: Host;
  readonly views: Views;
  readonly tun: Device;
  /** Where packets may be lost on purpose; idle until faults are set. */
  readonly link: Link;
  /** What the stack answers to `tcplab ss` and the like. */
  readonly answers: Answers;
  /** What this stack streams over a control socket. */
  readonly streams: Streams;
  /** Null if it could not be opened, and in a worker. */
  readonly control: ControlServer | null;
  /** Where the device came from, as a phrase for the user. */
  readonly how: string;
  /** Resolves when the device has failed for good, for example because it was deleted. */
  readonly gone: Promise<void>;
  close(): void;
}

export interface OpenOptions {
  /** Gets the recorder's events too. */
  readonly sink?: EventSink;
  /** Opens the device with IFF_MULTI_QUEUE, so that several stacks can each have a queue. */
  readonly multiQueue?: boolean;
  /** A thread of `--workers`: the first thread has the control socket and asks it. */
  readonly isWorker?: boolean;
}

export async function openLabHost(o: SharedOptions, open: OpenOptions = {}): Promise<LabHost> {
  const mtu = o.mtu === undefined ? undefined : checkMtu(o.mtu);
  const addresses = prefixesOf(o.address ?? defaultAddresses(mtu));
  if (mtu !== undefined && addresses.some((p) => p.address.version === 6)) requireV6Mtu(mtu);
  const faults = linkOf(o);
  const { device: tun, how } = await openDevice(o, mtu, open.multiQueue === true);
  const views = closingOnError(tun, () => {
    requireNotTheKernels(addresses);
    return new Views(o, tun.name, open.sink ?? null);
  });
  const capture = views.tap(tun);
  const linkListeners = new LinkListenerSet();
  views.listenTo(linkListeners);
  const link =
    faults === null ? Link.idle(capture, linkListeners) : new Link(capture, faults, linkListeners);
  const recording = closingOnError(tun, () => RecordingFile.of(o));
  let lastError = '';
  let sayGone: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => {
    sayGone = resolve;
  });
  const host = new Host({
    device: link,
    addresses,
    profile: o.profile,
    config: tcpConfigOf(o),
    ...recording?.hostOptions,
    observer: views.recorder,
    onWarning: (text) => {
      process.stderr.write(`tcplab: ${text}\n`);
    },
    onDeviceError: (error, fatal) => {
      if (fatal) sayGone();
      // A device that is down reports the same error for each packet.
      if (error.message !== lastError) process.stderr.write(`tcplab: ${error.message}\n`);
      lastError = error.message;
    },
  });
  host.onIdle = () => {
    views.flush();
  };
  host.stack.tcp.connections.onEnd = views.onConnectionEnd;
  linkListeners.add(host.events);
  const streams = stackStreams({
    host,
    capture,
    linkListeners,
    deviceName: tun.name,
    version,
    epoch: epochOf(monotonicClock),
  });
  const answers = (name: string): Answers =>
    stackAnswers({
      host,
      link,
      name,
      version,
      command: commandLine(),
      device: tun,
    });
  const control = await openControl(o, tun.name, answers, streams, open.isWorker === true).catch(
    (error: unknown) => {
      host.close();
      views.close();
      throw error;
    },
  );
  let closed = false;
  return {
    host,
    views,
    tun,
    link,
    answers: answers(control?.name ?? tun.name),
    streams,
    control,
    how,
    gone,
    close() {
      if (closed) return;
      closed = true;
      control?.close();
      host.close();
      recording?.close();
      views.close();
    },
  };
}

/**
 * A stack without its control socket still works, so only a name that the user chose is a reason to
 * end.
 */
async function openControl(
  o: SharedOptions,
  device: string,
  answers: (name: string) => Answers,
  streams: Streams,
  isWorker: boolean,
): Promise<ControlServer | null> {
  if (isWorker) return null;
  try {
    return await ControlServer.open({ chosen: o.name, device, answers, streams });
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    if (o.name !== undefined) throw new CommandError(Exit.failed, error.message, error.fix);
    process.stderr.write(
      `tcplab: no control socket, so tcplab ss and the like cannot find this stack: ` +
        `${error.message}\n  fix: ${error.fix}\n`,
    );
    return null;
  }
}

/** Closes the device if `body` throws. */
function closingOnError<T>(tun: Device, body: () => T): T {
  try {
    return body();
  } catch (error) {
    tun.close();
    throw error;
  }
}

/** IPv4 only if `mtu` is below IPv6's minimum. */
const defaultAddresses = (mtu: number | undefined): string[] =>
  mtu !== undefined && mtu < IPV6_MINIMUM_MTU ? STACK_ADDRESSES.slice(0, 1) : STACK_ADDRESSES;

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
    if (mtu !== undefined && hasNetAdmin())
      setUpInterface(o.tun, mtu, prefixesOf(KERNEL_ADDRESSES));
    return { device, how: `the existing device ${o.tun}` };
  } catch (error) {
    if (error instanceof TunError)
      throw new CommandError(
        Exit.environment,
        error.message,
        'tcplab doctor   shows what this machine allows',
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
 * How long a teardown may go on after the other program has ended, because a lost FIN, for example,
 * must be retransmitted.
 */
export const TEARDOWN_MS = 1000;
const LOOK_EACH_MS = 10;

/** Waits until no connection is left, for at most `most` milliseconds. */
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
 * Prints the summary at exit: TCP's counters with --stats, what SYN cookies did, and the dropped
 * packets by reason.
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
