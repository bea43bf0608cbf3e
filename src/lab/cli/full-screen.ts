/** What a command writes to have the whole terminal, to draw on it, and to give it back. */
export const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l';
export const LEAVE_SCREEN = '\x1b[?25h\x1b[?1049l';

/** Draws over what was there: each line to its end, and nothing below the last. */
export const screenText = (lines: readonly string[]): string =>
  `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`;
