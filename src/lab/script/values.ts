/** Evaluates the expressions of system calls. */
import type { Expression, Place, StructField } from './ast.js';
import { CONSTANTS } from './constants.js';

/** The script needs something unsupported, so it is skipped and never passes. */
export class Unsupported extends Error {
  override readonly name = 'Unsupported';
  /** The place if it is not that of the current event. */
  readonly place: Place | null;

  constructor(what: string, place: Place | null = null) {
    super(what);
    this.place = place;
  }
}

/** The number of an expression; null for `...`. Throws Unsupported. */
export function numberOf(e: Expression | undefined): number | null {
  if (e === undefined) return null;
  switch (e.kind) {
    case 'any':
      return null;
    case 'number':
      return e.value;
    case 'symbol': {
      if (!Object.hasOwn(CONSTANTS, e.name))
        throw new Unsupported(`the name '${e.name}' is not known`);
      return CONSTANTS[e.name]!;
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
  e?.kind === 'string'
    ? e.value
    : e?.kind === 'list' && e.items.length === 1
      ? textOf(e.items[0])
      : null;

/** The field of a struct, or of a list that holds one. */
export function fieldOf(e: Expression | undefined, name: string): Expression | undefined {
  if (e?.kind === 'list') return fieldOf(e.items[0], name);
  return e?.kind === 'struct' ? e.fields.find((f) => f.name === name)?.value : undefined;
}

/** The field by one of its names, or, if the fields have no names, by its index. */
export function fieldAt(
  e: Expression | undefined,
  at: number,
  ...names: string[]
): Expression | undefined {
  for (const name of names) {
    const named = fieldOf(e, name);
    if (named !== undefined) return named;
  }
  const fields = structFields(e?.kind === 'list' ? e.items[0] : e);
  return fields[at]?.name === '' ? fields[at].value : undefined;
}

const structFields = (e: Expression | undefined): readonly StructField[] =>
  e?.kind === 'struct' ? e.fields : [];

/** Bytes of a msghdr's msg_iov; negative as in `iovBytes`. */
export function messageBytes(message: Expression | undefined): number {
  const field = structFields(message).find((f) => f.name === 'msg_iov');
  const entries = field?.value.kind === 'list' ? field.value.items.length : 0;
  if (field?.count !== undefined && field.count !== entries)
    throw new Unsupported(`msg_iov(${field.count}) for a list of ${entries}`);
  return iovBytes(field?.value);
}

/** Bytes in all buffers of an iovec list; negative if one of them is. */
export function iovBytes(e: Expression | undefined): number {
  if (e?.kind !== 'list') throw new Unsupported('an iovec must be a list');
  let bytes = 0;
  for (const item of e.items) {
    if (item.kind !== 'struct') throw new Unsupported('an iovec entry must be {buffer, length}');
    const [base] = item.fields;
    if (base?.value.kind === 'symbol')
      throw new Unsupported(`an iovec entry at ${base.value.name}`);
    const length = numberOf(item.fields[1]?.value) ?? 0;
    if (length < 0) return -1;
    bytes += length;
  }
  return bytes;
}
