/**
 * Counters in words: drops by name, for the exit of `serve` and `lab`; and nstat's table, to
 * compare with the kernel's.
 */
import { DROP_NAMES } from '../wire/drop.js';
import { dropText } from './drop-texts.js';

/** Counts by the numbers of `Drop`. */
export type DropCounts = ArrayLike<number>;

/**
 * One line a reason that occurred, the most frequent first:
 * `     12  tcpNoSuchPort  no socket listens on this port: RST (RFC 9293 3.10.7.1)`. Empty: nothing was dropped.
 */
export function dropLines(counts: DropCounts): string[] {
  const rows = Array.from({ length: counts.length }, (_, reason) => ({
    name: DROP_NAMES[reason] ?? `reason ${reason}`,
    count: counts[reason]!,
  })) // prettier-ignore
    // What a fresh link's kernel says to groups that we are not in is nobody's loss.
    .filter(({ name, count }) => count > 0 && name !== 'ignoredGroup')
    .sort((a, b) => b.count - a.count);
  const nameWidth = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map(
    ({ name, count }) =>
      `${String(count).padStart(7)}  ${name.padEnd(nameWidth)}  ${dropText(name)}`,
  );
}

/** What SYN cookies did, in a line; none when none was sent. */
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
 * `#kernel`-style table of nstat: name, count, rate (always 0.0 here: it is a total). Zero counters
 * only with `zeros`, nstat -z.
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
