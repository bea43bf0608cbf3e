/** TCP's flags as text. */
import { TcpFlag } from './tcp.js';

const LETTERS: readonly (readonly [number, string])[] = [
  [TcpFlag.FIN, 'F'],
  [TcpFlag.SYN, 'S'],
  [TcpFlag.RST, 'R'],
  [TcpFlag.PSH, 'P'],
  [TcpFlag.ACK, '.'],
  [TcpFlag.URG, 'U'],
  [TcpFlag.ECE, 'E'],
  [TcpFlag.CWR, 'W'],
  [TcpFlag.AE, 'e'],
];

/** In tcpdump's letters and order: `S.` for SYN,ACK, `none` for no flag. */
export function flagsText(flags: number): string {
  let text = '';
  for (const [bit, letter] of LETTERS) if (flags & bit) text += letter;
  return text === '' ? 'none' : text;
}
