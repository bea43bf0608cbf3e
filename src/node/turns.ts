/**
 * When sockets and servers tell their users what happened: each event in a turn of its own, as libuv's callbacks are.
 *
 *     the event loop calls the stack (device, timer) ─▶ the first event at once ─▶ the others: a setImmediate each
 *     a user's call (the stack runs in a next tick)  ───────────────────────────▶ all of them: a setImmediate each
 *
 * Node empties the tick and microtask queues when a callback of the event loop returns, and between two immediates. So a
 * handler has done all that it does in ticks and promises before the next event is told, and nothing is told in the turn of
 * the call that caused it. A batch with one event, which is most of them, costs no immediate.
 */
import { Ring } from '../base/ring.js';
import { throwLater } from './errors.js';

export interface Teller {
  /** Tells what is due first; nothing when nothing is due any more. */
  tellOne(): void;
  /** How many events it has to tell, as far as it knows. */
  readonly untold: number;
  /** Turns that wait for it. */
  turnsAhead: number;
}

/** As libuv's reads of one descriptor in a row: then others have their turn. */
const MOST_TURNS_AHEAD = 32;

export class Turns {
  private isFirst = false;
  private readonly waiting = new Ring<Teller>();

  /** The event loop calls, and no user's code ran in this turn yet. */
  begin(): void {
    this.isFirst = true;
  }

  end(): void {
    this.isFirst = false;
  }

  /** `who` has something to tell that came from the network. */
  tell(who: Teller): void {
    if (this.isFirst) {
      this.isFirst = false;
      try {
        who.tellOne();
      } catch (error) {
        throwLater(error); // the stack's turn goes on
      }
    }
    this.later(who);
  }

  /** Not in this turn. */
  later(who: Teller): void {
    for (let wanted = Math.min(who.untold, MOST_TURNS_AHEAD); who.turnsAhead < wanted; who.turnsAhead++) {
      this.waiting.push(who);
      setImmediate(nextTurn, this);
    }
  }

  /** @internal */
  next(): void {
    const who = this.waiting.shift()!;
    who.turnsAhead--;
    try {
      if (who.untold > 0) who.tellOne();
    } finally {
      this.later(who);
    }
  }
}

const nextTurn = (turns: Turns): void => {
  turns.next();
};
