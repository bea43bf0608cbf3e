/** A script from its text to the verdict. */
import { parseScript } from './parse.js';
import type { RunOptions } from './options.js';
import { runScript } from './run.js';
import { ScriptSyntaxError } from './scanner.js';
import { START, type Verdict } from './verdict.js';

/** Whatever is in the text: a script that cannot be read has failed, and one that asks for what is not known here is skipped. */
export function playScript(
  file: string,
  text: string,
  options: RunOptions = {},
  defines: ReadonlyMap<string, string> = new Map(),
): Verdict {
  try {
    return runScript(parseScript(file, text, { defines }), options);
  } catch (error) {
    if (!(error instanceof ScriptSyntaxError)) throw error;
    const reason = error.message.split('\n')[0]!.replace(/^.*?:\d+:\d+: /, '');
    const outcome = error.isUnknown ? 'SKIP' : 'FAIL';
    const nothing = { differences: [], packets: [], tcb: null, log: [], start: START };
    return { file, outcome, reason, place: error.place, ...nothing };
  }
}
