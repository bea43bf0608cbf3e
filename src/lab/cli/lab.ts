/**
 * `tcplab lab [-- CMD]`: a private network (main.ts has entered it), the stack with all its
 * services in it, and a shell (or CMD) beside it.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { SERVICE_NAMES, startServices } from '../services/start.js';
import { Exit } from './errors.js';
import { connectionsEnd, openLabHost, printEnd, TEARDOWN_MS } from './lab-host.js';
import type { SharedOptions } from './options.js';

export interface LabOptions extends SharedOptions {
  httpRoot?: string;
}

export async function lab(command: string[], o: LabOptions): Promise<number> {
  // A shell's screen and live lines do not mix: they are shown for a command, or where a file takes
  // them.
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
    const code = await runChild(command);
    running.close();
    await connectionsEnd(host.host, TEARDOWN_MS);
    return code;
  } finally {
    host.close();
    printEnd(host.host, o, (line) => process.stderr.write(`${line}\n`));
  }
}

const welcome = (addresses: string[]): string =>
  'A private network: the kernel is 198.18.0.1 on tcplab0, the stack ' +
  `${addresses.join(' and ')}.\n` +
  `Try: curl ${addresses[0]!}   nc ${addresses[0]!} 7   ping ${addresses[0]!}   tcpdump -ni ` +
  'tcplab0      (exit leaves the lab; --log FILE records it)\n';

/**
 * Runs a command, or the user's shell, on our terminal. Returns what a shell would: its exit code,
 * 128 and the signal that ended it, 127 without such a program, 126 when it cannot be run.
 */
export function runChild(command: string[]): Promise<number> {
  const [program, ...args] = command.length > 0 ? command : [process.env['SHELL'] ?? '/bin/sh'];
  return new Promise((resolve) => {
    const child = spawn(program!, args, { stdio: 'inherit' });
    // The child has the terminal: Ctrl-C is its, and we end when it does.
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

/** A shell's exit code for a program that a signal ended. */
export const endedBy = (signal: NodeJS.Signals | null): number =>
  signal === null ? Exit.failed : 128 + constants.signals[signal];

/** As a shell: 127 when there is no such program, 126 when it cannot be run. */
export function cannotStart(program: string, { code, message }: NodeJS.ErrnoException): number {
  // execvp(3) says EACCES, too, when it may not look into a folder of PATH and finds the program in
  // no other.
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
