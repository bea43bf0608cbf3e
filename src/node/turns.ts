/**
 * When sockets and servers tell their users what happened: one event of each in a turn of the event
 * loop, as libuv's callbacks are.
 *
 *     the event loop calls the stack (device, timer) ─▶ the first event at once ─▶ others in rounds
 *     a user's call (the stack runs in a next tick)  ────────────────────────────▶ all in rounds
 *
 *     a round (a setImmediate): one event of each socket and server that has some
 *     the last round that is set, and one in which `hurry` was called: then one run of the stack,
 *     for all calls that users made
 *
 * Node empties the tick and microtask queues when a callback of the event loop returns, and between
 * two immediates. So a handler has done all that it does in ticks and promises before the next
 * event of its socket is told, and nothing is told in the turn of the call that caused it. A batch
 * with one event, which is most of them, costs no immediate.
 */
import { Ring } from '../base/ring.js';
import { throwLater } from './errors.js';

export interface Teller {
  /** Tells what is due first; nothing when nothing is due any more. */
  tellOne(): void;
  /** How many events it has to tell, as far as it knows. */
  readonly untold: number;
  /** It has a place in the next round. */
  hasTurn: boolean;
}

/**
 * Rounds that follow each other before the event loop looks at descriptors again: as libuv's reads
 * of one in a row.
 */
const MOST_ROUNDS_AHEAD = 32;

export class Turns {
  private isFirst = false;
  private readonly waiting = new Ring<Teller>();
  /** Immediates that are set. */
  private roundsAhead = 0;
  /**
   * Those of them that the event loop runs in one go: what is set meanwhile comes after its next
   * look at descriptors.
   */
  private inThisGo = 0;
  private readonly run: () => void;
  private runWanted = false;
  private isHurried = false;

  /** `run` has the stack run, after the code that is running now. */
  constructor(run: () => void) {
    this.run = run;
  }

  /** The event loop calls, and no user's code ran in this turn yet. */
  begin(): void {
    this.isFirst = true;
  }

  end(): void {
    this.isFirst = false;
  }

  /**
   * `who` has something to tell that came from the network. True when it was told, false when that
   * comes in a round.
   */
  tell(who: Teller): boolean {
    if (!this.isFirst) {
      this.later(who);
      return false;
    }
    this.isFirst = false;
    this.tellOne(who);
    return true;
  }

  /** Not in this turn. */
  later(who: Teller): void {
    const wanted = Math.min(who.untold, MOST_ROUNDS_AHEAD);
    if (wanted === 0) return;
    if (!who.hasTurn) {
      who.hasTurn = true;
      this.waiting.push(who);
    }
    for (; this.roundsAhead < wanted; this.roundsAhead++) setImmediate(nextRound, this);
  }

  /**
   * What users do is to be sent: behind the rounds that are set, so that one batch of packets
   * serves all.
   */
  runSoon(): void {
    if (this.roundsAhead > 0) this.runWanted = true;
    else this.run();
  }

  /** The run does not wait for the rounds that come behind this one. */
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
      const who = this.waiting.shift()!;
      who.hasTurn = false;
      this.tellOne(who);
    }
    if (!this.runWanted || (this.inThisGo > 0 && !this.isHurried)) return;
    this.runWanted = false;
    this.run();
  }

  private tellOne(who: Teller): void {
    try {
      if (who.untold > 0) who.tellOne();
    } catch (error) {
      throwLater(error); // the others, and the stack's turn, go on
    }
    this.later(who);
  }
}

const nextRound = (turns: Turns): void => {
  turns.round();
};
