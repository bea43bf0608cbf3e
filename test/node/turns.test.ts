import { describe, expect, it } from 'vitest';
import { Turns, type Teller } from '../../src/node/turns.js';

interface Scene {
  readonly turns: Turns;
  readonly log: string[];
  /** Requests a run of the stack, at most once until it happens, as a host does. */
  wake(): void;
  /** A teller with this number of events. */
  teller(name: string, events: number, then?: () => void): Teller;
}

/** Turns whose tellers and runs are logged. */
function scene(): Scene {
  const log: string[] = [];
  let pending = false;
  const turns = new Turns(() => {
    pending = false;
    log.push('run');
  });
  const wake = (): void => {
    if (pending) return;
    pending = true;
    turns.runSoon();
  };
  const teller = (name: string, events: number, then?: () => void): Teller => {
    let left = events;
    return {
      hasTurn: false,
      get untold() {
        return left;
      },
      tellOne() {
        log.push(`${name}${events - --left}`);
        then?.();
      },
    };
  };
  return { turns, log, wake, teller };
}

const untilDone = async (log: string[], entries: number): Promise<void> => {
  while (log.length < entries) await new Promise((resolve) => setImmediate(resolve));
};

describe('turns', () => {
  it('emit the first event of a batch at once, the others in rounds, one of each teller', async () => {
    const { turns, log, teller } = scene();
    const [a, b] = [teller('a', 2), teller('b', 3)];
    turns.begin();
    expect(turns.tell(a)).toBe(true);
    expect(turns.tell(b)).toBe(false);
    turns.end();
    expect(log).toEqual(['a1']);
    await untilDone(log, 5);
    expect(log).toEqual(['a1', 'a2', 'b1', 'b2', 'b3']);
  });

  it('run ticks and microtasks between two rounds', async () => {
    const { turns, log, teller } = scene();
    turns.tell(
      teller('a', 2, () => {
        process.nextTick(() => log.push('tick'));
        void Promise.resolve().then(() => log.push('microtask'));
      }),
    );
    await untilDone(log, 6);
    expect(log).toEqual(['a1', 'tick', 'microtask', 'a2', 'tick', 'microtask']);
  });

  it('run the stack at once if no round is scheduled', () => {
    const { log, wake } = scene();
    wake();
    expect(log).toEqual(['run']);
  });

  it('run the stack once after all scheduled rounds', async () => {
    const { turns, log, wake, teller } = scene();
    turns.tell(teller('a', 3, wake));
    turns.tell(teller('b', 2, wake));
    await untilDone(log, 6);
    expect(log).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'run']);
  });

  it('run the stack after an urgent round', async () => {
    const { turns, log, wake, teller } = scene();
    turns.tell(
      teller('a', 3, () => {
        wake();
        if (log.at(-1) === 'a2') turns.hurry();
      }),
    );
    await untilDone(log, 5);
    expect(log).toEqual(['a1', 'a2', 'run', 'a3', 'run']);
  });

  it('do not pass the urgency of one round to the next', async () => {
    const { turns, log, wake, teller } = scene();
    turns.tell(
      teller('a', 3, () => {
        if (log.at(-1) === 'a1') turns.hurry();
        else wake();
      }),
    );
    await untilDone(log, 4);
    expect(log).toEqual(['a1', 'a2', 'a3', 'run']);
  });

  it('run the stack before the event loop polls descriptors again, however many rounds follow', async () => {
    const { turns, log, wake, teller } = scene();
    let more = 3;
    turns.tell(
      teller('a', 1, () => {
        wake();
        // Rounds that are scheduled now belong to the next pass.
        if (more-- > 0) turns.tell(teller('b', 2));
      }),
    );
    await untilDone(log, 4);
    expect(log).toEqual(['a1', 'run', 'b1', 'b2']);
  });
});
