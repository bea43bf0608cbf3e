/**
 * The grammar of pcap-filter(7), as libpcap's grammar.y has it:
 *
 *     filter     = term { ("and" | "or") ( term | id ) }         equal precedence, from the left
 *     term       = "not" term | "(" filter ")" | relation | head id | protocol | "vlan" [ number ]
 *     head       = [ protocol ] [ "src" | "dst" | "src or dst" | "src and dst" ] [ type ]
 *     id         = "not" id | "(" id { ("and" | "or") id } ")" | address | port | name
 *     relation   = arithmetic ( "=" | "!=" | "<" | ">" | "<=" | ">=" ) arithmetic
 *
 * An `id` behind `and` or `or` takes the words of the `head` before it: `port 80 or 443`. Where an
 * opening parenthesis may begin two things, both are tried, and the error that is told is the one
 * that came further.
 */
import { Address, AddressError } from '../../ip/address.js';
import { FilterError } from './error.js';
import type { Arithmetic, Condition, Direction, NetworkWord, RelationSign } from './syntax.js';
import { type Token, tokenize } from './tokens.js';
import {
  NETWORK_WORDS,
  NUMBERS,
  PORTS,
  PROTOCOLS,
  TYPES,
  UNSUPPORTED,
  unknownWord,
} from './words.js';

type IdType = (typeof TYPES)[number];

/** The words before an id. */
interface Head {
  readonly protocol: Token | null;
  readonly direction: Direction;
  readonly type: IdType;
}

interface Term {
  readonly condition: Condition;
  /** For an id that follows; null if none may follow. */
  readonly head: Head | null;
}

const RELATIONS = ['=', '!=', '<', '>', '<=', '>='];
const PRECEDENCE: Readonly<Record<string, number>> = {
  '|': 1,
  '&': 2,
  '<<': 3,
  '>>': 3,
  '+': 4,
  '-': 4,
  '*': 5,
  '/': 5,
};
/** They have no precedence in grammar.y, so all that follows is their right operand. */
const WITHOUT_PRECEDENCE = ['^', '%'];
const MAX_DEPTH = 200;
const [SCTP, TCP, UDP] = [132, 6, 17];
const MAX_PORT = 65_535;
const MAX_VLAN = 4095;

/** Throws FilterError. */
export const parseFilter = (filter: string): Condition => new Parser(filter).whole();

class Parser {
  private readonly filter: string;
  private readonly tokens: readonly Token[];
  private position = 0;
  private depth = 0;
  /** The error of an attempt that came furthest. */
  private furthest: FilterError | null = null;

  constructor(filter: string) {
    this.filter = filter;
    this.tokens = tokenize(filter);
  }

  whole(): Condition {
    if (this.isAtEnd) return { kind: 'always' };
    try {
      const condition = this.expression();
      if (!this.isAtEnd) throw this.unexpected("'and' or 'or'");
      return condition;
    } catch (error) {
      const { furthest } = this;
      if (error instanceof FilterError && furthest !== null && furthest.at > error.at)
        throw furthest;
      throw error;
    }
  }

  // ---- Tokens -----------------------------------------------------------------------------------

  private get token(): Token {
    return this.tokens[this.position]!;
  }

  private get isAtEnd(): boolean {
    return this.token.kind === 'end';
  }

  private ahead(n: number): Token {
    return this.tokens[Math.min(this.position + n, this.tokens.length - 1)]!;
  }

  private take(): Token {
    const { token } = this;
    if (token.kind !== 'end') this.position++;
    return token;
  }

  private is(...texts: readonly string[]): boolean {
    return isOneOf(this.token, texts);
  }

  private accept(...texts: readonly string[]): Token | null {
    return this.is(...texts) ? this.take() : null;
  }

  private expect(text: string): void {
    if (this.accept(text) === null) throw this.unexpected(`'${text}'`);
  }

  private error(token: Token, what: string): FilterError {
    return new FilterError(this.filter, token.at, token.source.length, what);
  }

  /** The error that something else than `wanted` is here. */
  private unexpected(wanted: string): FilterError {
    const { token } = this;
    if (token.kind === 'end')
      return this.error(token, `the filter ends where ${wanted} is expected`);
    if (token.kind === 'word' && !token.escaped) {
      if (UNSUPPORTED.has(token.text))
        return this.error(token, `libpcap knows '${token.source}', this program does not`);
      if (!isKeyword(token)) return this.error(token, unknownWord(token.source));
    }
    return this.error(token, `'${token.source}' is where ${wanted} is expected`);
  }

  private attempt<T>(parse: () => T): T | null {
    const { position, depth } = this;
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      if (this.furthest === null || error.at > this.furthest.at) this.furthest = error;
      this.position = position;
      this.depth = depth;
      return null;
    }
  }

  /** Parentheses and `not` nest; a hostile filter may not use up the stack. */
  private nested<T>(parse: () => T): T {
    if (++this.depth > MAX_DEPTH)
      throw this.error(this.token, `more than ${MAX_DEPTH} parentheses or 'not' in one another`);
    const result = parse();
    this.depth--;
    return result;
  }

  // ---- Conditions -------------------------------------------------------------------------------

  private expression(): Condition {
    let { condition, head } = this.term();
    for (;;) {
      const joint = this.accept('and', 'or');
      if (joint === null) return condition;
      const right = this.termOrId(head);
      condition = { kind: joint.text as 'and' | 'or', left: condition, right: right.condition };
      ({ head } = right);
    }
  }

  private termOrId(head: Head | null): Term {
    let n = 0;
    while (isOneOf(this.ahead(n), ['not', '('])) n++;
    const first = this.ahead(n);
    const mayBeId = first.kind !== 'sign' && !(isKeyword(first) && !first.escaped);
    if (head === null || !mayBeId) return this.term();
    const id = (): Term => ({ condition: this.id(head), head });
    if (n === 0 && !this.isOperand(this.ahead(1))) return id();
    const elided = this.attempt(() => {
      const found = id();
      if (this.isOperand(this.token)) throw this.unexpected("'and' or 'or'");
      return found;
    });
    return elided ?? this.term();
  }

  /** Whether `token` makes an operand of arithmetic of the number before it. */
  private isOperand(token: Token): boolean {
    return (
      isOneOf(token, RELATIONS) ||
      isOneOf(token, WITHOUT_PRECEDENCE) ||
      (token.kind === 'sign' && token.text in PRECEDENCE && token.text !== '/')
    );
  }

  private term(): Term {
    const { token } = this;
    if (this.accept('not') !== null) {
      const { condition, head } = this.nested(() => this.term());
      return { condition: { kind: 'not', of: condition }, head };
    }
    if (token.kind === 'number' || this.is('-', '(')) return this.openTerm();
    if (token.kind === 'ipv4' || token.kind === 'ipv6')
      throw this.error(token, `what is ${token.source}? write 'host ${token.source}'`);
    if (token.kind !== 'word') throw this.unexpected('a condition');
    if (this.is('len') || isOneOf(this.ahead(1), ['[']) || NUMBERS.has(token.text))
      return { condition: this.relation(), head: null };
    return { condition: this.wordTerm(), head: this.lastHead };
  }

  /** The head of the last `wordTerm`. */
  private lastHead: Head | null = null;

  /** A number or a parenthesis: a relation, or a filter in parentheses. */
  private openTerm(): Term {
    if (!this.is('(')) return { condition: this.relation(), head: null };
    const condition =
      this.attempt(() => this.relation()) ??
      this.nested(() => {
        this.expect('(');
        const inner = this.expression();
        this.expect(')');
        return inner;
      });
    return { condition, head: null };
  }

  private wordTerm(): Condition {
    this.lastHead = null;
    const { token } = this;
    switch (token.text) {
      case 'less':
      case 'greater':
        this.take();
        return {
          kind: 'relation',
          sign: token.text === 'less' ? '<=' : '>=',
          left: { kind: 'length' },
          right: { kind: 'number', value: this.number('a length in bytes').value },
        };
      case 'inbound':
      case 'outbound':
        this.take();
        return { kind: 'way', direction: token.text === 'inbound' ? 'in' : 'out' };
      case 'vlan':
        this.take();
        return { kind: 'vlan', id: this.vlanId() };
      default:
        return this.headAndId();
    }
  }

  private vlanId(): number | null {
    if (this.token.kind !== 'number') return null;
    const token = this.take();
    if (token.value > MAX_VLAN) throw this.error(token, `a VLAN has a number up to ${MAX_VLAN}`);
    return token.value;
  }

  private headAndId(): Condition {
    const protocol = isProtocol(this.token) ? this.take() : null;
    const direction = this.direction();
    const type = this.accept(...TYPES);
    if (protocol?.text === 'ether')
      throw this.error(
        protocol,
        'libpcap filters by Ethernet headers, here only ether[N] is known',
      );
    if (direction === null && type === null) {
      if (protocol === null) throw this.unexpected('a condition');
      return alone(protocol);
    }
    if (type === null && this.token.kind === 'number')
      throw this.error(this.token, `is ${this.token.source} a host or a port? say which`);
    const head: Head = {
      protocol,
      direction: direction ?? 'either',
      type: (type?.text ?? 'host') as IdType,
    };
    this.checkHead(head, direction !== null);
    const condition = this.id(head);
    this.lastHead = head;
    return condition;
  }

  private direction(): Direction | null {
    const first = this.accept('src', 'dst');
    if (first === null) return null;
    const other = first.text === 'src' ? 'dst' : 'src';
    if (this.is('and', 'or') && isOneOf(this.ahead(1), [other])) {
      const joint = this.take();
      this.take();
      return joint.text === 'or' ? 'either' : 'both';
    }
    return first.text as 'src' | 'dst';
  }

  private checkHead({ protocol, type }: Head, hasDirection: boolean): void {
    if (type === 'proto' && hasDirection)
      throw this.error(this.ahead(-1), "'proto' has no 'src' or 'dst'");
    if (protocol === null) return;
    const allowed: Readonly<Record<IdType, readonly string[]>> = {
      host: NETWORK_WORDS,
      net: NETWORK_WORDS,
      port: ['tcp', 'udp', 'sctp'],
      portrange: ['tcp', 'udp', 'sctp'],
      proto: ['ip', 'ip6'],
    };
    if (!allowed[type].includes(protocol.text))
      throw this.error(
        protocol,
        `'${protocol.source}' does not go with '${type}'; before it may be ` +
          `${allowed[type].join(', ')} or nothing`,
      );
  }

  // ---- Ids --------------------------------------------------------------------------------------

  private id(head: Head): Condition {
    if (this.accept('not') !== null) return { kind: 'not', of: this.nested(() => this.id(head)) };
    if (this.accept('(') === null) return this.atom(head);
    return this.nested(() => {
      let condition = this.id(head);
      for (let joint; (joint = this.accept('and', 'or')) !== null;)
        condition = {
          kind: joint.text as 'and' | 'or',
          left: condition,
          right: this.id(head),
        };
      this.expect(')');
      return condition;
    });
  }

  private atom(head: Head): Condition {
    switch (head.type) {
      case 'host':
      case 'net':
        return this.address(head);
      case 'port':
        return this.port(head);
      case 'portrange':
        return this.portRange(head);
      case 'proto':
        return this.protocolNumber(head);
    }
  }

  private address(head: Head): Condition {
    const { token } = this;
    const isNet = head.type === 'net';
    if (token.kind === 'ipv6') return this.address6(head);
    if (token.kind === 'number' || token.kind === 'ipv4') {
      this.take();
      if (head.protocol?.text === 'ip6')
        throw this.error(token, `${token.source} is an IPv4 address, after 'ip6'`);
      const [word, bits] =
        token.kind === 'number' ? number4(token.value, isNet) : dotted(token.text);
      let mask = maskOf(bits);
      if (this.is('/', 'mask')) {
        if (!isNet) throw this.error(this.token, "only a 'net' has a mask");
        mask = this.mask4();
        if ((word & ~mask) >>> 0 !== 0) throw this.hostBits(token);
      }
      return this.addressOf(head, 4, [(word & mask) >>> 0], [mask]);
    }
    if (token.kind === 'word' && !isKeyword(token) && !UNSUPPORTED.has(token.text))
      throw this.error(token, 'host names are not looked up: write the address');
    throw this.unexpected(isNet ? 'a network such as 198.18.0.0/15' : 'an address');
  }

  private mask4(): number {
    if (this.take().text === '/') {
      const bits = this.number('a prefix length');
      if (bits.value > 32) throw this.error(bits, 'a prefix of IPv4 has 0 to 32 bits');
      return maskOf(bits.value);
    }
    const token = this.take();
    if (token.kind !== 'ipv4') {
      this.position--;
      throw this.unexpected('a mask such as 255.255.0.0');
    }
    return dotted(token.text)[0];
  }

  private address6(head: Head): Condition {
    const token = this.take();
    if (head.protocol !== null && head.protocol.text !== 'ip6')
      throw this.error(
        token,
        `${token.source} is an IPv6 address, after '${head.protocol.source}'`,
      );
    let bits = 128;
    if (this.is('/')) {
      if (head.type !== 'net') throw this.error(this.token, "only a 'net' has a prefix length");
      this.take();
      const prefix = this.number('a prefix length');
      if (prefix.value > 128) throw this.error(prefix, 'a prefix of IPv6 has 0 to 128 bits');
      bits = prefix.value;
    }
    const words = this.words6(token);
    const masks = words.map((_, i) => maskOf(Math.min(Math.max(bits - 32 * i, 0), 32)));
    if (words.some((word, i) => (word & ~masks[i]!) >>> 0 !== 0)) throw this.hostBits(token);
    return this.addressOf(head, 6, words, masks);
  }

  /** `::ffff:1.2.3.4` is an IPv6 address here. */
  private words6(token: Token): number[] {
    try {
      const { w0, w1, w2, w3 } = Address.parse(token.text);
      return [w0 >>> 0, w1 >>> 0, w2 >>> 0, w3 >>> 0];
    } catch (error) {
      if (error instanceof AddressError) throw this.error(token, error.message);
      throw error;
    }
  }

  private hostBits(token: Token): FilterError {
    return this.error(token, `${token.source} has bits set behind the prefix`);
  }

  private addressOf(
    head: Head,
    version: 4 | 6,
    words: readonly number[],
    masks: readonly number[],
  ): Condition {
    const network = (head.protocol?.text ?? null) as NetworkWord | null;
    return { kind: 'address', network, direction: head.direction, version, words, masks };
  }

  private port(head: Head): Condition {
    const { number, of } = this.portNumber(this.token);
    const token = this.take();
    let protocols = portProtocols(head);
    if (of !== 'both') {
      const only = of === 'tcp' ? TCP : UDP;
      if (!protocols.includes(only))
        throw this.error(token, `port '${token.source}' is one of ${of}`);
      protocols = [only];
    }
    return { kind: 'port', protocols, direction: head.direction, low: number, high: number };
  }

  private portNumber(token: Token): { number: number; of: 'tcp' | 'udp' | 'both' } {
    const named = PORTS.get(token.text);
    if (token.kind === 'word' && named !== undefined) return named;
    if (token.kind === 'word' && /^\d+-\d+$/.test(token.text))
      throw this.error(token, `several ports are a 'portrange': portrange ${token.text}`);
    if (token.kind === 'word' && !isKeyword(token) && !UNSUPPORTED.has(token.text))
      throw this.error(token, `no port is known as '${token.source}': write its number`);
    if (token.kind !== 'number') throw this.unexpected('a port');
    if (token.value > MAX_PORT) throw this.error(token, `ports go up to ${MAX_PORT}`);
    return { number: token.value, of: 'both' };
  }

  private portRange(head: Head): Condition {
    const { token } = this;
    const [, first, last] = /^(\d+)-(\d+)$/.exec(token.text) ?? [];
    const ends =
      token.kind === 'word' && first !== undefined
        ? [Number(first), Number(last)]
        : token.kind === 'number'
          ? [token.value, token.value]
          : null;
    if (ends === null) throw this.unexpected('two ports such as 8000-8080');
    if (Math.max(...ends) > MAX_PORT) throw this.error(token, `ports go up to ${MAX_PORT}`);
    this.take();
    return {
      kind: 'port',
      protocols: portProtocols(head),
      direction: head.direction,
      low: Math.min(...ends),
      high: Math.max(...ends),
    };
  }

  private protocolNumber(head: Head): Condition {
    const { token } = this;
    const named = PROTOCOLS.get(token.text);
    if (token.kind !== 'number' && named === undefined)
      throw this.unexpected('a protocol such as 6 or tcp');
    this.take();
    const number = token.kind === 'number' ? token.value : named!.number;
    if (number > 255) throw this.error(token, 'protocols have numbers from 0 to 255');
    const version = head.protocol === null ? null : head.protocol.text === 'ip' ? 4 : 6;
    return { kind: 'protocol', number, version };
  }

  private number(wanted: string): Token {
    if (this.token.kind !== 'number') throw this.unexpected(wanted);
    return this.take();
  }

  // ---- Relations and arithmetic -----------------------------------------------------------------

  private relation(): Condition {
    const left = this.arithmetic(0);
    const sign = this.accept(...RELATIONS);
    if (sign === null) throw this.unexpected('a comparison such as = or >');
    return {
      kind: 'relation',
      sign: sign.text as RelationSign,
      left,
      right: this.arithmetic(0),
    };
  }

  private arithmetic(least: number): Arithmetic {
    return this.nested(() => {
      let left = this.operand();
      for (;;) {
        const { token } = this;
        const precedence = token.kind === 'sign' ? PRECEDENCE[token.text] : undefined;
        if (isOneOf(token, WITHOUT_PRECEDENCE)) left = this.binary(left, 0);
        else if (precedence !== undefined && precedence >= least)
          left = this.binary(left, precedence + 1);
        else return left;
      }
    });
  }

  private binary(left: Arithmetic, least: number): Arithmetic {
    const sign = this.take();
    const start = this.token;
    const right = this.arithmetic(least);
    if (right.kind === 'number') {
      if (right.value === 0 && (sign.text === '/' || sign.text === '%'))
        throw this.error(start, 'a division by zero');
      if (right.value > 31 && (sign.text === '<<' || sign.text === '>>'))
        throw this.error(start, 'a shift by more than 31 bits');
    }
    return { kind: 'binary', sign: sign.text, left, right };
  }

  private operand(): Arithmetic {
    const { token } = this;
    if (this.accept('-') !== null) {
      let of = this.nested(() => this.operand());
      while (isOneOf(this.token, WITHOUT_PRECEDENCE)) of = this.binary(of, 0);
      return { kind: 'negative', of };
    }
    if (this.accept('(') !== null) {
      const inner = this.arithmetic(0);
      this.expect(')');
      return inner;
    }
    if (token.kind === 'number') return { kind: 'number', value: this.take().value };
    if (this.accept('len') !== null) return { kind: 'length' };
    const named = token.kind === 'word' ? NUMBERS.get(token.text) : undefined;
    if (named !== undefined) {
      this.take();
      return { kind: 'number', value: named };
    }
    if (isProtocol(token) && isOneOf(this.ahead(1), ['['])) return this.load();
    throw this.unexpected('a number or bytes such as tcp[13]');
  }

  private load(): Arithmetic {
    const from = this.take();
    if (['ah', 'esp'].includes(from.text))
      throw this.error(from, `bytes of '${from.source}' cannot be asked for, in libpcap too`);
    this.expect('[');
    const index = this.arithmetic(0);
    let size = 1;
    if (this.accept(':') !== null) {
      const token = this.number('1, 2 or 4');
      size = token.value;
      if (size !== 1 && size !== 2 && size !== 4)
        throw this.error(token, 'the size must be 1, 2 or 4');
    }
    this.expect(']');
    return { kind: 'load', from: from.text, index, size: size as 1 | 2 | 4 };
  }
}

// ---- Words and numbers --------------------------------------------------------------------------

const isOneOf = (token: Token, texts: readonly string[]): boolean =>
  (token.kind === 'word' || token.kind === 'sign') && !token.escaped && texts.includes(token.text);

const isProtocol = (token: Token): boolean =>
  token.kind === 'word' &&
  !token.escaped &&
  (token.text === 'ether' ||
    PROTOCOLS.has(token.text) ||
    (NETWORK_WORDS as readonly string[]).includes(token.text));

const OTHER_KEYWORDS = ['and', 'or', 'not', 'src', 'dst', 'mask', 'less', 'greater', 'len', 'vlan'];

const isKeyword = (token: Token): boolean =>
  token.kind === 'word' &&
  (isProtocol(token) ||
    OTHER_KEYWORDS.includes(token.text) ||
    ['inbound', 'outbound'].includes(token.text) ||
    (TYPES as readonly string[]).includes(token.text) ||
    NUMBERS.has(token.text));

/** The condition of a protocol's name without anything behind it. */
function alone({ text }: Token): Condition {
  const protocol = PROTOCOLS.get(text);
  return protocol === undefined
    ? { kind: 'network', word: text as NetworkWord }
    : { kind: 'protocol', ...protocol };
}

function portProtocols({ protocol }: Head): number[] {
  return protocol === null ? [SCTP, TCP, UDP] : [PROTOCOLS.get(protocol.text)!.number];
}

const maskOf = (bits: number): number => (bits === 0 ? 0 : (-1 << (32 - bits)) >>> 0);

/** `10.1`: an address whose missing parts are 0, and the bits that were given. */
function dotted(text: string): [word: number, bits: number] {
  const parts = text.split('.').map(Number);
  const word = [0, 1, 2, 3].reduce((sum, i) => sum * 256 + (parts[i] ?? 0), 0);
  return [word, 8 * parts.length];
}

/** A number alone: `net 10` is 10.0.0.0/8, and `host 10` is 0.0.0.10. */
function number4(value: number, isNet: boolean): [word: number, bits: number] {
  let bits = 32;
  for (; isNet && value !== 0 && value < 0x100_0000; bits -= 8) value *= 256;
  return [value, bits];
}
