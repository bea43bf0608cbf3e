/**
 * `tcplab nstat`: the counters of a running stack, as `nstat` shows the kernel's: what was counted
 * since the last call, which a file beside the control socket remembers.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { historyPath } from '../control/server.js';
import type { CountersData } from '../control/protocol.js';
import { chosen, type Counts, increase, nstatTable } from '../../observe/nstat.js';
import { askStack, printJson, printLines, type AskOptions } from './asking.js';
import { Exit } from './errors.js';

export interface NstatOptions extends AskOptions {
  ignore?: boolean;
  zeros?: boolean;
  /** -s: false */
  update: boolean;
  reset?: boolean;
}

export async function nstat(patterns: readonly string[], o: NstatOptions): Promise<number> {
  await askStack(o, async (client) => {
    const now = await client.ask('nstat', {});
    const history = historyPath(client.path);
    const before = o.ignore === true || o.reset === true ? {} : readHistory(history, now);
    const counts = chosen(increase(now.kernel, before), patterns, o.zeros === true);
    if (o.json === true) printJson({ kernel: counts });
    else printLines(nstatTable(counts));
    if (o.update) writeHistory(history, now);
  });
  return Exit.ok;
}

/** The first line says whose counters follow: a stack that was started later began at zero. */
const headOf = ({ pid, since }: CountersData): string => `#tcplab ${pid} ${since}`;

function readHistory(path: string, now: CountersData): Counts {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return {};
  }
  const [head, ...lines] = text.trimEnd().split('\n');
  if (head !== headOf(now)) return {};
  return Object.fromEntries(
    lines.map((line) => {
      const [name, count] = line.split(/\s+/);
      return [name!, Number(count)];
    }),
  );
}

function writeHistory(path: string, now: CountersData): void {
  const [, ...table] = nstatTable(now.kernel);
  writeFileSync(path, `${headOf(now)}\n${table.join('\n')}\n`, { mode: 0o600 });
}
