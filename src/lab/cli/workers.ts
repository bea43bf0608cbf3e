/**
 * `tcplab serve --workers N`: N stacks with the same addresses. Each has a thread of its own (the
 * first has the main thread) and a queue of its own of one device (IFF_MULTI_QUEUE).
 *
 *     kernel ──▶ the flow's hash ──┬─▶ queue 0 ─▶ stack 0
 *                                  └─▶ queue 1 ─▶ stack 1
 *
 * The TUN driver keeps each flow on one queue: the queue to which the stack writes the flow's
 * packets (Documentation/networking/tuntap.rst). Packets without ports can arrive on any queue; the
 * stacks pass them on to each other (node/ring.ts).
 *
 * The threads share only the ring. There are no locks, and a connection never moves. Each thread
 * has its own limits, so the whole process has N times the limits of one stack.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { makeRing, RingNeighbours, type RingPlace } from '../../node/ring.js';
import type { ServiceName } from '../services/start.js';
import { countersData } from '../../observe/counters.js';
import type { TcpCounters } from '../../tcp/counters.js';
import { CommandError, Exit } from './errors.js';
import { type LabHost, printCounts } from './lab-host.js';
import {
  askWorker,
  streamWorker,
  type WorkerPiece,
  type WorkerReply,
  type WorkerRequest,
  type WorkerStreamRequest,
} from './worker-answers.js';
import type { Lifetime } from './lifetime.js';
import type { ServeOptions } from './options.js';

/** What a thread gets at its start. */
export interface WorkerData {
  readonly place: RingPlace;
  readonly services: readonly ServiceName[];
  readonly options: ServeOptions;
}

/** What it is told later: to end, or what the control socket was asked. */
export type ToWorker = 'end' | WorkerRequest | WorkerStreamRequest;

/** What a thread reports at its end. */
export interface Ended {
  readonly counters: Record<string, number>;
  readonly drops: Float64Array;
  readonly passed: number;
  readonly connections: number;
}
export type FromWorker =
  | { readonly ready: true }
  | WorkerReply
  | WorkerPiece
  | { readonly failed: string; readonly fix: string }
  | { readonly ended: Ended };

/** Throws CommandError (2) for options that do not work with several threads. */
export function checkWorkers(o: ServeOptions): void {
  const refuse = (option: string, why: string, fix: string): never => {
    throw new CommandError(Exit.usage, `--workers does not work with ${option}: ${why}`, fix);
  };
  if (o.tunFd !== undefined) refuse('--tun-fd', 'a descriptor has one queue', 'use --tun NAME');
  if (o.driver === 'tuntap2')
    refuse('--driver tuntap2', 'this driver opens one queue', 'use the native driver');
  if (o.log !== undefined)
    refuse(
      '--log',
      'the threads would overwrite each other',
      'redirect standard error instead: 2> FILE',
    );
  if (o.pcap === '-')
    refuse(
      '--pcap -',
      'each thread has a capture of its own',
      '--pcap FILE.pcapng writes FILE.0.pcapng, FILE.1.pcapng, ...',
    );
}

/** The options of thread `index`, with a capture file and a recording of its own. */
export function ofWorker(o: ServeOptions, index: number): ServeOptions {
  if ((o.workers ?? 1) === 1) return o;
  return {
    ...o,
    ...(o.pcap === undefined ? {} : { pcap: numbered(o.pcap, index) }),
    ...(o.record === undefined ? {} : { record: numbered(o.record, index) }),
  };
}

/** `a/b.pcapng` to `a/b.1.pcapng`. */
function numbered(path: string, index: number): string {
  const dot = path.lastIndexOf('.');
  const at = dot > path.lastIndexOf('/') + 1 ? dot : path.length;
  return `${path.slice(0, at)}.${index}${path.slice(at)}`;
}

export class Workers {
  private readonly lab: LabHost;
  private readonly o: ServeOptions;
  private readonly neighbours: RingNeighbours;
  private readonly threads: Worker[];
  private readonly ended: Ended[] = [];

  constructor(lab: LabHost, services: readonly ServiceName[], o: ServeOptions, count: number) {
    this.lab = lab;
    this.o = o;
    const [own, ...others] = makeRing(count);
    this.neighbours = new RingNeighbours(lab.host, own!);
    this.threads = others.map((place) => {
      const options = { ...ofWorker(o, place.index), tun: lab.tun.name };
      const thread = new Worker(new URL('./worker.js', import.meta.url), {
        workerData: { place, services, options } satisfies WorkerData,
        transferList: [place.ports.previous, place.ports.next],
      });
      thread.on('message', (said: FromWorker) => {
        if ('ended' in said) this.ended.push(said.ended);
      });
      return thread;
    });
  }

  /**
   * Resolves when all threads listen. Throws CommandError (77) if one cannot start. A thread that
   * fails later ends the command.
   */
  async ready(life: Lifetime): Promise<void> {
    await Promise.all(
      this.threads.map(async (thread) => {
        const [said] = (await once(thread, 'message')) as [FromWorker];
        if ('failed' in said) throw new CommandError(Exit.environment, said.failed, said.fix);
        this.lab.control?.add(askWorker(thread), streamWorker(thread));
        thread.on('error', (error) => {
          process.stderr.write(`tcplab: a worker failed: ${error.stack ?? error.message}\n`);
          life.end(Exit.failed);
        });
      }),
    );
  }

  /** Ends all threads: each closes its connections and reports its counters. */
  async close(): Promise<void> {
    await Promise.all(
      this.threads.map(async (thread) => {
        if (thread.threadId === -1) return;
        const exit = once(thread, 'exit');
        thread.postMessage('end');
        await exit.catch(() => undefined);
      }),
    );
    const { stack } = this.lab.host;
    this.ended.unshift({
      counters: countersData(stack.counters),
      drops: stack.drops,
      passed: this.neighbours.passed,
      connections: connectionsOf(stack.counters),
    });
    this.neighbours.close();
  }

  /** Prints the sums of all threads, and how many connections each had. */
  printEnd(print: (line: string) => void): void {
    const { ended } = this;
    const drops = new Float64Array(ended[0]!.drops.length);
    const counters: Record<string, number> = {};
    for (const e of ended) {
      e.drops.forEach((n, i) => (drops[i]! += n));
      for (const [name, n] of Object.entries(e.counters))
        counters[name] = (counters[name] ?? 0) + n;
    }
    const passed = ended.reduce((sum, e) => sum + e.passed, 0);
    print(
      `connections of each worker: ${ended.map((e) => e.connections).join(', ')}; packets ` +
        `passed on between them: ${passed}`,
    );
    printCounts(counters as unknown as TcpCounters, drops, this.o, print);
  }
}

/** Passive and active opens. */
export const connectionsOf = (c: TcpCounters): number => c.TcpPassiveOpens + c.TcpActiveOpens;
