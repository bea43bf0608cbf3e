/**
 * Takes a name for a stack: listens on its socket. A socket on which nobody accepts is left over
 * from a process that was killed, and is replaced.
 */
import { connect, type Server } from 'node:net';
import { rmSync } from 'node:fs';
import { ControlError } from './errors.js';
import { socketPath } from './folder.js';

/** More stacks with the same device's name are not expected. */
const MOST_NUMBER = 1000;
const STARTING_MS = 50;

export interface Claimed {
  readonly name: string;
  readonly path: string;
}

/**
 * `chosen`: the user gave this name, so another stack with it is an error. Otherwise `wanted-2` and
 * so on are tried.
 */
export async function claimName(
  server: Server,
  folder: string,
  wanted: string,
  chosen: boolean,
): Promise<Claimed> {
  for (let n = 1; n <= MOST_NUMBER; n++) {
    const name = n === 1 ? wanted : `${wanted}-${n}`;
    const path = socketPath(folder, name);
    if (await listens(server, path)) return { name, path };
    if (await isLeftOver(path)) {
      rmSync(path, { force: true });
      if (await listens(server, path)) return { name, path };
    }
    if (chosen)
      throw new ControlError(
        `another stack has the name '${name}'`,
        `choose another --name, or end that one: tcplab info --stack ${name} shows its process`,
      );
  }
  throw new ControlError(`${MOST_NUMBER} stacks have the name '${wanted}'`, 'use --name NAME');
}

/** False if the path is taken. */
function listens(server: Server, path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      server.off('listening', succeeded);
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(new ControlError(`${path} cannot be made: ${error.message}`, `ls -ld ${path}`));
    };
    const succeeded = (): void => {
      server.off('error', failed);
      resolve(true);
    };
    server.once('error', failed);
    server.once('listening', succeeded);
    server.listen(path);
  });
}

/**
 * Nobody accepts on it, and not a moment later either: a stack that is just starting has made its
 * socket and does not accept yet.
 */
async function isLeftOver(path: string): Promise<boolean> {
  if (await isAlive(path)) return false;
  await new Promise((resolve) => setTimeout(resolve, STARTING_MS));
  return !(await isAlive(path));
}

/** Does a process accept on this socket? */
export function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      // EAGAIN: it lives, and its accept queue is full.
      resolve(error.code === 'EAGAIN' || error.code === 'EACCES');
    });
  });
}
