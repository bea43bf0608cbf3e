/**
 * IP addresses. In the stack every address is four int32 words, and an IPv4 address is in v4-mapped
 * form (`0, 0, 0xffff, a.b.c.d`; RFC 4291 section 2.5.5.2), so that demultiplexing, ports and
 * routes need one code path for both families. Packet headers hold plain words; this class is for
 * parsing and printing.
 */
import {
  addressVersion,
  type AddressWords,
  isSameAddress,
  V4_MAPPED_WORD as V4_MAPPED,
} from '../wire/ip.js';

export class AddressError extends Error {
  readonly code = 'EINVAL';
  constructor(text: string, why: string) {
    super(`'${text}' is not an IP address: ${why}`);
  }
}

export class Address implements AddressWords {
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
  readonly w3: number;

  private constructor(w0: number, w1: number, w2: number, w3: number) {
    this.w0 = w0 | 0;
    this.w1 = w1 | 0;
    this.w2 = w2 | 0;
    this.w3 = w3 | 0;
  }

  static v4(word: number): Address {
    return new Address(0, 0, V4_MAPPED, word);
  }

  static fromWords(w0: number, w1: number, w2: number, w3: number): Address {
    return new Address(w0, w1, w2, w3);
  }

  /** Parses `198.18.0.2`, `fd74:6370:6c61:62::2` or `::ffff:198.18.0.2`. Throws AddressError. */
  static parse(text: string): Address {
    return text.includes(':') ? parseV6(text) : Address.v4(parseV4(text, text));
  }

  static isAddress(text: string): boolean {
    try {
      Address.parse(text);
      return true;
    } catch {
      return false;
    }
  }

  get version(): 4 | 6 {
    return addressVersion(this);
  }

  get family(): 'IPv4' | 'IPv6' {
    return this.version === 4 ? 'IPv4' : 'IPv6';
  }

  equals(other: AddressWords): boolean {
    return isSameAddress(this, other);
  }

  is(w0: number, w1: number, w2: number, w3: number): boolean {
    return this.w3 === w3 && this.w2 === w2 && this.w1 === w1 && this.w0 === w0;
  }

  /** 224/4, ff00::/8. */
  get isMulticast(): boolean {
    return this.version === 4 ? this.w3 >>> 28 === 0xe : this.w0 >>> 24 === 0xff;
  }

  /** 127/8, ::1. */
  get isLoopback(): boolean {
    return this.version === 4 ? this.w3 >>> 24 === 127 : this.is(0, 0, 0, 1);
  }

  /** 0.0.0.0, ::. */
  get isUnspecified(): boolean {
    return this.version === 4 ? this.w3 === 0 : this.is(0, 0, 0, 0);
  }

  /** 255.255.255.255. */
  get isLimitedBroadcast(): boolean {
    return this.version === 4 && this.w3 === -1;
  }

  /** The shortest form; RFC 5952 for IPv6. */
  toString(): string {
    return this.version === 4 ? formatV4(this.w3) : formatV6(this);
  }
}

/** An address as the key of a Map. */
export const keyOf = ({ w0, w1, w2, w3 }: AddressWords): string => `${w0} ${w1} ${w2} ${w3}`;

/** An address and the prefix length of its network: `198.18.0.2/24`. */
export class Prefix {
  readonly address: Address;
  /** 0..32, or 0..128. */
  readonly bits: number;

  constructor(address: Address, bits: number) {
    this.address = address;
    this.bits = bits;
  }

  /** Parses `ADDRESS/N`; without `/N` the prefix is /32 or /128. Throws AddressError. */
  static parse(text: string): Prefix {
    const slash = text.indexOf('/');
    const address = Address.parse(slash < 0 ? text : text.slice(0, slash));
    const most = address.version === 4 ? 32 : 128;
    if (slash < 0) return new Prefix(address, most);
    const tail = text.slice(slash + 1);
    const bits = Number(tail);
    if (!/^\d{1,3}$/.test(tail) || bits > most)
      throw new AddressError(text, `the prefix length must be 0..${most}`);
    return new Prefix(address, bits);
  }

  contains(w0: number, w1: number, w2: number, w3: number): boolean {
    const a = this.address;
    let bits = a.version === 4 ? this.bits + 96 : this.bits;
    for (const diff of [a.w0 ^ w0, a.w1 ^ w1, a.w2 ^ w2, a.w3 ^ w3]) {
      if (bits <= 0) return true;
      if (bits >= 32 ? diff !== 0 : diff >>> (32 - bits) !== 0) return false;
      bits -= 32;
    }
    return true;
  }

  /** The subnet's broadcast address; null for IPv6, /31 and /32. */
  get broadcast(): Address | null {
    if (this.address.version === 6 || this.bits >= 31) return null;
    return Address.v4(this.address.w3 | (-1 >>> this.bits));
  }

  toString(): string {
    return `${this.address.toString()}/${this.bits}`;
  }
}

export const formatV4 = (w: number): string =>
  `${w >>> 24}.${(w >>> 16) & 255}.${(w >>> 8) & 255}.${w & 255}`;

function formatV6(a: Address): string {
  const groups = [a.w0, a.w1, a.w2, a.w3].flatMap((w) => [w >>> 16, w & 0xffff]);
  let best = -1;
  let bestLength = 1; // RFC 5952 section 4.2.2: a single zero group is not shortened
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && groups[i + n] === 0) n++;
    if (n > bestLength) {
      best = i;
      bestLength = n;
    }
    i += n;
  }
  const hex = (part: number[]): string => part.map((g) => g.toString(16)).join(':');
  return best < 0
    ? hex(groups)
    : `${hex(groups.slice(0, best))}::${hex(groups.slice(best + bestLength))}`;
}

function parseV4(text: string, whole: string): number {
  const parts = text.split('.');
  if (parts.length !== 4)
    throw new AddressError(whole, 'write four numbers with dots between them, or a v6 address');
  let word = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) {
      throw new AddressError(whole, `'${part}' is not a number from 0 to 255`);
    }
    word = (word << 8) | Number(part);
  }
  return word;
}

function parseV6(text: string): Address {
  const halves = text.split('::');
  if (halves.length > 2) throw new AddressError(text, "'::' may appear only once");
  const groupsOf = (half: string, isLast: boolean): number[] => {
    if (half === '') return [];
    const parts = half.split(':');
    return parts.flatMap((part, i) => {
      if (part.includes('.') && isLast && i === parts.length - 1) {
        const word = parseV4(part, text);
        return [word >>> 16, word & 0xffff];
      }
      if (!/^[0-9a-f]{1,4}$/i.test(part))
        throw new AddressError(text, `'${part}' is not one to four hex digits`);
      return [parseInt(part, 16)];
    });
  };
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0)
    throw new AddressError(text, 'it needs eight groups');
  const g = [...head, ...new Array<number>(missing).fill(0), ...tail];
  const word = (i: number): number => (g[i]! << 16) | g[i + 1]!;
  return Address.fromWords(word(0), word(2), word(4), word(6));
}
