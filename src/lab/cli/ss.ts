/** `tcplab ss`: the sockets of a running stack, as `ss` shows the kernel's. */
import type { SocketsData } from '../control/protocol.js';
import { serviceOfPort } from '../control/service-names.js';
import { filterOf } from '../control/stack-answers.js';
import { inSsOrder, ssLines, type SsStyle } from '../../observe/ss.js';
import { askStack, printJson, printLines, type AskOptions } from './asking.js';
import { Exit } from './errors.js';

export interface SsOptions extends AskOptions {
  tcp?: boolean;
  listening?: boolean;
  all?: boolean;
  numeric?: boolean;
  info?: boolean;
  extended?: boolean;
  options?: boolean;
  memory?: boolean;
  /** -H */
  header: boolean;
}

export async function ss(words: readonly string[], o: SsOptions): Promise<number> {
  const filter = words.join(' ');
  const data = await askStack(o, (client) => {
    filterOf(filter); // its error needs no stack
    return client.ask('ss', {
      all: o.all === true,
      listening: o.listening === true,
      filter,
      detail: o.info === true || o.json === true,
    });
  });
  printSockets(data, o);
  return Exit.ok;
}

export function printSockets(data: SocketsData, o: SsOptions): void {
  const sockets = inSsOrder(data.sockets);
  if (o.json === true) printJson({ uid: data.uid, sockets });
  else printLines(ssLines(sockets, styleOf(o, data.uid)));
}

const styleOf = (o: SsOptions, uid: number): SsStyle => ({
  numeric: o.numeric === true,
  timers: o.options === true,
  extended: o.extended === true,
  memory: o.memory === true,
  info: o.info === true,
  header: o.header,
  uid,
  portName: serviceOfPort,
});
