/** Names of TCP ports, from /etc/services, as `ss` shows them. A small machine has no such file. */
import { readFileSync } from 'node:fs';

let names: Map<number, string> | null = null;
let ports: Map<string, number> | null = null;

function load(): void {
  names = new Map();
  ports = new Map();
  for (const line of read().split('\n')) {
    const match = /^([^\s#]+)\s+(\d+)\/tcp\b([^#]*)/.exec(line);
    if (match === null) continue;
    const [, name, number, aliases] = match;
    const port = Number(number);
    if (!names.has(port)) names.set(port, name!);
    for (const word of [name!, ...aliases!.trim().split(/\s+/)])
      if (word !== '' && !ports.has(word)) ports.set(word, port);
  }
}

function read(): string {
  try {
    return readFileSync('/etc/services', 'utf8');
  } catch {
    return '';
  }
}

export function serviceOfPort(port: number): string | null {
  if (names === null) load();
  return names!.get(port) ?? null;
}

export function portOfService(name: string): number | null {
  if (ports === null) load();
  return ports!.get(name) ?? null;
}
