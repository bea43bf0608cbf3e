/** What the terminal can show: how many columns, and which characters. */

/** Narrower than this a ladder cannot be. */
const LEAST_COLUMNS = 72;

/**
 * `COLUMNS`, else the width of the terminal that `stream` is; undefined for a file or a pipe, which
 * has none.
 */
export function columnsOf(
  stream: NodeJS.WriteStream,
  env: NodeJS.ProcessEnv = process.env,
): number | undefined {
  const told = Number(env['COLUMNS']);
  const columns =
    Number.isInteger(told) && told > 0 ? told : stream.isTTY ? stream.columns : undefined;
  return columns === undefined ? undefined : Math.max(LEAST_COLUMNS, columns);
}

/**
 * A locale that names another character set than UTF-8. None at all, as in most containers, says
 * nothing about the terminal.
 */
export function isAsciiOnly(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return locale !== undefined && !/utf-?8/i.test(locale);
}
