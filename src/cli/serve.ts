/** `tcplab serve [http|echo|discard|chargen|daytime|time ...]`: services on the stack's address until a signal comes. */
import { SERVICE_NAMES, startServices, type ServiceName } from '../node/services/start.js';
import { endpointText } from '../stack/flow.js';
import { CommandError, Exit } from './errors.js';
import { enterIfWanted, openLabHost, printEnd, type LabHost } from './lab-host.js';
import { lifetime } from './lifetime.js';
import type { SharedOptions } from './options.js';

export interface ServeOptions extends SharedOptions {
  httpRoot?: string;
}

/** After so long without a packet it is worth asking why. */
const SILENCE_MS = 3000;

export async function serve(names: string[], o: ServeOptions): Promise<number> {
  const services = serviceNames(names);
  const inside = await enterIfWanted(o);
  if (inside !== null) return inside;
  const lab = await openLabHost(o);
  try {
    const life = lifetime();
    const running = await startServices(lab.host, services, o.httpRoot === undefined ? {} : { root: o.httpRoot });
    const addresses = lab.host.stack.addresses.list.map((a) => a.toString()).join(' ');
    process.stdout.write(`ready ${addresses} on ${lab.tun.name}: ${running.described.join(', ')}\n`);
    const stopHint = hintAtSilence(lab);
    const code = await life.ended;
    stopHint();
    running.close();
    return code;
  } finally {
    lab.close();
    printEnd(lab.host, o, (line) => process.stderr.write(`${line}\n`));
  }
}

export function serviceNames(names: string[]): ServiceName[] {
  if (names.length === 0 || names.includes('all')) return [...SERVICE_NAMES];
  return names.map((name) => {
    const found = SERVICE_NAMES.find((known) => known === name);
    if (found !== undefined) return found;
    throw new CommandError(Exit.usage, `there is no service '${name}'`, `one of: ${SERVICE_NAMES.join(', ')}, all`);
  });
}

/** Once, when nothing for us came (a fresh link's kernel multicasts by itself): the route is missing, most likely. Returns what stops it. */
export function hintAtSilence(lab: LabHost): () => void {
  const timer = setTimeout(() => {
    if (lab.host.stack.accepted > 0) return;
    const address = lab.host.stack.addresses.list[0]!;
    process.stderr.write(
      `no packet in ${SILENCE_MS / 1000} s: is the route up? \`ip route get ${address.toString()}\` must say \`dev ${lab.tun.name}\`; ` +
        `try \`curl http://${endpointText(address, 80).replace(/:80$/, '')}/\` in the same network namespace\n`,
    );
  }, SILENCE_MS);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}
