/** Text for terminals that can show ASCII only. */

const PLAIN: Readonly<Record<string, string>> = {
  '│': '|',
  '─': '-',
  '▶': '>',
  '◀': '<',
  '✗': 'x',
  '·': '*',
  '→': '->',
  '↔': '<->',
  '…': '...',
};

export const toAscii = (text: string): string =>
  text.replaceAll(/[│─▶◀✗·→↔…]/g, (sign) => PLAIN[sign]!);
