/**
 * `sudo tcplab up --user NAME` creates a persistent TUN device that belongs to NAME. That user can
 * open it without a capability. `tcplab down` undoes exactly what `up` did. `up` writes a journal
 * before it acts, so that `down` also undoes an `up` that was interrupted.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../device/tun/native.js';
import { CommandError, Exit } from './errors.js';
import { checkDeviceName, LAB_DEVICE } from './device-name.js';
import {
  checkMtu,
  deviceExists,
  IPV6_MINIMUM_MTU,
  KERNEL_ADDRESSES,
  requireV6Mtu,
  setUpInterface,
} from './lab-network.js';
import { prefixesOf } from './options.js';
import { hasNetAdmin, requireTunNode } from './tun-access.js';

export interface UpOptions {
  /** A login name or a number; default: the user who called sudo. */
  user?: string;
  tun?: string;
  mtu?: number;
  /** The kernel's addresses on the device. */
  kernelAddress?: string[];
  multiQueue?: boolean;
}

interface Journal {
  readonly device: string;
  readonly uid: number;
  readonly mtu: number;
  readonly addresses: readonly string[];
}

const STATE_DIRECTORY = process.env['TCPLAB_STATE'] ?? '/run/tcplab';
const journalPath = (device: string): string => join(STATE_DIRECTORY, `${device}.json`);

const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_VNET_HDR = 0x4000;

export function up(o: UpOptions): number {
  const device = checkDeviceName(o.tun ?? LAB_DEVICE);
  const mtu = checkMtu(o.mtu ?? 1500);
  const addresses =
    o.kernelAddress ?? (mtu < IPV6_MINIMUM_MTU ? KERNEL_ADDRESSES.slice(0, 1) : KERNEL_ADDRESSES);
  const prefixes = prefixesOf(addresses);
  if (prefixes.some((p) => p.address.version === 6)) requireV6Mtu(mtu);
  const uid = userId(o.user);
  requireTunNode();
  requireNetAdmin('up');
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (deviceExists(device)) {
    const journal = readJournal(device);
    if (journal === null) {
      throw new CommandError(
        Exit.failed,
        `the device ${device} already exists, and tcplab did not create it`,
        'choose another name with --tun',
      );
    }
    if (journal.uid !== uid) {
      throw new CommandError(
        Exit.failed,
        `${device} is up already, for user ${journal.uid}`,
        `sudo tcplab down --tun ${device}`,
      );
    }
    setUpInterface(device, mtu, prefixes);
    writeJournal({ device, uid, mtu, addresses });
    say(`${device} is up already; MTU and addresses set again`);
    return Exit.ok;
  }
  writeJournal({ device, uid, mtu, addresses });
  try {
    makePersistent(device, uid, o.multiQueue === true);
  } catch (error) {
    // There is no device, so there is nothing to undo.
    rmSync(journalPath(device), { force: true });
    throw new CommandError(
      Exit.environment,
      `${device} cannot be created: ${(error as Error).message}`,
      'tcplab doctor   shows what this machine allows',
    );
  }
  say(
    `created ${device}, a TUN device${o.multiQueue === true ? ' with several queues' : ''} that ` +
      `belongs to user ${uid}   (ip tuntap add)`,
  );
  setUpInterface(device, mtu, prefixes);
  say(`MTU ${mtu}, up   (ip link set ${device} mtu ${mtu} up)`);
  for (const a of addresses) say(`address ${a}   (ip address add ${a} dev ${device})`);
  say(
    `Now run, as that user: tcplab serve --tun ${device}      To undo: sudo tcplab down ` +
      `--tun ${device}`,
  );
  return Exit.ok;
}

function makePersistent(device: string, uid: number, multiQueue: boolean): void {
  const lib = native();
  const { fd } = lib.openTun(
    device,
    IFF_TUN | IFF_NO_PI | IFF_VNET_HDR | (multiQueue ? IFF_MULTI_QUEUE : 0),
  );
  try {
    lib.setOwner(fd, uid);
    lib.setPersist(fd, 1);
  } finally {
    lib.closeFd(fd);
  }
}

export function down(o: { tun?: string }): number {
  const device = checkDeviceName(o.tun ?? LAB_DEVICE);
  const journal = readJournal(device);
  const say = (text: string): void => void process.stdout.write(`${text}\n`);
  if (journal === null) {
    if (deviceExists(device)) {
      throw new CommandError(
        Exit.failed,
        `tcplab did not create ${device}, so it does not delete it`,
        `sudo ip link delete ${device}   deletes it`,
      );
    }
    say(`${device} is not up: nothing to undo`);
    return Exit.ok;
  }
  requireNetAdmin('down');
  if (deviceExists(device)) {
    // The kernel deletes the addresses and routes with the device.
    native().linkDelete(device);
    say(`deleted ${device} and its addresses   (ip link delete ${device})`);
  } else {
    say(`${device} was already deleted`);
  }
  rmSync(journalPath(device), { force: true });
  return Exit.ok;
}

function requireNetAdmin(command: string): void {
  if (hasNetAdmin()) return;
  throw new CommandError(
    Exit.environment,
    'creating and deleting devices needs CAP_NET_ADMIN, which this process does not have',
    `sudo tcplab ${command}`,
  );
}

function userId(user: string | undefined): number {
  const name = user ?? process.env['SUDO_USER'] ?? String(process.getuid?.() ?? 0);
  if (/^\d+$/.test(name)) return Number(name);
  try {
    return Number(
      execFileSync('id', ['-u', '--', name], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  } catch {
    throw new CommandError(
      Exit.usage,
      `there is no user '${name}' on this machine`,
      'sudo tcplab up --user $USER',
    );
  }
}

function readJournal(device: string): Journal | null {
  try {
    return JSON.parse(readFileSync(journalPath(device), 'utf8')) as Journal;
  } catch {
    return null;
  }
}

function writeJournal(journal: Journal): void {
  try {
    mkdirSync(STATE_DIRECTORY, { recursive: true });
    writeFileSync(journalPath(journal.device), `${JSON.stringify(journal)}\n`);
  } catch (error) {
    throw new CommandError(
      Exit.failed,
      `the journal for \`tcplab down\` cannot be written to ${STATE_DIRECTORY}: ` +
        `${(error as Error).message}`,
      'run the command with sudo',
    );
  }
}
