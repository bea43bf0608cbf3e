/**
 * `tcplab serve [http|echo|discard|chargen|daytime|time ...]`: runs services on the stack's address
 * until a signal comes.
 */
import { SERVICE_NAMES, startServices, type ServiceName } from '../services/start.js';
import { endpointText } from '../../stack/flow.js';
import { CommandError, Exit } from './errors.js';
import { openLabHost, printEnd, type LabHost } from './lab-host.js';
import { lifetime } from './lifetime.js';
import { Notices } from './notices.js';
import { sayOnStandardError } from './output.js';
import type { ServeOptions } from './options.js';
import { checkWorkers, ofWorker, Workers } from './workers.js';

/** After this time without a packet the command prints a hint. */
const SILENCE_MS = 3000;

export async function serve(names: string[], o: ServeOptions): Promise<number> {
  const services = serviceNames(names);
  const count = o.workers ?? 1;
  if (count > 1) checkWorkers(o);
  const lab = await openLabHost(ofWorker(o, 0), { multiQueue: count > 1 });
  const notices = new Notices();
  const workers = count > 1 ? new Workers(lab, services, o, count) : null;
  try {
    const life = lifetime();
    void lab.gone.then(() => {
      life.end(Exit.failed);
    });
    const running = await startServices(lab.host, services, { ...rootOf(o), say: notices.say });
    await workers?.ready(life);
    const addresses = lab.host.stack.addresses.list.map((a) => a.toString()).join(' ');
    const threads = workers === null ? '' : `, ${count} workers`;
    const described = running.described.join(', ');
    const ready = `ready ${addresses} on ${lab.tun.name}${threads}: ${described}\n`;
    if (o.pcap === '-') sayOnStandardError(ready);
    else process.stdout.write(ready);
    const stopHint = workers === null ? hintAtSilence(lab) : () => undefined;
    const code = await life.ended;
    stopHint();
    running.close();
    return code;
  } finally {
    await workers?.close();
    lab.close();
    notices.close();
    const print = (line: string): void => {
      process.stderr.write(`${line}\n`);
    };
    if (workers === null) printEnd(lab.host, o, print);
    else workers.printEnd(print);
  }
}

export const rootOf = (o: { httpRoot?: string }): { root?: string } =>
  o.httpRoot === undefined ? {} : { root: o.httpRoot };

export function serviceNames(names: string[]): ServiceName[] {
  if (names.length === 0 || names.includes('all')) return [...SERVICE_NAMES];
  return names.map((name) => {
    const found = SERVICE_NAMES.find((known) => known === name);
    if (found !== undefined) return found;
    throw new CommandError(
      Exit.usage,
      `there is no service '${name}'`,
      `use one of: ${SERVICE_NAMES.join(', ')}, all`,
    );
  });
}

/**
 * Prints one hint if no packet for the stack's addresses comes, most likely because the route is
 * missing. Multicast does not count, because the kernel sends some on each new link. Returns a
 * function that cancels the hint.
 */
export function hintAtSilence(lab: LabHost): () => void {
  const timer = setTimeout(() => {
    if (lab.host.stack.reached) return;
    const address = lab.host.stack.addresses.list[0]!;
    process.stderr.write(
      `no packet in ${SILENCE_MS / 1000} s, perhaps because the route is missing: ` +
        `\`ip route get ${address.toString()}\` must show \`dev ${lab.tun.name}\`; ` +
        `try \`curl http://${endpointText(address, 80).replace(/:80$/, '')}/\` in the same ` +
        'network namespace\n',
    );
  }, SILENCE_MS);
  timer.unref();
  return () => {
    clearTimeout(timer);
  };
}
