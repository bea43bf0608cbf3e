/**
 * Decides when sockets and servers emit their events: one event each in a turn of the event loop,
 * as with libuv's callbacks.
 *
 *     the event loop calls the stack (device, timer) ─▶ the first event at once ─▶ others in rounds
 *     a user's call (the stack runs in a next tick)  ────────────────────────────▶ all in rounds
 *
 *     a round (a setImmediate): one event of each socket and server that has some
 *     after the last round that is set, or one in which `hurry` was called: one run of the stack
 *     for all calls that users made
 *
 * Node empties the tick and microtask queues when a callback of the event loop returns, and between
 * two immediates. So a handler's ticks and promises run before the next event of its socket, and no
 * event is emitted in the turn of the call that caused it. Most batches have one event and cost no
 * immediate.
 */
import { Ring } from '../base/ring.js';
import { throwLater } from './errors.js';

export interface Teller {
  /** Emits the first event that is due, if any is. */
  tellOne(): void;
  /** The number of events that wait, as far as it is known. */
  readonly untold: number;
  /** True if it has a place in the next round. */
  hasTurn: boolean;
}

/**
 * Most rounds before the event loop polls descriptors again, as libuv reads a descriptor at most 32
 * times in a row.
 */
const MOST_ROUNDS_AHEAD = 32;

export class Turns {
  private isFirst = false;
  private readonly waiting = new Ring<Teller>();
  /** The number of immediates that are set. */
  private roundsAhead = 0;
  /**
   * How many of them the event loop still runs before it polls descriptors. Immediates that are set
   * meanwhile come after that.
   */
  private inThisGo = 0;
  private readonly run: () => void;
  private runWanted = false;
  private isHurried = false;

  /** `run` makes the stack run after the current code. */
  constructor(run: () => void) {
    this.run = run;
  }

  /** The event loop has called the host, and no user code has run in this turn yet. */
  begin(): void {
    this.isFirst = true;
  }

  end(): void {
    this.isFirst = false;
  }

  /**
   * `teller` has an event from the network. Returns true if it was emitted now, false if a round
   * will emit it.
   */
  tell(teller: Teller): boolean {
    if (!this.isFirst) {
      this.later(teller);
      return false;
    }
    this.isFirst = false;
    this.tellOne(teller);
    return true;
  }

  /** The events of `teller` wait for rounds, because they must not be emitted in this turn. */
  later(teller: Teller): void {
    const wanted = Math.min(teller.untold, MOST_ROUNDS_AHEAD);
    if (wanted === 0) return;
    if (!teller.hasTurn) {
      teller.hasTurn = true;
      this.waiting.push(teller);
    }
    for (; this.roundsAhead < wanted; this.roundsAhead++) setImmediate(nextRound, this);
  }

  /**
   * Runs the stack to send what users have written, but after the rounds that are set, so that one
   * batch of packets serves all.
   */
  runSoon(): void {
    if (this.roundsAhead > 0) this.runWanted = true;
    else this.run();
  }

  /** Makes the stack run after this round, even if more rounds follow. */
  hurry(): void {
    this.isHurried = true;
  }

  /** @internal */
  round(): void {
    this.isHurried = false;
    if (this.inThisGo === 0) this.inThisGo = this.roundsAhead;
    this.inThisGo--;
    this.roundsAhead--;
    for (let n = this.waiting.length; n > 0; n--) {
      const teller = this.waiting.shift()!;
      teller.hasTurn = false;
      this.tellOne(teller);
    }
    if (!this.runWanted || (this.inThisGo > 0 && !this.isHurried)) return;
    this.runWanted = false;
    this.run();
  }

  private tellOne(teller: Teller): void {
    try {
      if (teller.untold > 0) teller.tellOne();
    } catch (error) {
      throwLater(error); // so that the other sockets and the stack continue
    }
    this.later(teller);
  }
}

const nextRound = (turns: Turns): void => {
  turns.round();
};
