/** What this process can do with TUN devices, and a message for each reason why it cannot. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CommandError, Exit } from './errors.js';

const CAP_NET_ADMIN = 12;
const TUN_NODE = '/dev/net/tun';

/** True if this process can create network devices in its network namespace. */
export function hasNetAdmin(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return line !== null && ((BigInt(`0x${line[1]!}`) >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n;
}

/** The errno of opening the device node, or '' if it can be opened. */
export function tunNodeErrno(): string {
  try {
    closeSync(openSync(TUN_NODE, 'r+'));
    return '';
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** Why the device node cannot be opened, and the command that fixes it. */
export function tunNodeProblem(errno: string): { what: string; fix: string } {
  switch (errno) {
    case 'ENOENT':
      return {
        what: `${TUN_NODE} does not exist (ENOENT), so the TUN driver is probably not loaded`,
        fix: 'sudo modprobe tun',
      };
    case 'ENODEV':
    case 'ENXIO':
      return {
        what: `${TUN_NODE} exists, but its TUN driver is not loaded (${errno})`,
        fix: 'sudo modprobe tun',
      };
    case 'EACCES':
      return {
        what: `${TUN_NODE} cannot be opened (EACCES), because this user has no permission for it`,
        fix: `sudo chmod 0666 ${TUN_NODE}`,
      };
    case 'EPERM':
      return {
        what: `${TUN_NODE} cannot be opened (EPERM), because this container has no access to it`,
        fix: 'docker run --device /dev/net/tun --cap-add NET_ADMIN ...',
      };
    default:
      return { what: `${TUN_NODE} cannot be opened (${errno})`, fix: `ls -l ${TUN_NODE}` };
  }
}

/** Throws CommandError (77) if the device node cannot be opened. */
export function requireTunNode(): void {
  const errno = tunNodeErrno();
  if (errno === '') return;
  const { what, fix } = tunNodeProblem(errno);
  throw new CommandError(Exit.environment, what, fix);
}
