/** What the commands that ask a running stack have in common. */
import type { Command } from 'commander';
import { ControlClient } from '../control/client.js';
import { ControlError } from '../control/errors.js';
import { CommandError, Exit } from './errors.js';

export interface AskOptions {
  stack?: string;
  json?: boolean;
}

export const withAskOptions = (command: Command): Command =>
  command
    .option('--stack <name>', 'the stack to ask, if several are running')
    .option('--json', 'print JSON instead of text');

/** Opens a connection to the stack for `body`. Throws CommandError. */
export const askStack = <T>(
  o: AskOptions,
  body: (client: ControlClient) => Promise<T>,
): Promise<T> =>
  askingErrors(async () => {
    const client = await ControlClient.open(o.stack);
    try {
      return await body(client);
    } finally {
      client.close();
    }
  });

/** Runs `body`, whose ControlError becomes a CommandError. */
export async function askingErrors<T>(body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (error instanceof ControlError)
      throw new CommandError(Exit.failed, error.message, error.fix);
    throw error;
  }
}

export function printLines(lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`);
}

export const printJson = (data: unknown): void => {
  process.stdout.write(`${JSON.stringify(data)}\n`);
};
