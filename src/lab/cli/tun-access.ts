/** What this process may do with TUN devices, and the sentence for each way in which it may not. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { CommandError, Exit } from './errors.js';

const CAP_NET_ADMIN = 12;
const NODE = '/dev/net/tun';

/** May this process make network devices in its network namespace? */
export function hasNetAdmin(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'latin1'));
  return line !== null && ((BigInt(`0x${line[1]!}`) >> BigInt(CAP_NET_ADMIN)) & 1n) === 1n;
}

/** The errno of opening the device node, or '' when it opens. */
export function nodeErrno(): string {
  try {
    closeSync(openSync(NODE, 'r+'));
    return '';
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}

/** What to say when the node cannot be opened. */
export function nodeProblem(errno: string): { what: string; fix: string } {
  switch (errno) {
    case 'ENOENT':
      return {
        what: `there is no ${NODE}, the kernel's door for packets`,
        fix: 'sudo modprobe tun',
      };
    case 'ENODEV':
    case 'ENXIO':
      return {
        what: `${NODE} is there, but the kernel has no TUN driver behind it (${errno})`,
        fix: 'sudo modprobe tun',
      };
    case 'EACCES':
      return {
        what: `this user may not open ${NODE} (EACCES): its mode shuts others out`,
        fix: `sudo chmod 0666 ${NODE}`,
      };
    case 'EPERM':
      return {
        what: `this container may not open ${NODE} (EPERM)`,
        fix: 'docker run --device /dev/net/tun --cap-add NET_ADMIN ...',
      };
    default:
      return { what: `${NODE} cannot be opened (${errno})`, fix: `ls -l ${NODE}` };
  }
}

/** Throws CommandError (77) unless the device node opens. */
export function requireNode(): void {
  const errno = nodeErrno();
  if (errno === '') return;
  const { what, fix } = nodeProblem(errno);
  throw new CommandError(Exit.environment, what, fix);
}
