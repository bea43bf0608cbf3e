/**
 * `nstat -n`, and `nstat | grep TcpExtTCPTimeouts | grep -q " 1 "`: counters as nstat prints them,
 * and patterns that must fit.
 */
import { Unsupported } from './values.js';

export type Counters = Readonly<Record<string, number>>;

/** What each has grown by. */
export const since = (now: Counters, before: Counters): Counters =>
  Object.fromEntries(Object.entries(now).map(([name, n]) => [name, n - (before[name] ?? 0)]));

/**
 * Is there a line that all patterns fit, as a pipe through grep asks? Throws Unsupported for a
 * counter that is not kept here.
 */
export function countersFit(counters: Counters, patterns: readonly RegExp[]): boolean {
  const names = Object.keys(counters);
  for (const pattern of patterns)
    if (/[A-Za-z]{4}/.test(pattern.source) && !names.some((name) => pattern.test(name)))
      throw new Unsupported(`the counter ${pattern.source} is not kept here`);
  const lines = Object.entries(counters)
    .filter(([, n]) => n !== 0)
    .map(([name, n]) => `${name.padEnd(NAME_WIDTH)}${String(n).padEnd(NUMBER_WIDTH)}   0.0`);
  return lines.some((line) => patterns.every((pattern) => pattern.test(line)));
}

const NAME_WIDTH = 32;
const NUMBER_WIDTH = 16;
