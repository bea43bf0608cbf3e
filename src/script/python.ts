/**
 * `%{ assert tcpi_snd_cwnd == 10, tcpi_snd_cwnd }%`: the part of Python that packet scripts use. Assertions, `print`, comparisons (chained, too), `and`, `or`,
 * `not`, arithmetic, numbers, strings, names of TCP_INFO. Anything else is Unsupported.
 */
import { CONSTANTS } from './constants.js';
import { Unsupported } from './values.js';

export type Value = number | string | boolean | null;
export type Names = Readonly<Record<string, number | string>>;

/** The first assertion that does not hold, in words; null when all do. */
export function runCode(text: string, names: Names): string | null {
  for (const statement of statements(text)) {
    const failure = new Evaluator(statement, names).statement();
    if (failure !== null) return failure;
  }
  return null;
}

/** Statements end with a line or a semicolon, but not inside parentheses; `#` begins a comment. */
function statements(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  const clean = text.replace(/#[^\n]*/g, '').replace(/\\\n/g, ' ');
  for (let i = 0; i <= clean.length; i++) {
    const c = clean[i];
    if (c === '(' || c === '[') depth++;
    else if (c === ')' || c === ']') depth--;
    else if (c === undefined || (depth === 0 && (c === '\n' || c === ';'))) {
      const statement = clean.slice(start, i).trim();
      if (statement !== '') found.push(statement);
      start = i + 1;
    }
  }
  return found;
}

const TOKEN =
  /\s*(?:(0x[0-9a-fA-F]+|\d+\.?\d*|\.\d+)|([A-Za-z_]\w*)|("[^"]*"|'[^']*')|(==|!=|<=|>=|\/\/|\*\*|<<|>>|[-+*/%()<>,=&|^~]))/y;

class Evaluator {
  private readonly tokens: string[] = [];
  private at = 0;
  private readonly text: string;
  private readonly names: Names;

  constructor(text: string, names: Names) {
    this.text = text;
    this.names = names;
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const match = TOKEN.exec(text);
      if (match === null) throw this.unsupported();
      this.tokens.push(match[0].trim());
    }
  }

  private unsupported(): Unsupported {
    return new Unsupported(`this code is beyond the Python that is known here: ${this.text}`);
  }

  statement(): string | null {
    if (this.take('assert')) {
      const before = this.at;
      const holds = truth(this.or());
      const condition = this.tokens.slice(before, this.at).join(' ');
      const message = this.take(',') ? this.or() : null;
      this.end();
      if (holds) return null;
      return `assertion failed: ${condition}${message === null ? '' : ` (${String(message)})`}; ${this.values(before)}`;
    }
    if (this.take('print')) {
      while (this.at < this.tokens.length) this.at++;
      return null;
    }
    throw this.unsupported();
  }

  /** What the names of the condition stand for. */
  private values(from: number): string {
    const used = this.tokens.slice(from).filter((t) => Object.hasOwn(this.names, t));
    return [...new Set(used)].map((t) => `${t} is ${this.names[t]}`).join(', ');
  }

  private take(token: string): boolean {
    if (this.tokens[this.at] !== token) return false;
    this.at++;
    return true;
  }

  private end(): void {
    if (this.at !== this.tokens.length) throw this.unsupported();
  }

  private or(): Value {
    let left = this.and();
    while (this.take('or')) {
      const right = this.and();
      left = truth(left) ? left : right;
    }
    return left;
  }

  private and(): Value {
    let left = this.not();
    while (this.take('and')) {
      const right = this.not();
      left = truth(left) ? right : left;
    }
    return left;
  }

  private not(): Value {
    return this.take('not') ? !truth(this.not()) : this.comparison();
  }

  private comparison(): Value {
    let left = this.sum();
    let holds: boolean | null = null;
    for (let op = this.tokens[this.at]; op !== undefined && op in COMPARE; op = this.tokens[this.at]) {
      this.at++;
      const right = this.sum();
      holds = (holds ?? true) && COMPARE[op]!(left, right);
      left = right;
    }
    return holds ?? left;
  }

  private sum(): Value {
    let left = this.product();
    for (;;) {
      if (this.take('+')) left = num(left) + num(this.product());
      else if (this.take('-')) left = num(left) - num(this.product());
      else if (this.take('&')) left = num(left) & num(this.product());
      else if (this.take('|')) left = num(left) | num(this.product());
      else return left;
    }
  }

  private product(): Value {
    let left = this.unary();
    for (;;) {
      if (this.take('*')) left = num(left) * num(this.unary());
      else if (this.take('//')) left = Math.floor(num(left) / num(this.unary()));
      else if (this.take('/')) left = num(left) / num(this.unary());
      else if (this.take('%')) left = num(left) % num(this.unary());
      else if (this.take('<<')) left = num(left) * 2 ** num(this.unary());
      else if (this.take('>>')) left = Math.floor(num(left) / 2 ** num(this.unary()));
      else return left;
    }
  }

  private unary(): Value {
    if (this.take('-')) return -num(this.unary());
    if (this.take('+')) return num(this.unary());
    const base = this.atom();
    return this.take('**') ? num(base) ** num(this.unary()) : base;
  }

  private atom(): Value {
    const token = this.tokens[this.at++];
    if (token === undefined) throw this.unsupported();
    if (/^[\d.]/.test(token)) return Number(token);
    if (/^["']/.test(token)) return token.slice(1, -1);
    if (token === '(') {
      const inside = this.or();
      if (!this.take(')')) throw this.unsupported();
      return inside;
    }
    if (/^(min|max|abs|int|round|float)$/.test(token) && this.take('(')) return this.call(token);
    if (token === 'True') return true;
    if (token === 'False') return false;
    const value = this.names[token] ?? CONSTANTS[token];
    if (value === undefined) throw new Unsupported(`the name '${token}' is not known in code`);
    return value;
  }

  private call(name: string): Value {
    const args: number[] = [];
    do args.push(num(this.or()));
    while (this.take(','));
    if (!this.take(')')) throw this.unsupported();
    if (name === 'min') return Math.min(...args);
    if (name === 'max') return Math.max(...args);
    if (name === 'abs') return Math.abs(args[0]!);
    if (name === 'int') return Math.trunc(args[0]!);
    return name === 'round' ? Math.round(args[0]!) : args[0]!;
  }
}

const num = (v: Value): number => {
  if (typeof v === 'string') throw new Unsupported('arithmetic with text in code');
  return Number(v);
};
const truth = (v: Value): boolean => v !== null && v !== 0 && v !== '' && v !== false;
const COMPARE: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  '==': (a, b) => Number(a) === Number(b) || a === b,
  '!=': (a, b) => Number(a) !== Number(b) && a !== b,
  '<': (a, b) => num(a) < num(b),
  '<=': (a, b) => num(a) <= num(b),
  '>': (a, b) => num(a) > num(b),
  '>=': (a, b) => num(a) >= num(b),
};
