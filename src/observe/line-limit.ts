/**
 * How many lines of a second are shown. It stands before all work: what is not shown is neither
 * recorded nor formatted, only counted, so that a bulk transfer costs one comparison an event.
 *
 *     line ─▶ shown until the second's lines are used up ─▶ counted ─▶ the next second begins with a line or its cause
 */
import { SECOND, type Micros } from '../base/time.js';

/** What an event is to the lines: part of the one before, a new one, or what leads to the next. */
export const Begins = { nothing: 0, line: 1, cause: 2 } as const;
export type Begins = (typeof Begins)[keyof typeof Begins];

export class LineLimit {
  /** Lines of this second that are not shown. */
  hidden = 0;
  /**
   * Called before the first line after a gap: what was learned before the gap may be out of date.
   */
  readonly onResume: (() => void)[] = [];
  private readonly most: number;
  private secondEnd: Micros = 0;
  private shown = 0;
  /** After a gap the parts of a hidden line are still hidden. */
  private resuming = false;

  /** `most`: lines for each second; 0: all. */
  constructor(most: number) {
    this.most = most;
  }

  lets(begins: Begins, now: Micros): boolean {
    if (this.most === 0) return true;
    if (now >= this.secondEnd) this.beginSecond(now);
    if (this.hidden > 0 && !this.resuming) {
      if (begins === Begins.line) this.hidden++;
      return false;
    }
    if (this.resuming) {
      if (begins === Begins.nothing) return false;
      this.resume();
    }
    // What leads to a line that will be hidden is hidden with it.
    if (begins === Begins.cause) return this.shown < this.most;
    if (begins === Begins.nothing || ++this.shown <= this.most) return true;
    this.hidden = 1;
    return false;
  }

  /**
   * Nothing may come in the next second: whoever prints lines asks from time to time. True:
   * `hidden` is final.
   */
  isOver(now: Micros): boolean {
    if (this.hidden > 0 && now >= this.secondEnd) this.beginSecond(now);
    return this.resuming;
  }

  /** What was hidden has been told. */
  resume(): void {
    for (const told of this.onResume) told();
    this.resuming = false;
    this.hidden = 0;
  }

  private beginSecond(now: Micros): void {
    this.secondEnd = (Math.floor(now / SECOND) + 1) * SECOND;
    this.shown = 0;
    this.resuming = this.hidden > 0;
  }
}
