/** What the terminal can show: how many columns, and which characters. */

/** A ladder needs at least this width. */
const LEAST_COLUMNS = 72;

/**
 * The value of `COLUMNS`, else the width of the terminal behind `stream`, but at least 72 columns.
 * Undefined for a file or a pipe, which has no width.
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
 * True if the locale names a character set other than UTF-8. False without a locale, as in most
 * containers, because that says nothing about the terminal.
 */
export function isAsciiOnly(env: NodeJS.ProcessEnv = process.env): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find(
    (value) => value !== undefined && value !== '',
  );
  return locale !== undefined && !/utf-?8/i.test(locale);
}
