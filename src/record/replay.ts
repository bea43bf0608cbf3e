/**
 * Runs a recorded stack again, step by step: the same inputs in the same order, so the same
 * packets, events and states, bit for bit. A step is one input from outside.
 */
import type { StackObserver } from '../stack/observer.js';
import { Stack } from '../stack/stack.js';
import type { Connection } from '../tcp/connection.js';
import { RecordingEnds } from './errors.js';
import { damagedAt } from './fields.js';
import { optionsOf } from './header.js';
import { Inputs } from './inputs.js';
import type { ByteSource } from './reader.js';
import { Op, recordType } from './records.js';
import { replayConnectionClass } from './replay-connection.js';
import { ReplayDevice } from './replay-device.js';
import { replayRandom } from './replay-users.js';
import { stateHashOf } from './state-hash.js';
import type { Played, Step } from './step.js';
import { Transcript } from './transcript.js';

export interface ReplayOptions {
  /** Observes the replayed stack. */
  readonly observer?: StackObserver | null;
}

const HOOKS = ['onWake', 'onTurnBegin', 'onTurnEnd', 'onPacketsWait'] as const;

export class Replay extends Transcript {
  readonly stack: Stack;
  /** All connections of the recording so far, by their numbers. */
  readonly connections: Connection[] = [];
  private readonly inputs: Inputs;

  /** Throws RecordingError if it is no recording that this version can read. */
  constructor(source: ByteSource, o: ReplayOptions = {}) {
    super(source);
    if (this.reader.peek() !== Op.construct)
      throw damagedAt(this.reader.offset, 'it does not begin with the construction of a stack');
    this.reader.byte();
    const hook = (): void => {
      this.cross();
    };
    this.isInside = true;
    this.stack = new Stack({
      ...optionsOf(this.header),
      device: new ReplayDevice(this),
      random: replayRandom(this),
      observer: o.observer ?? null,
      Connection: replayConnectionClass(this, this.connections),
      onWarning: hook,
      onDeviceError: hook,
    });
    for (const name of HOOKS) this.stack[name] = hook;
    this.inputs = new Inputs(this, this.stack, this.connections);
    this.finishStep('the construction of the stack');
    this.throwIfDamaged();
  }

  /** Nothing more can be replayed. */
  get isOver(): boolean {
    return this.isBroken || !this.reader.hasMore;
  }

  /**
   * Replays one step. Returns null at the end, at a divergence (`divergence`), and at a step that
   * was cut (`isCut`). Throws RecordingError if the recording is damaged.
   */
  next(): Step | null {
    this.throwIfDamaged();
    if (this.isOver) return null;
    const { reader } = this;
    this.crossings = 0;
    const op = reader.byte();
    if (recordType(op)?.kind !== 'input' || op === Op.construct)
      throw damagedAt(reader.offset - 1, `record ${op} does not begin a step`);
    let played: Played | null = null;
    try {
      played = this.input(op);
    } catch (error) {
      this.fail(error);
    }
    this.finishStep(played?.text ?? recordType(op)!.name);
    this.throwIfDamaged();
    if (this.isBroken || played === null) return null;
    return { ...played, number: this.steps, name: recordType(op)!.name, now: this.now };
  }

  protected override input(op: number): Played {
    this.isInside = true;
    try {
      return this.inputs.play(op);
    } finally {
      this.isInside = false;
    }
  }

  /** The records of a step end with a hash, if one is due, and with `end`. */
  private finishStep(what: string): void {
    this.isInside = false;
    if (this.isBroken) return;
    try {
      const { reader } = this;
      if (reader.peek() === Op.hash) {
        reader.byte();
        const expected = reader.number();
        const got = stateHashOf(this.stack, this.now);
        if (expected !== got) this.diverge(`the state hash ${expected}`, `the state hash ${got}`);
      }
      const next = reader.peek();
      if (next === -1) throw new RecordingEnds();
      if (next !== Op.end) this.diverge(this.nextText(), `nothing more of ${what}`);
      else {
        reader.byte();
        this.steps++;
      }
    } catch (error) {
      this.fail(error);
    }
  }
}
