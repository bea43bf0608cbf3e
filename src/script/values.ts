/** Expressions of system calls as values. */
import type { Expression, Place } from './ast.js';
import { CONSTANTS } from './constants.js';

/** Something in the script that we do not know: the script is skipped, never passed. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
  /** Where, if it is no event. */
  readonly place: Place | null;

  constructor(what: string, place: Place | null = null) {
    super(what);
    this.place = place;
  }
}

/** The number that an expression stands for; null for `...`. */
export function numberOf(e: Expression | undefined): number | null {
  if (e === undefined) return null;
  switch (e.kind) {
    case 'any':
      return null;
    case 'number':
      return e.value;
    case 'symbol': {
      const value = CONSTANTS[e.name];
      if (value === undefined) throw new Unsupported(`the name '${e.name}' is not known`);
      return value;
    }
    case 'or':
      return e.parts.reduce((bits, part) => bits | (numberOf(part) ?? 0), 0);
    case 'list':
      // `[1]`: a value in memory.
      if (e.items.length === 1) return numberOf(e.items[0]);
      throw new Unsupported('a list where a number was expected');
    case 'apply':
      if (/^(htons|htonl|ntohs|ntohl)$/.test(e.name)) return numberOf(e.args[0]);
      throw new Unsupported(`the function '${e.name}' is not known`);
    default:
      throw new Unsupported(`a ${e.kind} where a number was expected`);
  }
}

export const textOf = (e: Expression | undefined): string | null =>
  e?.kind === 'string' ? e.value : e?.kind === 'list' && e.items.length === 1 ? textOf(e.items[0]) : null;

/** The field of a struct, or of a list that holds one. */
export function fieldOf(e: Expression | undefined, name: string): Expression | undefined {
  if (e?.kind === 'list') return fieldOf(e.items[0], name);
  return e?.kind === 'struct' ? e.fields.find((f) => f.name === name)?.value : undefined;
}

/** Bytes in all buffers of a msghdr, or of an iovec list. */
export function iovBytes(e: Expression | undefined): number {
  if (e?.kind !== 'list') throw new Unsupported('an iovec that is no list');
  let bytes = 0;
  for (const item of e.items) {
    if (item.kind !== 'struct') throw new Unsupported('an iovec entry that is not {buffer, length}');
    bytes += numberOf(item.fields[1]?.value) ?? 0;
  }
  return bytes;
}
