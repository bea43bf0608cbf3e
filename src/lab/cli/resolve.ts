/**
 * HOST on the command line: an IP address, or a name in /etc/hosts. The stack has no resolver, and
 * a lab has no name server.
 */
import { readFileSync } from 'node:fs';
import { Address } from '../../ip/address.js';
import { CommandError, Exit } from './errors.js';

export function resolveHost(text: string, hostsFile = '/etc/hosts'): Address {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (Address.isAddress(bare)) return Address.parse(bare);
  const found = inHosts(text, hostsFile);
  if (found !== null) return found;
  throw new CommandError(
    Exit.failed,
    `'${text}' is neither an IP address nor a name in ${hostsFile} (a lab has no name server)`,
    `use an address such as 198.18.0.1, or add a line to ${hostsFile}`,
  );
}

function inHosts(name: string, file: string): Address | null {
  const text = read(file);
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (names.includes(name) && Address.isAddress(address)) return Address.parse(address);
  }
  return null;
}

/** '' if the file does not exist. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
