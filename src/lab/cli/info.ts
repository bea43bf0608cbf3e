/** `tcplab info`: which stack is running, and what it is. */
import { askStack, printJson, printLines, type AskOptions } from './asking.js';
import { Exit } from './errors.js';

export async function info(o: AskOptions): Promise<number> {
  const data = await askStack(o, (client) => client.ask('info', {}));
  if (o.json === true) {
    printJson(data);
    return Exit.ok;
  }
  const rows: [string, string][] = [
    ['name', data.name],
    ['command', data.command],
    ['process', `${data.pid} (uid ${data.uid})`],
    ['device', `${data.device}, MTU ${data.mtu}`],
    ['addresses', data.addresses.join(' ')],
    ['since', new Date(data.since).toISOString()],
    ['version', data.version],
    ...(data.stacks === 1 ? [] : [['workers', String(data.stacks)] as [string, string]]),
  ];
  printLines(rows.map(([name, value]) => `${name.padEnd(10)} ${value}`));
  return Exit.ok;
}
