// @ts-check
/**
 * A measurement that fails is repeated, and one that fails each time leaves its cell empty: the
 * bench goes on. On a busy machine a contestant may hiccup; the mock, for one, never sends again
 * what was lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS = 3;
const PAUSE_MS = 300;

/** @typedef {{ contestant: string, what: string, attempts: number, why: string }} Failure */

export class Patience {
  /** What failed each time. @type {Failure[]} */
  failed = [];
  /** What was repeated, and went well then. @type {Failure[]} */
  repeated = [];

  /**
   * @template T
   * @param {string} contestant @param {string} what @param {(attempt: number) => T | Promise<T>}
   *   attempt the first is 1
   * @returns {Promise<T | null>} null when it failed each time
   */
  async attempt(contestant, what, attempt) {
    let why = '';
    for (let attempts = 1; attempts <= ATTEMPTS; attempts++) {
      try {
        const done = await attempt(attempts);
        if (attempts > 1) this.repeated.push({ contestant, what, attempts, why });
        return done;
      } catch (error) {
        why = error instanceof Error ? error.message : String(error);
      }
      await sleep(PAUSE_MS);
    }
    this.failed.push({ contestant, what, attempts: ATTEMPTS, why });
    return null;
  }

  /** What happened, a line each. */
  notes() {
    return [
      ...this.failed.map(
        ({ contestant, what, attempts, why }) =>
          `failed ${attempts} times: ${contestant}, ${what}: ${why}`,
      ),
      ...this.repeated.map(({ contestant, what, attempts, why }) => {
        const times = attempts === 2 ? 'once' : `${attempts - 1} times`;
        return `repeated, since it failed ${times}: ${contestant}, ${what}: ${why}`;
      }),
    ];
  }
}
