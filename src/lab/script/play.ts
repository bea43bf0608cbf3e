/** Plays a script from its text to the verdict. */
import { parseScript } from './parse.js';
import type { RunOptions } from './options.js';
import { type MakeTarget, runScript } from './run.js';
import { ScriptSyntaxError } from './scanner.js';
import { faultText, START, type Verdict } from './verdict.js';

/**
 * Never throws. A script that cannot be parsed fails; a script that needs something unsupported is
 * skipped.
 */
export function playScript(
  file: string,
  text: string,
  options: RunOptions = {},
  defines: ReadonlyMap<string, string> = new Map(),
  makeTarget?: MakeTarget,
): Verdict {
  try {
    return runScript(parseScript(file, text, { defines }), options, makeTarget);
  } catch (error) {
    const nothing = {
      differences: [],
      warnings: [],
      printed: [],
      packets: [],
      tcb: null,
      log: [],
      start: START,
    };
    if (!(error instanceof ScriptSyntaxError))
      return { file, outcome: 'FAIL', reason: faultText(error), place: null, ...nothing };
    const reason = error.message.split('\n')[0]!.replace(/^.*?:\d+:\d+: /, '');
    return {
      file,
      outcome: error.isUnknown ? 'SKIP' : 'FAIL',
      reason,
      place: error.place,
      ...nothing,
    };
  }
}
