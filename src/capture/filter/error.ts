/**
 * A filter that cannot be compiled. The message shows where:
 *
 *     'prot' is unknown; did you mean 'port'?
 *       tcp prot 80
 *           ^^^^
 */
export class FilterError extends Error {
  /** The place in the filter, in characters. */
  readonly at: number;
  readonly length: number;
  /** The first line of the message. */
  readonly what: string;

  constructor(filter: string, at: number, length: number, what: string) {
    const line = filter.replaceAll(/\s/g, ' ');
    super(`${what}\n  ${line}\n  ${' '.repeat(at)}${'^'.repeat(Math.max(length, 1))}`);
    this.at = at;
    this.length = length;
    this.what = what;
  }
}
