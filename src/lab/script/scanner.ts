/**
 * Reads a script from left to right. It skips blanks and comments, and every error has its line and
 * column.
 */
import type { Place } from './ast.js';
import { type Defined, sourcePosition, substitute } from './defines.js';

/** The script has a syntax error, or uses an unsupported part of the language. */
export class ScriptSyntaxError extends Error {
  override readonly name = 'ScriptSyntaxError';
  readonly file: string;
  readonly place: Place;

  /**
   * True for an unsupported part of the language; the script is then skipped, not failed.
   */
  readonly isUnknown: boolean;

  constructor(file: string, place: Place, what: string, line: string, isUnknown = false) {
    super(
      `${file}:${place.line}:${place.column}: ${what}\n    ${line}\n    ` +
        `${' '.repeat(place.column - 1)}^`,
    );
    this.file = file;
    this.place = place;
    this.isUnknown = isUnknown;
  }
}

const BLANKS = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;

export class Scanner {
  readonly file: string;
  /** The script's text with the values of `-D`. */
  readonly text: string;
  at = 0;
  private readonly source: string;
  private readonly defined: readonly Defined[];
  private readonly lineStarts: number[] = [0];

  constructor(file: string, source: string, defines: ReadonlyMap<string, string> = new Map()) {
    this.file = file;
    this.source = source;
    ({ text: this.text, defined: this.defined } = substitute(source, defines));
    for (let i = source.indexOf('\n'); i >= 0; i = source.indexOf('\n', i + 1))
      this.lineStarts.push(i + 1);
  }

  /** True if the text at this position is a value of `-D`. */
  isDefined(at: number): boolean {
    return this.defined.some((d) => at >= d.at && at < d.at + d.bytes);
  }

  skipBlanks(): void {
    BLANKS.lastIndex = this.at;
    if (BLANKS.test(this.text)) this.at = BLANKS.lastIndex;
  }

  get atEnd(): boolean {
    this.skipBlanks();
    return this.at >= this.text.length;
  }

  /** The place of the next word. */
  place(): Place {
    this.skipBlanks();
    return this.placeOf(this.at);
  }

  /** The place in the script's source. */
  placeOf(position: number): Place {
    const at = sourcePosition(this.defined, position);
    let low = 0;
    let high = this.lineStarts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.lineStarts[middle]! <= at) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: at - this.lineStarts[low]! + 1 };
  }

  /** Matches `pattern` (sticky) here and moves past it; null if it does not match. */
  take(pattern: RegExp): RegExpExecArray | null {
    this.skipBlanks();
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (match !== null) this.at = pattern.lastIndex;
    return match;
  }

  /** Returns true and moves past `word` if it comes next. */
  takeText(word: string): boolean {
    this.skipBlanks();
    if (!this.text.startsWith(word, this.at)) return false;
    this.at += word.length;
    return true;
  }

  /** True if `pattern` (sticky) matches here. */
  ahead(pattern: RegExp): boolean {
    const before = this.at;
    const fits = this.take(pattern) !== null;
    this.at = before;
    return fits;
  }

  next(word: string): boolean {
    this.skipBlanks();
    return this.text.startsWith(word, this.at);
  }

  expect(word: string, why: string): void {
    if (!this.takeText(word)) this.fail(`expected '${word}' ${why}`);
  }

  need(pattern: RegExp, what: string): RegExpExecArray {
    return this.take(pattern) ?? this.fail(`expected ${what}`);
  }

  /** Throws ScriptSyntaxError with `what` and the word found instead. */
  fail(what: string, place = this.place()): never {
    const found = /\S+/y;
    found.lastIndex = this.at;
    const word = found.exec(this.text)?.[0];
    const instead = word === undefined ? 'the end of the script' : `'${word.slice(0, 40)}'`;
    this.failAt(`${what}, found ${instead}`, place);
  }

  /** Throws for an unsupported part of the language. */
  unknown(what: string, place: Place): never {
    this.failAt(what, place, true);
  }

  failAt(what: string, place: Place, isUnknown = false): never {
    const line = this.source
      .slice(this.lineStarts[place.line - 1], this.lineStarts[place.line])
      .trimEnd();
    throw new ScriptSyntaxError(this.file, place, what, line, isUnknown);
  }
}

export const NUMBER = /-?(?:0x[0-9a-fA-F]+|\d+)/y;
export const NAME = /[A-Za-z_][A-Za-z0-9_]*/y;
