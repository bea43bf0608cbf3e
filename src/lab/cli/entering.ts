/**
 * What a command with a stack does first: it checks its options, and starts itself again in a
 * private network. The stack is loaded only there, so this module imports little.
 */
import { statSync } from 'node:fs';
import { checkAddresses } from './addresses.js';
import { CommandError, Exit } from './errors.js';
import { checkDeviceName } from './device-name.js';
import { enterNamespace } from './namespace.js';
import { linkOf, prefixesOf, type SharedOptions } from './options.js';

/**
 * True if the command needs a private network of its own: the options do not name a device.
 */
const wantsNamespace = (o: SharedOptions): boolean => o.tun === undefined && o.tunFd === undefined;

/**
 * Runs the command again in a private network namespace (namespace.ts), if it needs one. Returns
 * that run's exit code, or null if this process is to run the command.
 */
export const enterIfWanted = (o: SharedOptions & { httpRoot?: string }): Promise<number | null> => {
  checkOptions(o);
  return wantsNamespace(o) ? enterNamespace() : Promise.resolve(null);
};

/** Checks all that can be checked before a device exists. Throws CommandError (2). */
function checkOptions(o: SharedOptions & { httpRoot?: string }): void {
  if (o.tun !== undefined) checkDeviceName(o.tun);
  checkAddresses(prefixesOf(o.address ?? []));
  linkOf(o);
  if (o.httpRoot !== undefined) checkFolder(o.httpRoot);
}

function checkFolder(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory() === true) return;
  const what = stat === undefined ? 'the folder does not exist' : 'this is not a folder';
  throw new CommandError(
    Exit.usage,
    `--http-root ${path}: ${what}`,
    `mkdir -p ${path}   or name another folder`,
  );
}
