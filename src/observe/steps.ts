/**
 * Groups events into steps: one segment each, with its causes and effects.
 *
 *     received ─▶ effects: state changed, RTT measured, timer stopped, dropped because ...
 *     causes: timer expired, CLOSE called ─▶ sent ─▶ effects: timer armed; lost on the link
 *
 * A user's call or an expired timer is a cause of the next segment sent. All other events are
 * effects of the connection's last segment. Steps are emitted in order of time, once the time has
 * advanced or `flush` is called.
 */
import type { Micros } from '../base/time.js';
import { isCall, isClose } from '../tcp/causes.js';
import type {
  DatagramEvent,
  LinkEvent,
  PacketDroppedEvent,
  ReceivedEvent,
  SegmentData,
  SentEvent,
  StrayReceivedEvent,
  StraySentEvent,
  TraceEvent,
} from './events.js';
import { Begins } from './line-limit.js';

export type MainEvent =
  | ReceivedEvent
  | SentEvent
  | StrayReceivedEvent
  | StraySentEvent
  | LinkEvent
  | DatagramEvent
  | PacketDroppedEvent;

export interface Step {
  readonly time: Micros;
  readonly group_id: string;
  /** The segment or packet; null if there was none, as for a timer that sent nothing. */
  readonly main: MainEvent | null;
  readonly causes: TraceEvent[];
  readonly effects: TraceEvent[];
  /** What the faulty link did to this segment. */
  readonly link: LinkEvent[];
}

/** The step's TCP segment; null without one. */
export function segmentOf(step: Step): SegmentData | null {
  const { main } = step;
  if (main === null || main.name === 'ip:datagram' || main.name === 'ip:packet_dropped')
    return null;
  return main.data.segment;
}

/** True if the packet was sent by this stack. */
export function isOutgoing(step: Step): boolean {
  const { main } = step;
  if (main === null) return true;
  if (main.name === 'ip:datagram' || main.name === 'link:dropped' || main.name === 'link:altered') {
    return main.data.direction === 'out';
  }
  return main.name === 'tcp:segment_sent' || main.name === 'tcp:stray_sent';
}

/** At most this many steps wait for the time to advance. */
const MAX_WAITING = 512;

export class StepBuilder {
  private readonly emit: (step: Step) => void;
  /** Steps in order, finished and open; and the open step of each connection. */
  private waiting: Step[] = [];
  private readonly open = new Map<string, Step>();
  private readonly causes = new Map<string, TraceEvent[]>();
  private time: Micros = 0;

  constructor(emit: (step: Step) => void) {
    this.emit = emit;
  }

  readonly add = (event: TraceEvent): void => {
    if (event.time > this.time || this.waiting.length >= MAX_WAITING) this.release();
    this.time = event.time;
    switch (event.name) {
      case 'tcp:segment_sent':
      case 'tcp:stray_sent':
        this.begin(event, this.takeCauses(event.group_id, event.data.segment.flags));
        return;
      case 'tcp:segment_received':
      case 'tcp:stray_received':
      case 'ip:datagram':
      case 'ip:packet_dropped':
        this.begin(event, []);
        return;
      case 'link:dropped':
      case 'link:altered':
        this.addLink(event);
        return;
      case 'tcplab:trace_started': // no line shows these
      case 'tcp:called':
      case 'recovery:metrics_updated':
      case 'tcp:buffers_updated':
        return;
      default:
        this.addDetail(event);
    }
  };

  /** Emits all steps, and causes that no segment followed. */
  flush(): void {
    this.release();
    for (const [group_id, causes] of this.causes) {
      this.emit({ time: causes[0]!.time, group_id, main: null, causes, effects: [], link: [] });
    }
    this.causes.clear();
  }

  private release(): void {
    const { waiting } = this;
    this.waiting = [];
    this.open.clear();
    for (const step of waiting) this.emit(step);
  }

  private begin(main: MainEvent, causes: TraceEvent[]): Step {
    const step: Step = {
      time: main.time,
      group_id: main.group_id,
      main,
      causes,
      effects: [],
      link: [],
    };
    this.waiting.push(step);
    if (main.group_id !== '') this.open.set(main.group_id, step);
    return step;
  }

  private addLink(event: LinkEvent): void {
    const step = this.open.get(event.group_id);
    if (event.data.direction === 'out' && step !== undefined && isOutgoing(step))
      step.link.push(event);
    else if (event.group_id === '') this.begin(event, []);
    else
      this.waiting.push({
        time: event.time,
        group_id: event.group_id,
        main: event,
        causes: [],
        effects: [],
        link: [],
      });
  }

  private addDetail(event: TraceEvent): void {
    const { group_id } = event;
    const step = this.open.get(group_id);
    const causes = this.causes.get(group_id);
    const afterTimer = causes?.some((cause) => cause.name === 'recovery:timer_expired') ?? false;
    if (step !== undefined && !leadsToSending(event) && !afterTimer) {
      step.effects.push(event);
      return;
    }
    if (causes === undefined) this.causes.set(group_id, [event]);
    else causes.push(event);
  }

  /**
   * Takes the causes of a segment about to be sent. CLOSE is a cause of the FIN (or RST) and waits
   * for it, because other segments may be sent before.
   */
  private takeCauses(group_id: string, flags: string): TraceEvent[] {
    const causes = this.causes.get(group_id);
    if (causes === undefined) return [];
    const ending = /[FR]/.test(flags);
    const later = ending ? [] : causes.filter(isClosing);
    if (later.length > 0) this.causes.set(group_id, later);
    else this.causes.delete(group_id);
    return ending ? causes : causes.filter((event) => !isClosing(event));
  }
}

const isClosing = (event: TraceEvent): boolean =>
  event.name === 'tcp:state_changed' && isClose(event.data.cause);

/** For the limit on lines: whether the event begins a line or causes one. */
export function beginsLine(event: TraceEvent): Begins {
  switch (event.name) {
    case 'tcp:segment_received':
    case 'tcp:segment_sent':
    case 'tcp:stray_received':
    case 'tcp:stray_sent':
    case 'ip:datagram':
    case 'ip:packet_dropped':
      return Begins.line;
    case 'link:dropped':
    case 'link:altered':
      return event.data.direction === 'in' ? Begins.line : Begins.nothing;
    default:
      return leadsToSending(event) ? Begins.cause : Begins.nothing;
  }
}

/** True for events caused by the user or a timer, not by the last segment received. */
function leadsToSending(event: TraceEvent): boolean {
  switch (event.name) {
    case 'recovery:timer_expired':
      return true;
    case 'tcp:state_changed':
      return isCall(event.data.cause);
    case 'tcp:note':
      return event.data.note === 'iss-chosen';
    default:
      return false;
  }
}
