// @ts-check
/**
 * Repeats a measurement that fails. If it fails each time, its cell is marked and the bench goes
 * on. On a busy machine a contestant may fail once; for example, the mock never retransmits.
 */
import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS = 3;
const PAUSE_MS = 300;

/** @typedef {{ contestant: string, what: string, attempts: number, why: string }} Failure */

export class Patience {
  /**
   * Measurements that failed each time.
   *
   * @type {Failure[]}
   */
  failed = [];
  /**
   * Measurements that succeeded when they were repeated.
   *
   * @type {Failure[]}
   */
  repeated = [];

  /**
   * @template T
   * @param {string} contestant
   * @param {string} what
   * @param {(attempt: number) => T | Promise<T>} attempt the first is 1
   * @returns {Promise<T | null>} null if it failed each time
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

  /** One line for each failure and each repetition. */
  notes() {
    return [
      ...this.failed.map(
        ({ contestant, what, attempts, why }) =>
          `failed ${attempts} times: ${contestant}, ${what}: ${why}`,
      ),
      ...this.repeated.map(({ contestant, what, attempts, why }) => {
        const times = attempts === 2 ? 'once' : `${attempts - 1} times`;
        return `repeated because it failed ${times}: ${contestant}, ${what}: ${why}`;
      }),
    ];
  }
}
