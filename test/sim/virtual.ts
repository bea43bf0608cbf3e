/**
 * Virtual time for tests: objects with deadlines are driven from one deadline to the next, and the
 * clock jumps between them. A ten-minute keep-alive takes as long as its packets.
 *
 * The interfaces are minimal, so that stacks, connections, links and cables can all be driven. They
 * run in the order in which they were added, so that a run repeats byte for byte.
 */
import { NEVER, SECOND, type Micros } from '../../src/base/time.js';

export interface Drivable {
  nextTimeout(): Micros;
  onTimeout(now: Micros): void;
  /** For stacks: notifies users, sends pending output, flushes. Called after every step. */
  run?(now: Micros): void;
}

/** More steps than this at one instant mean an endless loop, such as two peers' endless replies. */
const MAX_TURNS_AT_ONE_INSTANT = 100_000;

export class VirtualTime {
  now: Micros;
  /** Steps taken so far. */
  steps = 0;
  private readonly driven: Drivable[] = [];
  private turnsAtThisInstant = 0;

  constructor(start: Micros = SECOND) {
    this.now = start;
  }

  add(...driven: Drivable[]): this {
    this.driven.push(...driven);
    return this;
  }

  /** The next deadline, or NEVER if there is none. */
  nextTimeout(): Micros {
    let next = NEVER;
    for (const d of this.driven) next = Math.min(next, d.nextTimeout());
    return next;
  }

  /**
   * Jumps to the next deadline, at most to `limit`, and runs everything that is due. Returns false
   * if nothing is due by then.
   */
  step(limit: Micros = NEVER): boolean {
    const next = this.nextTimeout();
    if (next === NEVER || next > limit) return false;
    if (next > this.now) {
      if (!Number.isInteger(next))
        throw new Error(`a deadline of ${next} us is not a whole number`);
      this.now = next;
      this.turnsAtThisInstant = 0;
    } else if (++this.turnsAtThisInstant > MAX_TURNS_AT_ONE_INSTANT) {
      throw new Error(`no end at ${this.now} us: something is due again and again`);
    }
    this.steps++;
    for (const d of this.driven) if (d.nextTimeout() <= this.now) d.onTimeout(this.now);
    for (const d of this.driven) d.run?.(this.now);
    return true;
  }

  /**
   * Steps until `condition` holds. Returns false if there are no more deadlines, or if `maxTime`
   * microseconds have passed; the clock then stands at the end of that time.
   */
  runUntil(condition: () => boolean, maxTime: Micros = 3600 * SECOND): boolean {
    const limit = this.now + maxTime;
    for (const d of this.driven) d.run?.(this.now);
    while (!condition()) {
      if (this.step(limit)) continue;
      if (this.nextTimeout() !== NEVER) this.now = limit;
      return false;
    }
    return true;
  }

  /** Lets `duration` microseconds pass. */
  pass(duration: Micros): void {
    const end = this.now + duration;
    this.runUntil(() => false, duration);
    this.now = end;
  }

  /** Steps until there are no deadlines. Returns false if `maxTime` microseconds passed first. */
  runToQuiescence(maxTime: Micros = 3600 * SECOND): boolean {
    this.runUntil(() => false, maxTime);
    return this.nextTimeout() === NEVER;
  }
}
