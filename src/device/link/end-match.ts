/**
 * The address and the port that a drop rule names: `@198.18.0.1`, `@198.18.0.0/24:443`,
 * `@[fd74::1]:80`, `@:80`. Each may be the source's or the destination's, so that a rule holds for
 * both directions of a connection, and a host goes with the port of a service.
 */
import type { Slab } from '../../base/slab.js';
import { AddressError, Prefix } from '../../ip/address.js';
import { get16, get32 } from '../../wire/bytes.js';
import { V4_MAPPED_WORD } from '../../wire/ip.js';

const PROTOCOLS_WITH_PORTS: ReadonlySet<number> = new Set([6, 17]);
const SHAPE = /^(?:\[([^\]]+)\](\/\d+)?|([^:]*|[^:]*:[^:]*:[^]*))(?::(\d+))?$/;

/** `why` says what is wrong with the text. */
export class EndError extends Error {}

export class EndMatch {
  private readonly prefix: Prefix | null;
  /** 0 for any. */
  private readonly port: number;

  private constructor(prefix: Prefix | null, port: number) {
    this.prefix = prefix;
    this.port = port;
  }

  /** The text after the `@`. Throws EndError. */
  static parse(text: string): EndMatch {
    const match = SHAPE.exec(text);
    const host = match?.[1] === undefined ? (match?.[3] ?? text) : match[1] + (match[2] ?? '');
    const port = Number(match?.[4] ?? 0);
    if (port > 65_535 || (host === '' && port === 0))
      throw new EndError('after @ stands ADDRESS[/BITS][:PORT] or :PORT');
    try {
      return new EndMatch(host === '' ? null : Prefix.parse(host), port);
    } catch (error) {
      if (error instanceof AddressError) throw new EndError(error.message);
      throw error;
    }
  }

  matches(slab: Slab, offset: number, length: number): boolean {
    const b = slab.bytes;
    if (length < 20) return false;
    const v6 = b[offset]! >> 4 === 6;
    if (v6 && length < 40) return false;
    const { prefix, port } = this;
    if (
      prefix !== null &&
      !containsAddress(prefix, b, offset, v6, 0) &&
      !containsAddress(prefix, b, offset, v6, 1)
    )
      return false;
    if (port === 0) return true;
    const isLaterFragment = !v6 && (get16(b, offset + 6) & 0x1fff) !== 0;
    if (isLaterFragment || !PROTOCOLS_WITH_PORTS.has(b[offset + (v6 ? 6 : 9)]!)) return false;
    const at = v6 ? 40 : (b[offset]! & 15) * 4;
    const ports = offset + at;
    return length >= at + 4 && (get16(b, ports) === port || get16(b, ports + 2) === port);
  }
}

/** `which`: 0 for the source, 1 for the destination. */
function containsAddress(
  prefix: Prefix,
  b: Uint8Array,
  offset: number,
  v6: boolean,
  which: 0 | 1,
): boolean {
  if (prefix.address.version !== (v6 ? 6 : 4)) return false;
  if (!v6) return prefix.contains(0, 0, V4_MAPPED_WORD, get32(b, offset + 12 + 4 * which));
  const at = offset + 8 + 16 * which;
  return prefix.contains(get32(b, at), get32(b, at + 4), get32(b, at + 8), get32(b, at + 12));
}
