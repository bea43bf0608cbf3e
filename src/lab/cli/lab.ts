/**
 * `tcplab lab [-- CMD]`: runs the stack with all its services in a private network (main.ts has
 * entered it), and a shell, or CMD, in the same network.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { STACK_VARIABLE } from '../control/client.js';
import { SERVICE_NAMES, startServices } from '../services/start.js';
import { LAB_DEVICE } from './device-name.js';
import { Exit } from './errors.js';
import { connectionsEnd, openLabHost, printEnd, TEARDOWN_MS } from './lab-host.js';
import { KERNEL_ADDRESSES } from './lab-network.js';
import type { SharedOptions } from './options.js';

export interface LabOptions extends SharedOptions {
  httpRoot?: string;
}

export async function lab(command: string[], o: LabOptions): Promise<number> {
  // Live lines would disturb an interactive shell, so they are shown for a command only, or written
  // to a file.
  const quiet = o.quiet === true || (command.length === 0 && o.log === undefined);
  const host = await openLabHost({ ...o, quiet });
  try {
    const running = await startServices(
      host.host,
      SERVICE_NAMES,
      o.httpRoot === undefined ? {} : { root: o.httpRoot },
    );
    if (command.length === 0)
      process.stderr.write(welcome(host.host.stack.addresses.list.map((a) => a.toString())));
    if (host.control !== null) process.env[STACK_VARIABLE] = host.control.name;
    const code = await runChild(command);
    running.close();
    await connectionsEnd(host.host, TEARDOWN_MS);
    return code;
  } finally {
    host.close();
    printEnd(host.host, o, (line) => process.stderr.write(`${line}\n`));
  }
}

const KERNEL_ADDRESS = KERNEL_ADDRESSES[0]!.split('/')[0]!;

const welcome = (addresses: string[]): string =>
  `A private network: the kernel is ${KERNEL_ADDRESS} on ${LAB_DEVICE}, the stack is ` +
  `${addresses.join(' and ')}.\n` +
  `Try: curl ${addresses[0]!}   nc ${addresses[0]!} 7   ping ${addresses[0]!}   tcpdump -ni ` +
  `${LAB_DEVICE}      (exit leaves the lab; --log FILE records it)\n`;

/**
 * Runs a command, or the user's shell, on this terminal. Returns the exit code as a shell does: the
 * command's own, 128 + the signal that ended it, 127 if the program does not exist, 126 if it
 * cannot be run.
 */
export function runChild(command: string[]): Promise<number> {
  const [program, ...args] = command.length > 0 ? command : [process.env['SHELL'] ?? '/bin/sh'];
  return new Promise((resolve) => {
    const child = spawn(program!, args, { stdio: 'inherit' });
    // The child has the terminal, so Ctrl-C is for the child; this process ends after it.
    const ignore = (): void => undefined;
    const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on('SIGINT', ignore);
    process.on('SIGTERM', pass);
    process.on('SIGHUP', pass);
    child.on('error', (error) => {
      resolve(cannotStart(program!, error));
    });
    child.on('exit', (code, signal) => {
      process.off('SIGINT', ignore);
      process.off('SIGTERM', pass);
      process.off('SIGHUP', pass);
      resolve(code ?? endedBy(signal));
    });
  });
}

/** A shell's exit code for a program that was ended by `signal`: 128 + its number. */
export const endedBy = (signal: NodeJS.Signals | null): number =>
  signal === null ? Exit.failed : 128 + constants.signals[signal];

/** Prints why, and returns a shell's exit code: 127 if the program does not exist, else 126. */
export function cannotStart(program: string, { code, message }: NodeJS.ErrnoException): number {
  // execvp(3) also returns EACCES if it cannot read a folder of PATH and the program is in no other
  // folder.
  if (code === 'ENOENT' || (code === 'EACCES' && !isThere(program))) {
    process.stderr.write(`tcplab: there is no program '${program}' in PATH\n`);
    return 127;
  }
  const what = code === 'EACCES' ? 'it is not executable (EACCES)' : message;
  process.stderr.write(`tcplab: ${program} cannot be run: ${what}\n`);
  if (code === 'EACCES') process.stderr.write(`  fix: chmod +x ${program}\n`);
  return 126;
}

const isThere = (program: string): boolean =>
  program.includes('/') ||
  (process.env['PATH'] ?? '').split(delimiter).some((dir) => existsSync(join(dir, program)));
