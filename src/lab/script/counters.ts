/**
 * `nstat -n`, and `nstat | grep TcpExtTCPTimeouts | grep -q " 1 "`: counters as nstat prints them,
 * and patterns that must match.
 */
import { Unsupported } from './values.js';

export type Counters = Readonly<Record<string, number>>;

/** The growth of each counter. */
export const since = (now: Counters, before: Counters): Counters =>
  Object.fromEntries(Object.entries(now).map(([name, n]) => [name, n - (before[name] ?? 0)]));

/**
 * True if a line matches all patterns, as in a pipe through grep. Throws Unsupported for a counter
 * that does not exist here.
 */
export function countersFit(counters: Counters, patterns: readonly RegExp[]): boolean {
  const names = Object.keys(counters);
  for (const pattern of patterns)
    if (/[A-Za-z]{4}/.test(pattern.source) && !names.some((name) => pattern.test(name)))
      throw new Unsupported(`the counter ${pattern.source} does not exist here`);
  const lines = Object.entries(counters)
    .filter(([, n]) => n !== 0)
    .map(([name, n]) => `${name.padEnd(NAME_WIDTH)}${String(n).padEnd(NUMBER_WIDTH)}   0.0`);
  return lines.some((line) => patterns.every((pattern) => pattern.test(line)));
}

const NAME_WIDTH = 32;
const NUMBER_WIDTH = 16;
