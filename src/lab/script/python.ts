/**
 * `%{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`: the part of Python that packet scripts use. It
 * has assertions, `print`, comparisons (also chained), `and`, `or`, `not`, arithmetic with Python's
 * precedence, numbers, strings with `%`, and the names of TCP_INFO. Anything else is Unsupported.
 *
 * An expression becomes a function, so that the part after `or`, or after an assertion's comma, is
 * evaluated only if Python would evaluate it.
 */
import { CONSTANTS } from './constants.js';
import {
  BINARY,
  compareValues,
  FUNCTIONS,
  isComparison,
  numeric,
  PythonError,
  textOf,
  truth,
  type Value,
} from './python-values.js';
import { statements, tokensOf } from './python-tokens.js';
import { Unsupported } from './values.js';

export type Names = Readonly<Record<string, number | string>>;
type Thunk = () => Value;

/** The variables and output of a script's code so far. */
export interface CodeState {
  readonly variables: Record<string, Value>;
  readonly printed: string[];
}

export const newCodeState = (): CodeState => ({
  variables: Object.create(null) as Record<string, Value>,
  printed: [],
});

/** Returns the first failed assertion, or Python's error, as text; null if there is none. */
export function runCode(text: string, names: Names, state = newCodeState()): string | null {
  for (const statement of statements(text)) {
    try {
      const failure = new Reader(statement, names, state).statement();
      if (failure !== null) return failure;
    } catch (error) {
      if (error instanceof PythonError) return `${error.message}: ${statement}`;
      throw error;
    }
  }
  return null;
}

/** Operators by precedence, lowest first; within a level from left to right. */
const LEVELS: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];

class Reader {
  private readonly tokens: readonly string[];
  private at = 0;
  private readonly text: string;
  private readonly names: Names;
  private readonly state: CodeState;

  constructor(text: string, names: Names, state: CodeState) {
    this.text = text;
    this.names = names;
    this.state = state;
    this.tokens = tokensOf(text) ?? this.beyond();
  }

  private beyond(): never {
    throw new Unsupported(`this code uses a part of Python that is not supported: ${this.text}`);
  }

  statement(): string | null {
    if (this.take('pass')) return null;
    if (this.take('print')) return this.print();
    if (/=$/.test(this.tokens[1] ?? '') && !isComparison(this.tokens[1]!)) return this.assign();
    if (!this.take('assert')) this.beyond();
    const before = this.at;
    const holds = this.expression();
    const condition = this.tokens.slice(before, this.at).join(' ');
    const message = this.take(',') ? this.expression() : null;
    if (this.at !== this.tokens.length) this.beyond();
    if (truth(holds())) return null;
    return (
      `assertion failed: ${condition}${message === null ? '' : ` (${textOf(message())})`}; ` +
      `${this.values(before)}`
    );
  }

  /** `print x`, `print(x, y)`: adds the values to the output, separated by blanks. */
  private print(): null {
    const items: Thunk[] = [];
    while (this.at < this.tokens.length) {
      items.push(this.expression());
      if (!this.take(',')) break;
    }
    if (this.at !== this.tokens.length) this.beyond();
    const isCall = items.length === 1 && this.tokens[1] === '(';
    const values = items.map((item) => item());
    const shown = isCall && Array.isArray(values[0]) ? values[0] : values;
    this.state.printed.push(shown.map(textOf).join(' '));
    return null;
  }

  /** `x = 1`, `x = y = 1`, `x += 1`. */
  private assign(): null {
    const targets: string[] = [];
    let operator = '=';
    while (
      /^[A-Za-z_]\w*$/.test(this.tokens[this.at] ?? '') &&
      /=$/.test(this.tokens[this.at + 1] ?? '')
    ) {
      if (operator !== '=' || isComparison(this.tokens[this.at + 1]!)) break;
      targets.push(this.tokens[this.at]!);
      operator = this.tokens[this.at + 1]!;
      this.at += 2;
    }
    let value = this.expression();
    if (this.take(',')) this.beyond();
    if (this.at !== this.tokens.length) this.beyond();
    if (operator !== '=') {
      const [before, change, calculate] = [targets[0]!, value, BINARY[operator.slice(0, -1)]!];
      value = () => calculate(this.valueOf(before), change());
    }
    const result = value();
    for (const name of targets) this.state.variables[name] = result;
    return null;
  }

  /** `a if b else c`, and everything of higher precedence. */
  private expression(): Thunk {
    const then = this.or();
    if (!this.take('if')) return then;
    const condition = this.or();
    if (!this.take('else')) this.beyond();
    const otherwise = this.expression();
    return () => (truth(condition()) ? then() : otherwise());
  }

  /** The values of the names in the condition. */
  private values(from: number): string {
    const known = { ...this.names, ...this.state.variables };
    const used = this.tokens.slice(from).filter((t) => Object.hasOwn(known, t));
    return [...new Set(used)].map((t) => `${t} is ${textOf(known[t]!)}`).join(', ');
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private or(): Thunk {
    let left = this.and();
    while (this.take('or')) {
      const [a, b] = [left, this.and()];
      left = () => {
        const value = a();
        return truth(value) ? value : b();
      };
    }
    return left;
  }

  private and(): Thunk {
    let left = this.not();
    while (this.take('and')) {
      const [a, b] = [left, this.not()];
      left = () => {
        const value = a();
        return truth(value) ? b() : value;
      };
    }
    return left;
  }

  private not(): Thunk {
    if (!this.take('not')) return this.comparison();
    const inside = this.not();
    return () => !truth(inside());
  }

  /** `a < b < c` is `a < b and b < c`. */
  private comparison(): Thunk {
    const first = this.binary(0);
    const rest: { op: string; right: Thunk }[] = [];
    for (let op = this.comparator(); op !== null; op = this.comparator())
      rest.push({ op, right: this.binary(0) });
    if (rest.length === 0) return first;
    return () => {
      let left = first();
      return rest.every(({ op, right }) => {
        const value = right();
        const holds = compareValues(op, left, value);
        left = value;
        return holds;
      });
    };
  }

  /** A comparison operator, `in` or `not in`; null for anything else. */
  private comparator(): string | null {
    const op = this.tokens[this.at];
    if (op === 'not' && this.tokens[this.at + 1] === 'in') {
      this.at += 2;
      return 'not in';
    }
    if (op === undefined || !(op === 'in' || isComparison(op))) return null;
    this.at++;
    return op;
  }

  private binary(level: number): Thunk {
    const operators = LEVELS[level];
    if (operators === undefined) return this.unary();
    let left = this.binary(level + 1);
    for (
      let op = this.tokens[this.at];
      op !== undefined && operators.includes(op);
      op = this.tokens[this.at]
    ) {
      this.at++;
      const [a, b, calculate] = [left, this.binary(level + 1), BINARY[op]!];
      left = () => calculate(a(), b());
    }
    return left;
  }

  private unary(): Thunk {
    for (const [op, of] of Object.entries(UNARY)) {
      if (!this.take(op)) continue;
      const inside = this.unary();
      return () => of(inside());
    }
    return this.power();
  }

  /** `**` has higher precedence than a sign on its left, and lower than one on its right. */
  private power(): Thunk {
    const base = this.atom();
    if (!this.take('**')) return base;
    const exponent = this.unary();
    return () => BINARY['**']!(base(), exponent());
  }

  private atom(): Thunk {
    const token = this.tokens[this.at++];
    if (token === undefined) this.beyond();
    if (/^[\d.]/.test(token)) {
      const value = Number(token);
      return () => value;
    }
    if (/^["']/.test(token)) {
      const value = token
        .slice(1, -1)
        .replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t' })[c] ?? c);
      return () => value;
    }
    if (token === '(') return this.inParentheses();
    if (token === '[') {
      const listed = this.list(']');
      return () => listed.map((item) => item());
    }
    const call = Object.hasOwn(FUNCTIONS, token) && this.take('(') ? FUNCTIONS[token]! : null;
    if (call !== null) {
      const args = this.list();
      return () => call(args.map((arg) => arg()));
    }
    if (!/^\w+$/.test(token) || this.tokens[this.at] === '(') this.beyond();
    if (Object.hasOwn(LITERALS, token)) return () => LITERALS[token]!;
    return () => this.valueOf(token);
  }

  /** `(1 + 2)`, or the tuple `(1, 2)`. */
  private inParentheses(): Thunk {
    const items = this.list();
    if (items.length === 1 && this.tokens[this.at - 2] !== ',') return items[0]!;
    return () => items.map((item) => item());
  }

  /** The list after an opening parenthesis or bracket, up to the closing one. */
  private list(close = ')'): Thunk[] {
    const items: Thunk[] = [];
    while (!this.take(close)) {
      items.push(this.expression());
      if (!this.take(',') && this.tokens[this.at] !== close) this.beyond();
    }
    return items;
  }

  private valueOf(name: string): Value {
    for (const names of [this.state.variables, this.names, CONSTANTS])
      if (Object.hasOwn(names, name)) return names[name]!;
    throw new Unsupported(`the name '${name}' is not known in code`);
  }
}

const LITERALS: Readonly<Record<string, Value>> = { True: true, False: false, None: null };
const UNARY: Readonly<Record<string, (v: Value) => Value>> = {
  '-': (v) => -numeric(v, '-'),
  '+': (v) => numeric(v, '+'),
  '~': (v) => -numeric(v, '~') - 1,
};
