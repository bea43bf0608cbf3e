/** `serve --workers N` is one stack for its users: the answers of its threads are joined. */
import type { Answered, CommandName, MetricsData } from './protocol.js';

type Join<K extends CommandName> = (all: readonly Answered<K>[]) => Answered<K>;

type Numbers = Readonly<Record<string, number>>;

/** Adds the numbers of the same name. */
export function sum(all: readonly Numbers[]): Record<string, number> {
  const total: Record<string, number> = {};
  for (const one of all)
    for (const [name, n] of Object.entries(one)) total[name] = (total[name] ?? 0) + n;
  return total;
}

const JOINS: { readonly [K in CommandName]: Join<K> } = {
  info: (all) => ({ ...all[0]!, stacks: all.length }),
  ss: (all) => ({ ...all[0]!, sockets: joinListeners(all.flatMap((a) => a.sockets)) }),
  nstat: (all) => ({ ...all[0]!, kernel: sum(all.map((a) => a.kernel)) }),
  kill: (all) => ({ ...all[0]!, sockets: all.flatMap((a) => a.sockets) }),
  faults: (all) => {
    const [first, ...others] = all;
    return {
      ...first!,
      in: { ...first!.in, counters: sum(all.map((a) => a.in.counters)) },
      out: { ...first!.out, counters: sum(all.map((a) => a.out.counters)) },
      rules: first!.rules.map((rule, i) => ({
        ...rule,
        seen: others.reduce((n, a) => n + (a.rules[i]?.seen ?? 0), rule.seen),
        dropped: others.reduce((n, a) => n + (a.rules[i]?.dropped ?? 0), rule.dropped),
      })),
    };
  },
  metrics: (all) => ({
    info: { ...all[0]!.info, stacks: all.length },
    counters: sum(all.map((a) => a.counters)),
    drops: sum(all.map((a) => a.drops)),
    states: sum(all.map((a) => a.states)),
    memory: sum(all.map((a) => a.memory)) as MetricsData['memory'] & Numbers,
    device: sum(all.map((a) => a.device)) as MetricsData['device'] & Numbers,
  }),
};

/** A port on which all threads listen is one listener, with the queues of all. */
function joinListeners(sockets: Answered<'ss'>['sockets']): Answered<'ss'>['sockets'] {
  const listeners = new Map<string, Answered<'ss'>['sockets'][number]>();
  const rest = sockets.filter((s) => {
    if (s.state !== 'LISTEN') return true;
    const key = `${s.local.address} ${s.local.port}`;
    const before = listeners.get(key);
    listeners.set(
      key,
      before === undefined
        ? s
        : { ...before, recvQ: before.recvQ + s.recvQ, sendQ: before.sendQ + s.sendQ },
    );
    return false;
  });
  return [...listeners.values(), ...rest];
}

export function joinAnswers<K extends CommandName>(
  command: K,
  all: readonly Answered<K>[],
): Answered<K> {
  if (all.length === 1) return all[0]!;
  return (JOINS[command] as Join<K>)(all);
}
