/** What one stack answers over its control socket. Each answer is a step of its event loop. */
import type { Link } from '../../device/link/link.js';
import { LinkOptionError } from '../../device/link/drop-rules.js';
import { type LinkOptions, parseLink, perfectLink } from '../../device/link/link-options.js';
import type { Host } from '../../node/host.js';
import { countersData } from '../../observe/counters.js';
import { linkData } from '../../observe/link-data.js';
import { inKernelOrder } from '../../observe/nstat.js';
import {
  connectionRecord,
  SocketNumbers,
  type SocketRecord,
  socketRecords,
  SS_STATES,
} from '../../observe/socket-records.js';
import {
  defaultStates,
  FilterError,
  parseSsFilter,
  type SsFilter,
} from '../../observe/ss-filter.js';
import { ControlError } from './errors.js';
import { portOfService } from './service-names.js';
import {
  type Answers,
  type FaultsRequest,
  PROTOCOL_VERSION,
  type SocketsData,
  type SocketsRequest,
  type StackInfo,
} from './protocol.js';

export interface AnsweringStack {
  readonly host: Host;
  readonly link: Link | null;
  readonly name: string;
  readonly version: string;
  readonly command: string;
  readonly device: { readonly name: string; readonly mtu: number };
}

const uid = (): number => process.getuid?.() ?? 0;

export function stackAnswers(of: AnsweringStack): Answers {
  const { host, link } = of;
  const { stack } = host;
  const numbers = new SocketNumbers();
  const since = Date.now();
  const info = (): StackInfo => ({
    protocol: PROTOCOL_VERSION,
    name: of.name,
    version: of.version,
    pid: process.pid,
    uid: uid(),
    device: of.device.name,
    mtu: of.device.mtu,
    addresses: stack.addresses.list.map((a) => a.toString()),
    since,
    command: of.command,
    stacks: 1,
  });
  const sockets = (asked: SocketsRequest): SocketRecord[] => {
    const filter = filterOf(asked.filter);
    const states = filter.states ?? defaultStates(asked.all, asked.listening);
    return [...socketRecords(stack, host.clock(), numbers, asked.detail)].filter(
      (r) => states.has(r.state) && filter.matches(r),
    );
  };
  return {
    info,
    ss: (asked): SocketsData => ({ uid: uid(), sockets: sockets(asked) }),
    nstat: () => ({ since, pid: process.pid, kernel: inKernelOrder(stack.counters) }),
    kill: (asked): SocketsData => ({
      uid: uid(),
      sockets: kill(host, filterOf(asked.filter), numbers),
    }),
    faults: (asked) => {
      if (link === null)
        throw new ControlError('this stack has no link whose faults could be set', '');
      if (asked.action !== 'show') {
        link.change(faultsOf(asked, link), host.clock(), asked.action === 'clear' || asked.fresh);
        host.run(); // what was under way may be due now
      }
      return linkData(link);
    },
    metrics: () => {
      const states: Record<string, number> = {};
      for (const { state } of socketRecords(stack, host.clock(), numbers, false))
        states[state] = (states[state] ?? 0) + 1;
      const { memory } = stack.tcp.env;
      return {
        info: info(),
        counters: countersData(stack.counters),
        drops: stack.dropsByName(),
        states,
        memory: {
          allocated: memory.allocated,
          pressure: memory.limits.pressure,
          high: memory.limits.high,
          pressed: Number(memory.isPressed),
          orphans: memory.orphans,
        },
        device: { ...host.device.counters },
      };
    },
  };
}

/**
 * Ends the connections that match, as Linux's SOCK_DESTROY does, and returns them as they were.
 * Listeners stay, because their program would not notice; so does TIME-WAIT, which protects the
 * next connection from old segments.
 */
function kill(host: Host, filter: SsFilter, numbers: SocketNumbers): SocketRecord[] {
  const { stack } = host;
  const now = host.clock();
  const states = filter.states ?? new Set(SS_STATES);
  const closed: SocketRecord[] = [];
  for (const entry of [...stack.tcp.connections.flows]) {
    const record = connectionRecord(entry, now, numbers, false);
    if (!states.has(record.state) || !filter.matches(record)) continue;
    closed.push(record);
    stack.tcp.kill(entry, now);
  }
  return closed;
}

/** Throws ControlError for what is not in the link's language. */
function faultsOf(asked: Exclude<FaultsRequest, { action: 'show' }>, link: Link): LinkOptions {
  if (asked.action === 'clear') return perfectLink();
  try {
    return parseLink(asked.words, asked.fresh ? perfectLink() : link.options);
  } catch (error) {
    if (error instanceof LinkOptionError)
      throw new ControlError(error.message, 'tcplab faults --help   lists the words');
    throw error;
  }
}

/** Throws ControlError for what is not in ss's language. */
export function filterOf(text: string): SsFilter {
  try {
    return parseSsFilter(text, portOfService);
  } catch (error) {
    if (error instanceof FilterError)
      throw new ControlError(error.message, "for example '( sport = :80 or dst 198.18.0.0/24 )'");
    throw error;
  }
}
