/** Prints a line for each connection that ends, up to a rate that can be followed. */
import { countText } from '../../base/quantities.js';
import type { Micros } from '../../base/time.js';
import type { Flow } from '../../stack/flow.js';
import { Begins, LineLimit } from '../../observe/line-limit.js';
import { summaryLine, summaryOf } from '../../observe/summary.js';
import type { Tcb } from '../../tcp/tcb.js';

/** `print` takes one line. */
export class SummaryLines {
  private readonly print: (line: string) => void;
  private readonly limit: LineLimit;
  private readonly start: Micros;

  constructor(print: (line: string) => void, most: number, start: Micros) {
    this.print = print;
    this.start = start;
    this.limit = new LineLimit(most);
    this.limit.onResume.push(() => {
      this.tellHidden();
    });
  }

  readonly ended = (conn: Tcb, flow: Flow, now: Micros): void => {
    if (!this.limit.lets(Begins.line, now - this.start)) return;
    this.print(summaryLine(summaryOf(conn, flow, this.start, now)));
  };

  tick(now: Micros): void {
    if (this.limit.isOver(now - this.start)) this.limit.resume();
  }

  end(): void {
    this.tellHidden();
  }

  private tellHidden(): void {
    const { hidden } = this.limit;
    if (hidden > 0) this.print(`… and ${countText(hidden, 'more connection')} in that second`);
  }
}
