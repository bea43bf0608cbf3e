/** What this program is: its version, and how it was called. */
import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  const { version } = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  return version;
}

/** `tcplab serve http --loss 5%`. */
export const commandLine = (): string => ['tcplab', ...process.argv.slice(2)].join(' ');
