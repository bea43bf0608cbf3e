/**
 * Lets any number of listeners subscribe to a running stack's events. The stack is observed only
 * while somebody listens; otherwise nothing is recorded, and the stack does no work for it.
 *
 *     stack ─▶ recorder, while there are listeners ─▶ each listener
 */
import type { Micros } from '../base/time.js';
import type { LinkListener } from '../device/link/lane.js';
import type { StackObserver } from '../stack/observer.js';
import { EVENT_SCHEMA, type EventSink, type TraceEvent } from './events.js';
import { fanOut } from './fanout.js';
import { Recorder } from './recorder.js';

/** The stack, as far as a hub needs it. */
export interface Observed {
  observer: StackObserver | null;
}

export interface EventHubOptions {
  /** The zero of the events' times, on the stack's clock. */
  readonly start: Micros;
  /** Microseconds from 1970 to `start`. */
  readonly startedAt: number;
  /** tcplab's version. */
  readonly version: string;
}

/** The first event of a stream: which schema it follows. */
export const startedEvent = ({
  startedAt,
  version,
}: Omit<EventHubOptions, 'start'>): TraceEvent => ({
  time: 0,
  name: 'tcplab:trace_started',
  group_id: '',
  rfc: null,
  data: { schema: EVENT_SCHEMA, version, startedAt },
});

export class EventHub implements LinkListener {
  private readonly stack: Observed;
  private readonly options: EventHubOptions;
  private readonly sinks = new Set<EventSink>();
  private recorder: Recorder | null = null;
  /** The observer that the stack had before the first listener came. */
  private before: StackObserver | null = null;

  constructor(stack: Observed, options: EventHubOptions) {
    this.stack = stack;
    this.options = options;
  }

  /**
   * Calls `sink` with `tcplab:trace_started` at once, and then with each event until the returned
   * function is called. A sink must not throw, because an exception breaks the stack's turn.
   */
  subscribe(sink: EventSink): () => void {
    // A function of its own, so that a sink that subscribes twice gets each event twice.
    const own: EventSink = (event) => sink(event);
    sink(startedEvent(this.options));
    this.sinks.add(own);
    if (this.recorder === null) this.attach();
    return () => {
      if (this.sinks.delete(own) && this.sinks.size === 0) this.detach();
    };
  }

  get listeners(): number {
    return this.sinks.size;
  }

  private attach(): void {
    const { stack, sinks } = this;
    this.recorder = new Recorder((event) => {
      for (const sink of sinks) sink(event);
    }, this.options.start);
    this.before = stack.observer;
    stack.observer = this.before === null ? this.recorder : fanOut(this.before, this.recorder);
  }

  private detach(): void {
    this.recorder = null;
    this.stack.observer = this.before;
  }

  linkDropped(...told: Parameters<LinkListener['linkDropped']>): void {
    this.recorder?.linkDropped(...told);
  }

  linkAltered(...told: Parameters<LinkListener['linkAltered']>): void {
    this.recorder?.linkAltered(...told);
  }
}
