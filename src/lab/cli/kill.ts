/** `tcplab kill FILTER`: aborts connections of a running stack, as `ss -K` does the kernel's. */
import { filterOf } from '../control/stack-answers.js';
import { askStack } from './asking.js';
import { CommandError, Exit } from './errors.js';
import { printSockets, type SsOptions } from './ss.js';

export async function kill(words: readonly string[], o: SsOptions): Promise<number> {
  const filter = words.join(' ').trim();
  if (filter === '')
    throw new CommandError(
      Exit.usage,
      'kill needs a filter, because without one it would close every connection',
      'tcplab kill dst 198.18.0.1   or, for all: tcplab kill state connected',
    );
  const data = await askStack(o, (client) => {
    filterOf(filter);
    return client.ask('kill', { filter });
  });
  printSockets(data, o);
  return Exit.ok;
}
