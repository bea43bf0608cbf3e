/** Scripts that begin with an established connection, so tests need not repeat the handshake. */
import type { RunOptions } from '../../../src/lab/script/options.js';
import { playScript } from '../../../src/lab/script/play.js';
import type { Verdict } from '../../../src/lab/script/verdict.js';

export const OPEN = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 win 65535 <mss 1460>
+.1 < . 1:1(0) ack 1 win 65535
+0 accept(3, ..., ...) = 4
`;
export const play = (
  text: string,
  o: RunOptions = {},
  defines: Record<string, string> = {},
): Verdict => playScript('t.pkt', text, o, new Map(Object.entries(defines)));
export const after = (text: string, o: RunOptions = {}): Verdict => play(OPEN + text, o);
/** A new socket, descriptor 3. */
export const fresh = (text: string, o: RunOptions = {}): Verdict =>
  play(`0 socket(..., SOCK_STREAM, 0) = 3\n${text}`, o);
export const fields = (v: Verdict): string[] => v.differences.map((d) => d.field);
/** PASS, or the actual packet and the reason. */
export const told = (v: Verdict): string =>
  [v.outcome, v.reason, ...v.differences.map((d) => `${d.field} ${d.expected} ${d.actual}`)]
    .filter(Boolean)
    .join(': ');
