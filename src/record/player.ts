/**
 * Goes through a recording, forwards and back. Back is again from the start, because no stack can
 * run backwards.
 *
 *     goTo(n) ─▶ replay steps to n - 1 ─▶ control blocks ─▶ step n ─▶ view: what changed, and why
 */
import type { Micros } from '../base/time.js';
import { type EventMark, markOf } from '../observe/event-marks.js';
import type { TraceEvent } from '../observe/events.js';
import { fanOut } from '../observe/fanout.js';
import { LiveLines } from '../observe/live.js';
import { Recorder } from '../observe/recorder.js';
import type { StackObserver } from '../stack/observer.js';
import { flowOf } from '../stack/tcp/entry.js';
import type { Connection } from '../tcp/connection.js';
import { type Change, changesOf, type ControlBlock, controlBlockOf } from './control-block.js';
import { type Overview, overviewOf } from './overview.js';
import type { ByteSource } from './reader.js';
import { numberOf } from './recorded-user.js';
import { Replay } from './replay.js';
import type { Step } from './step.js';
import type { Divergence } from './transcript.js';

/** What happened in a step that people look for. */
export type Mark = Extract<EventMark, 'retransmission' | 'drop' | 'state'>;

/** A step as it is shown. */
export interface StepView {
  readonly step: Step;
  /** Seconds since the start of the recording. */
  readonly seconds: number;
  /** Live lines with their reasons. */
  readonly lines: readonly string[];
  readonly events: readonly TraceEvent[];
  readonly marks: ReadonlySet<Mark>;
  /** The connections of the step: the one that was called, then those with an event. */
  readonly connections: readonly ConnectionView[];
  /** The first of them, else the connection of an earlier step; null if there was none. */
  readonly shown: ConnectionView | null;
}

export interface ConnectionView {
  readonly number: number;
  /** `198.18.0.2:80 198.18.0.1:4711`. */
  readonly flow: string;
  readonly block: ControlBlock;
  readonly changes: readonly Change[];
}

/** Step 1 is the construction of the stack. */
export const FIRST_STEP = 2;
/** With more connections than these only those are compared that the step calls. */
const MOST_COMPARED = 500;

export class Player {
  readonly overview: Overview;
  private readonly source: ByteSource;
  private replay!: Replay;
  private lines: string[] = [];
  private events: TraceEvent[] = [];
  private touched = new Set<Connection>();
  private lastTouched: Connection | null = null;
  private live!: LiveLines;

  /** Throws RecordingError if it is no recording that this version can read. */
  constructor(source: ByteSource) {
    this.source = source;
    this.overview = overviewOf(source);
    this.restart();
  }

  private restart(): void {
    const { start } = this.overview;
    this.lastTouched = null;
    this.live = new LiveLines((text) => this.lines.push(...text.split('\n')), { why: true });
    const recorder = new Recorder((event) => {
      this.events.push(event);
      this.live.sink(event);
    }, start);
    const touch = (conn: Connection): void => {
      this.touched.add(conn);
    };
    this.replay = new Replay(this.source, { observer: fanOut(recorder, touchedBy(touch)) });
  }

  /** Steps that were replayed. */
  get at(): number {
    return this.replay.steps;
  }

  get divergence(): Divergence | null {
    return this.replay.divergence;
  }

  get isOver(): boolean {
    return this.at >= this.overview.steps || this.divergence !== null;
  }

  /** Replays a step without control blocks. Null at the end, and at a divergence. */
  private advance(): Step | null {
    this.lines = [];
    this.events = [];
    this.touched.clear();
    const step = this.isOver ? null : this.replay.next();
    this.live.flush();
    if (step?.conn) this.touched = new Set([step.conn, ...this.touched]);
    for (const first of this.touched) {
      this.lastTouched = first;
      break;
    }
    return step;
  }

  /** Replays the next step. Null at the end, and at a divergence. */
  next(): StepView | null {
    const before = this.blocks();
    const step = this.advance();
    return step === null ? null : this.view(step, before);
  }

  private blocks(): Map<Connection, ControlBlock> {
    const blocks = new Map<Connection, ControlBlock>();
    const { stack, now } = this.replay;
    if (stack.tcp.connectionCount > MOST_COMPARED) return blocks;
    for (const conn of stack.connections())
      blocks.set(conn, controlBlockOf(conn, now, this.overview.start));
    return blocks;
  }

  private view(step: Step, before: ReadonlyMap<Connection, ControlBlock>): StepView {
    const { events, lines, replay, lastTouched } = this;
    const { start } = this.overview;
    const viewOf = (conn: Connection): ConnectionView => {
      const block = controlBlockOf(conn, replay.now, start);
      const changes = changesOf(before.get(conn), block);
      return { number: numberOf(conn), flow: flowOf(conn).toString(), block, changes };
    };
    return {
      step,
      // Before the first input with a time the recording has none.
      seconds: Math.max(0, step.now - start) / 1e6,
      lines,
      events,
      marks: marksOf(events),
      connections: [...this.touched].map(viewOf),
      shown: lastTouched === null ? null : viewOf(lastTouched),
    };
  }

  /** Goes to step `n`. Null if the recording ends, or diverges, before it. */
  goTo(n: number): StepView | null {
    if (n <= this.at) this.restart();
    while (this.at < n - 1) if (this.advance() === null) return null;
    return this.next();
  }

  /** Goes to the last step at or before `seconds` after the start. */
  goToTime(seconds: number): StepView | null {
    const until: Micros = this.overview.start + seconds * 1e6;
    let last = FIRST_STEP;
    this.restart();
    for (let step = this.advance(); step !== null && step.now <= until; step = this.advance())
      last = step.number;
    return this.goTo(last);
  }

  /** Goes before the first step. */
  rewind(): void {
    this.restart();
  }

  /** Goes to the next step that fits. Null, and the place is kept, if there is none. */
  find(fits: (found: Found) => boolean): StepView | null {
    const from = this.at;
    for (let step = this.advance(); step !== null; step = this.advance())
      if (fits(this.found(step))) return this.goTo(step.number);
    if (this.divergence === null) this.stay(from);
    return null;
  }

  /** Goes to the last step before this one that fits; else as `find`. */
  findBack(fits: (found: Found) => boolean): StepView | null {
    const from = this.at;
    let last = 0;
    this.restart();
    while (this.at < from - 1) {
      const step = this.advance();
      if (step === null) break;
      if (fits(this.found(step))) last = step.number;
    }
    if (last > 0) return this.goTo(last);
    this.stay(from);
    return null;
  }

  private stay(at: number): void {
    this.restart();
    while (this.at < at && this.advance() !== null);
  }

  private found(step: Step): Found {
    return { marks: marksOf(this.events), text: [step.text, ...this.lines].join('\n') };
  }
}

/** What a search looks at. */
export interface Found {
  readonly marks: ReadonlySet<Mark>;
  /** The call, and its live lines. */
  readonly text: string;
}

const MARKS: ReadonlySet<EventMark> = new Set<Mark>(['retransmission', 'drop', 'state']);

function marksOf(events: readonly TraceEvent[]): Set<Mark> {
  const marks = events.map(markOf).filter((mark) => mark !== null && MARKS.has(mark));
  return new Set(marks as Mark[]);
}

/** An observer that only says which connections had an event. */
function touchedBy(touch: (conn: Connection) => void): StackObserver {
  const nothing = (): void => undefined;
  return {
    segmentArrived: touch,
    segmentDropped: touch,
    segmentSent: touch,
    stateChanged: touch,
    timerSet: touch,
    timerStopped: touch,
    timerExpired: touch,
    noted: touch,
    called: touch,
    packetDropped: nothing,
    strayArrived: nothing,
    straySent: nothing,
    datagram: nothing,
    turnEnds: nothing,
  };
}
