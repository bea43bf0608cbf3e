/**
 * Limits the lines shown per second. The check comes first: a hidden event is only counted, neither
 * recorded nor formatted, so that in a bulk transfer it costs one comparison.
 *
 *     line ─▶ shown, up to the limit ─▶ counted ─▶ the next second begins with a line or its cause
 */
import { SECOND, type Micros } from '../base/time.js';

/**
 * How an event relates to lines: part of the line before, a new line, or a cause of the next line.
 */
export const Begins = { nothing: 0, line: 1, cause: 2 } as const;
export type Begins = (typeof Begins)[keyof typeof Begins];

export class LineLimit {
  /** Lines of this second that are hidden. */
  hidden = 0;
  /** Called before the first line after a gap, because what was known before may be out of date. */
  readonly onResume: (() => void)[] = [];
  private readonly most: number;
  private secondEnd: Micros = 0;
  private shown = 0;
  /** After a gap the other events of a hidden line are hidden too. */
  private resuming = false;

  /** `most`: lines per second; 0 means no limit. */
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
    // The cause of a hidden line is hidden too.
    if (begins === Begins.cause) return this.shown < this.most;
    if (begins === Begins.nothing || ++this.shown <= this.most) return true;
    this.hidden = 1;
    return false;
  }

  /**
   * True if the second with hidden lines is over, so that `hidden` is final. Must be called from
   * time to time, because the next second may bring no event.
   */
  isOver(now: Micros): boolean {
    if (this.hidden > 0 && now >= this.secondEnd) this.beginSecond(now);
    return this.resuming;
  }

  /** Ends the gap: calls the listeners and resets `hidden`. */
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
