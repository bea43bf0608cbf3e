/**
 * Where the control sockets are: `$XDG_RUNTIME_DIR/tcplab`, or `/tmp/tcplab-UID`. Only their owner
 * may enter the folder, so whoever can connect is the user of the stack, or root. A path in the
 * file system is the same in every network namespace, so a stack in a private network is found from
 * outside. `TCPLAB_RUNTIME_DIR` names another folder.
 */
import { lstatSync, mkdirSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { ControlError } from './errors.js';

export const SOCKET_SUFFIX = '.sock';
/** A path of a Unix socket has at most 107 bytes (unix(7)), and the name must fit in it. */
const MOST_PATH = 107;
const OPEN_TO_OTHERS = 0o077;

const ownUid = (): number => process.getuid?.() ?? -1;
const statOf = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false });

/** Instead of both folders, for this program alone. */
const OWN_VARIABLE = 'TCPLAB_RUNTIME_DIR';

/** The folder that `variable` names; null without one. */
function named(env: NodeJS.ProcessEnv, variable: string): string | null {
  const path = env[variable];
  return path === undefined || path === '' ? null : path;
}

/** Below a runtime folder of this user: after `su` XDG_RUNTIME_DIR may still be another's. */
function below(path: string | null): string | null {
  if (path === null) return null;
  const stat = statOf(path);
  return stat?.isDirectory() === true && stat.uid === ownUid() ? join(path, 'tcplab') : null;
}

const sharedFolder = (): string => `/tmp/tcplab-${ownUid()}`;

/** The folder for a new stack. Throws ControlError if it is not this user's alone. */
export function openFolder(env: NodeJS.ProcessEnv = process.env): string {
  const path = named(env, OWN_VARIABLE) ?? below(named(env, 'XDG_RUNTIME_DIR')) ?? sharedFolder();
  mkdirSync(path, { mode: 0o700, recursive: true });
  checkFolder(path);
  return path;
}

/** Throws ControlError for a folder that another user could read or has made. */
export function checkFolder(path: string): void {
  const stat = statOf(path);
  if (stat === undefined || !stat.isDirectory())
    throw new ControlError(`${path} is not a folder`, `rm ${path}`);
  if (stat.uid !== ownUid())
    throw new ControlError(
      `${path}, the folder of the control sockets, belongs to another user (uid ${stat.uid})`,
      'export TCPLAB_RUNTIME_DIR=$HOME/.tcplab   for the stack and for the command',
    );
  if ((stat.mode & OPEN_TO_OTHERS) !== 0)
    throw new ControlError(
      `${path}, the folder of the control sockets, is open to other users`,
      `chmod 700 ${path}`,
    );
}

/**
 * Paths of all control sockets of this user. All folders are looked at, because the environment of
 * the stack may differ from ours: a shell of `su` or `cron` has no XDG_RUNTIME_DIR.
 */
export function socketPaths(env: NodeJS.ProcessEnv = process.env): string[] {
  const own = named(env, OWN_VARIABLE);
  const usual = [
    below(named(env, 'XDG_RUNTIME_DIR')),
    below(`/run/user/${ownUid()}`),
    sharedFolder(),
  ].filter((f): f is string => f !== null);
  return [...new Set(own === null ? usual : [own])].flatMap((folder) => {
    if (statOf(folder) === undefined) return [];
    checkFolder(folder);
    return readdirSync(folder)
      .filter((file) => file.endsWith(SOCKET_SUFFIX))
      .map((file) => file.slice(0, -SOCKET_SUFFIX.length))
      .sort()
      .map((name) => join(folder, `${name}${SOCKET_SUFFIX}`));
  });
}

/** Throws ControlError for a name that cannot be a file's. */
export function checkName(name: string): string {
  if (/^[\w][\w.-]{0,39}$/.test(name)) return name;
  throw new ControlError(
    `'${name}' is not a name of a stack: 1 to 40 letters, digits, '-', '_' and '.'`,
    'for example --name web',
  );
}

/** Throws ControlError if the path is too long. */
export function socketPath(folder: string, name: string): string {
  const path = join(folder, `${name}${SOCKET_SUFFIX}`);
  if (Buffer.byteLength(path) <= MOST_PATH) return path;
  throw new ControlError(
    `${path} is too long for a Unix socket, which takes ${MOST_PATH} bytes`,
    'choose a shorter --name, or a shorter XDG_RUNTIME_DIR',
  );
}
