/** `tcplab faults`: shows or changes what the link around a running stack does to packets. */
import type { FaultsRequest } from '../control/protocol.js';
import { linkLines } from '../../observe/link-data.js';
import { askStack, printJson, printLines, type AskOptions } from './asking.js';
import { CommandError, Exit } from './errors.js';

const EXAMPLES: Readonly<Record<string, string>> = {
  set: 'tcplab faults set loss 5% delay 50ms seed 7',
  add: 'tcplab faults add in delay 20ms',
  drop: "tcplab faults drop 'out:syn-ack:2' 'data:5%@:80'",
};

export async function faults(words: readonly string[], o: AskOptions): Promise<number> {
  const asked = requestOf(words);
  const data = await askStack(o, (client) => client.ask('faults', asked));
  if (o.json === true) printJson(data);
  else printLines(linkLines(data));
  return Exit.ok;
}

/** Throws CommandError (2). */
function requestOf([action = 'show', ...rest]: readonly string[]): FaultsRequest {
  const words = (): readonly string[] => {
    if (rest.length > 0) return rest;
    throw new CommandError(Exit.usage, `'${action}' needs words after it`, EXAMPLES[action]);
  };
  switch (action) {
    case 'set':
      return { action: 'set', words: words(), fresh: true };
    case 'add':
      return { action: 'set', words: words(), fresh: false };
    case 'drop':
      return { action: 'set', words: words().flatMap((rule) => ['drop', rule]), fresh: false };
    case 'show':
    case 'clear':
      if (rest.length === 0) return { action };
      throw new CommandError(
        Exit.usage,
        `'${action}' takes no words`,
        `tcplab faults ${action}   or   ${EXAMPLES['set']!}`,
      );
    default:
      throw new CommandError(
        Exit.usage,
        `faults has no '${action}'; it has show, set, add, drop, clear`,
        EXAMPLES['set'],
      );
  }
}
