/**
 * Notices about single clients: one line each on standard error. Lines beyond 20 a second are only
 * counted.
 */
import { countText } from '../../base/quantities.js';
import { monotonicClock } from '../../node/clock.js';
import { Begins, LineLimit } from '../../observe/line-limit.js';
import { Output } from './output.js';

const LINES_A_SECOND = 20;
const SECOND_MS = 1000;

export class Notices {
  private readonly out = Output.standardError();
  private readonly limit = new LineLimit(LINES_A_SECOND);
  private timer: NodeJS.Timeout | null = null;

  constructor() {
    this.limit.onResume.push(() => {
      this.tellHidden();
    });
  }

  readonly say = (line: string): void => {
    if (this.limit.lets(Begins.line, monotonicClock())) this.print(line);
    else this.timer ??= setInterval(this.look, SECOND_MS).unref();
  };

  close(): void {
    this.stopTimer();
    this.tellHidden();
    this.out.close();
  }

  /** Prints the number of hidden lines even if no client comes in the next second. */
  private readonly look = (): void => {
    if (this.limit.isOver(monotonicClock())) this.limit.resume();
    if (this.limit.hidden === 0) this.stopTimer();
  };

  private tellHidden(): void {
    const { hidden } = this.limit;
    if (hidden > 0) this.print(`… and ${countText(hidden, 'more client')} in that second`);
  }

  private stopTimer(): void {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
  }

  private print(line: string): void {
    this.out.write(Buffer.from(`tcplab: ${line}\n`));
  }
}
