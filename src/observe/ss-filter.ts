/**
 * The filters of ss(8), over records of sockets:
 *
 *     state established '( sport = :80 or dst 198.18.0.0/24 )'
 *
 *     [state STATE | exclude STATE]... [EXPRESSION]
 *     EXPRESSION: and, or, not, ( ), and conditions; two in a row mean `and`
 *     condition:  sport [OP] PORT | dport [OP] PORT | src [OP] HOST | dst [OP] HOST
 *     OP:         = != > < >= <=, or eq ne gt lt ge le; without one it is =
 *     HOST:       ADDRESS[/BITS][:PORT]
 */
import { Address, AddressError, Prefix } from '../ip/address.js';
import { type EndData, type SocketRecord, SS_STATES, type SsState } from './socket-records.js';

/** A filter that cannot be understood; the message says what may stand there. */
export class FilterError extends Error {
  readonly code = 'EINVAL';
}

/** What the conditions look at. */
export type Ends = Pick<SocketRecord, 'local' | 'peer'>;

export interface SsFilter {
  /** Null: no `state` was named, so the command decides. */
  readonly states: ReadonlySet<SsState> | null;
  /** True without a condition. */
  readonly isEmpty: boolean;
  matches(ends: Ends): boolean;
}

/** The number of a port's name, such as `http`; null if it is unknown. */
export type PortOf = (name: string) => number | null;

const LONG_NAMES: Readonly<Record<string, SsState>> = {
  established: 'ESTAB',
  closed: 'UNCONN',
  unconnected: 'UNCONN',
  listening: 'LISTEN',
  'syn-received': 'SYN-RECV',
};
const MINISOCKETS: readonly SsState[] = ['TIME-WAIT', 'SYN-RECV'];
const without = (...names: readonly SsState[]): SsState[] =>
  SS_STATES.filter((s) => !names.includes(s));
const GROUPS: Readonly<Record<string, readonly SsState[]>> = {
  all: SS_STATES,
  connected: without('LISTEN', 'UNCONN'),
  synchronized: without('LISTEN', 'UNCONN', 'SYN-SENT'),
  bucket: MINISOCKETS,
  big: without(...MINISOCKETS),
};

/** What `ss` shows without a `state`: with -l only listeners, with -a all. */
export function defaultStates(all: boolean, listening: boolean): ReadonlySet<SsState> {
  if (all) return new Set(SS_STATES);
  if (listening) return new Set<SsState>(['LISTEN', 'UNCONN']);
  return new Set(without('LISTEN', 'UNCONN', ...MINISOCKETS));
}

/** The states of a name or of a group. Throws FilterError. */
function statesOf(name: string | undefined, after: string): readonly SsState[] {
  const word = name?.toLowerCase();
  const one =
    SS_STATES.find((s) => s.toLowerCase() === word) ??
    (Object.hasOwn(LONG_NAMES, word ?? '') ? LONG_NAMES[word!] : undefined);
  const states =
    one === undefined ? (Object.hasOwn(GROUPS, word ?? '') ? GROUPS[word!] : undefined) : [one];
  if (states !== undefined) return states;
  const names = [
    'established',
    ...without('ESTAB', 'UNCONN', 'LISTEN').map((s) => s.toLowerCase()),
    'closed',
    'listening',
    ...Object.keys(GROUPS),
  ];
  throw new FilterError(
    name === undefined
      ? `'${after}' needs a state: ${names.join(', ')}`
      : `there is no state '${name}'; the states are ${names.join(', ')}`,
  );
}

type Test = (ends: Ends) => boolean;
type Compare = (a: number, b: number) => boolean;

const COMPARE: Readonly<Record<string, Compare>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};
const OPERATORS: Readonly<Record<string, string>> = {
  '=': '=',
  '==': '=',
  eq: '=',
  '!=': '!=',
  ne: '!=',
  neq: '!=',
  '>': '>',
  gt: '>',
  '<': '<',
  lt: '<',
  '>=': '>=',
  geq: '>=',
  ge: '>=',
  '<=': '<=',
  leq: '<=',
  le: '<=',
};
const AND = new Set(['and', '&', '&&']);
const OR = new Set(['or', '|', '||']);
const NOT = new Set(['not', '!']);
const TOKEN = /\(|\)|&&?|\|\|?|==?|!=|<=?|>=?|!|[^\s()&|=!<>]+/g;
const CONDITIONS = 'sport, dport, src, dst';

/** Throws FilterError. */
export function parseSsFilter(text: string, portOf: PortOf = () => null): SsFilter {
  const tokens = text.match(TOKEN) ?? [];
  const states = takeStates(tokens);
  if (tokens.length === 0) return { states, isEmpty: true, matches: () => true };
  const parser = new ExpressionParser(tokens, portOf);
  return { states, isEmpty: false, matches: parser.parse() };
}

/** Takes `state X` and `exclude X` off the front. */
function takeStates(tokens: string[]): ReadonlySet<SsState> | null {
  let states: Set<SsState> | null = null;
  while (tokens[0] === 'state' || tokens[0] === 'exclude' || tokens[0] === 'excl') {
    const word = tokens.shift()!;
    const named = statesOf(tokens.shift(), word);
    if (word === 'state') {
      states ??= new Set();
      for (const s of named) states.add(s);
    } else {
      states ??= new Set(SS_STATES);
      for (const s of named) states.delete(s);
    }
  }
  return states;
}

class ExpressionParser {
  private at = 0;
  private readonly tokens: readonly string[];
  private readonly portOf: PortOf;

  constructor(tokens: readonly string[], portOf: PortOf) {
    this.tokens = tokens;
    this.portOf = portOf;
  }

  parse(): Test {
    const test = this.either();
    const rest = this.tokens[this.at];
    if (rest === undefined) return test;
    throw new FilterError(
      rest === ')' ? "there is a ')' without its '('" : `'${rest}' is not expected here`,
    );
  }

  private either(): Test {
    let left = this.both();
    while (this.takes(OR)) {
      const [a, b] = [left, this.both()];
      left = (r) => a(r) || b(r);
    }
    return left;
  }

  private both(): Test {
    let left = this.single();
    for (;;) {
      const next = this.tokens[this.at];
      if (!this.takes(AND) && (next === undefined || next === ')' || OR.has(next))) return left;
      const [a, b] = [left, this.single()];
      left = (r) => a(r) && b(r);
    }
  }

  private single(): Test {
    if (this.takes(NOT)) {
      const test = this.single();
      return (r) => !test(r);
    }
    const word = this.tokens[this.at++];
    switch (word) {
      case undefined:
        throw new FilterError(`the filter ends too early; it goes on with ${CONDITIONS}, not or (`);
      case '(': {
        const test = this.either();
        if (this.tokens[this.at++] !== ')') throw new FilterError("a ')' is missing");
        return test;
      }
      case 'sport':
        return this.port(word, (r) => r.local.port);
      case 'dport':
        return this.port(word, (r) => r.peer.port);
      case 'src':
        return this.host(word, (r) => r.local);
      case 'dst':
        return this.host(word, (r) => r.peer);
      case 'state':
      case 'exclude':
        throw new FilterError(`'${word}' stands before all conditions`);
      default:
        throw new FilterError(`there is no condition '${word}'; there are ${CONDITIONS}`);
    }
  }

  private port(word: string, of: (r: Ends) => number): Test {
    const compare = COMPARE[this.operator()]!;
    const text = this.value(word, ':80');
    const port = this.portNumber(text.startsWith(':') ? text.slice(1) : text, text);
    return (r) => compare(of(r), port);
  }

  private host(word: string, of: (r: Ends) => EndData): Test {
    const op = this.operator();
    if (op !== '=' && op !== '!=')
      throw new FilterError(`'${word}' compares with = or !=, not '${op}'`);
    const test = this.endTest(this.value(word, '198.18.0.0/24:80'));
    return op === '=' ? (r) => test(of(r)) : (r) => !test(of(r));
  }

  /** `ADDRESS`, `ADDRESS/BITS`, `[v6]:PORT`, `ADDRESS:PORT`, `:PORT`; `*` for any address. */
  private endTest(text: string): (end: EndData) => boolean {
    const match = /^(?:\[([^\]]*)\](\/\d+)?|([^:]*(?::[^:]*:[^]*)?))(?::([^:]+))?$/.exec(text);
    const host = match?.[1] === undefined ? (match?.[3] ?? text) : match[1] + (match[2] ?? '');
    const port = match?.[4];
    const wanted = port === undefined || port === '*' ? null : this.portNumber(port, text);
    const prefix = host === '' || host === '*' ? null : prefixOf(host);
    return (end) =>
      (wanted === null || end.port === wanted) &&
      (prefix === null || (end.address !== '*' && contains(prefix, Address.parse(end.address))));
  }

  private portNumber(name: string, text: string): number {
    const port = /^\d+$/.test(name) ? Number(name) : this.portOf(name);
    if (port !== null && port <= 65_535) return port;
    throw new FilterError(
      `'${text}' is not a port: write :80, or a name from /etc/services, such as :http`,
    );
  }

  /** Without an operator it is `=`, as in ss. */
  private operator(): string {
    const text = this.tokens[this.at] ?? '';
    if (!Object.hasOwn(OPERATORS, text)) return '=';
    this.at++;
    return OPERATORS[text]!;
  }

  private value(word: string, example: string): string {
    const text = this.tokens[this.at++];
    if (text !== undefined && text !== ')' && text !== '(') return text;
    throw new FilterError(`'${word}' needs a value, for example ${word} = ${example}`);
  }

  private takes(words: ReadonlySet<string>): boolean {
    if (!words.has(this.tokens[this.at] ?? '')) return false;
    this.at++;
    return true;
  }
}

function prefixOf(text: string): Prefix {
  try {
    return Prefix.parse(text);
  } catch (error) {
    if (error instanceof AddressError) throw new FilterError(error.message);
    throw error;
  }
}

/** An IPv4 address is a v4-mapped one here, so `::/0` must not contain it. */
const contains = (prefix: Prefix, { version, w0, w1, w2, w3 }: Address): boolean =>
  prefix.address.version === version && prefix.contains(w0, w1, w2, w3);
