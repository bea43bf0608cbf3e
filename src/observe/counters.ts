/**
 * Counters as text: drops by name, printed when `serve` and `lab` end, and nstat's table, to
 * compare with the kernel's.
 */
import { DROP_NAMES } from '../wire/drop.js';
import { dropText } from './drop-texts.js';

/** Counts by the numbers of `Drop`. */
export type DropCounts = ArrayLike<number>;

/**
 * One line for each drop reason that occurred, most frequent first; empty if nothing was dropped:
 *
 *     12  tcpNoSuchPort  no socket listens on this port (RFC 9293 3.10.7.1)
 */
export function dropLines(counts: DropCounts): string[] {
  const rows = Array.from({ length: counts.length }, (_, reason) => ({
    name: DROP_NAMES[reason] ?? `reason ${reason}`,
    count: counts[reason]!,
  })) // prettier-ignore
    // Multicast of the kernel on a new link is not a loss.
    .filter(({ name, count }) => count > 0 && name !== 'ignoredGroup')
    .sort((a, b) => b.count - a.count);
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, count }) =>
      `${String(count).padStart(7)}  ${name.padEnd(nameWidth)}  ${dropText(name)}`,
  );
}

/** One line about SYN cookies; none if none was sent. */
export function cookieLines(c: {
  readonly TcpExtSyncookiesSent: number;
  readonly TcpExtSyncookiesRecv: number;
  readonly TcpExtSyncookiesFailed: number;
}): string[] {
  if (c.TcpExtSyncookiesSent === 0) return [];
  return [
    `SYN cookies: ${c.TcpExtSyncookiesSent} sent, ${c.TcpExtSyncookiesRecv} accepted, ` +
      `${c.TcpExtSyncookiesFailed} not valid`,
  ];
}

/**
 * nstat's table: name, count, rate (always 0.0, because the counts are totals). Counters that are
 * zero are printed only with `zeros` (nstat -z).
 */
export function nstatLines(counters: object, zeros = false): string[] {
  return numbersOf(counters)
    .filter(([, count]) => zeros || count !== 0)
    .map(([name, count]) => `${name.padEnd(32)}${String(count).padEnd(19)}0.0`);
}

/** The counters as plain data, for JSON. */
export const countersData = (counters: object): Record<string, number> =>
  Object.fromEntries(numbersOf(counters));

const numbersOf = (counters: object): [string, number][] =>
  Object.entries(counters).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
