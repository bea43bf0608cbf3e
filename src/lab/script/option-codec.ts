/** Converts TCP options between the form of a script and the bytes of a header. */
import type { AccEcnField, TcpOptionSpec } from './ast.js';

/** Most bytes of options in a TCP header. */
export const MOST_OPTION_BYTES = 40;
const FAST_OPEN_MAGIC = 'f989';
const MD5_BYTES = 16;
/** The order of the fields in the AccECN option, of kind 172 (AccECN0) and 174 (AccECN1). */
const ACC_ECN: Readonly<Record<number, readonly AccEcnField[]>> = {
  172: ['e0b', 'ceb', 'e1b'],
  174: ['e1b', 'ceb', 'e0b'],
};

const hexBytes = (hex: string): number[] => (hex.match(/../g) ?? []).map((x) => parseInt(x, 16));

/** The kind of an AccECN option by its first field. */
const accEcnKind = (first: AccEcnField): number => (first === 'e0b' ? 172 : 174);

/** True if these are the first fields of an AccECN option, in order. */
export const isAccEcnOrder = (fields: readonly AccEcnField[]): boolean =>
  Object.values(ACC_ECN).some((order) => fields.every((field, i) => field === order[i]));

/** The bytes of the options, padded to a multiple of 4. */
export function encodeOptions(options: readonly TcpOptionSpec[]): Uint8Array {
  const out: number[] = [];
  for (const o of options) out.push(...bytesOf(o));
  while (out.length % 4 !== 0) out.push(0);
  return Uint8Array.from(out);
}

const word = (n: number): number[] => [
  (n >>> 24) & 255,
  (n >>> 16) & 255,
  (n >>> 8) & 255,
  n & 255,
];
const withLength = (kind: number, ...body: number[]): number[] => [kind, 2 + body.length, ...body];

function bytesOf(o: TcpOptionSpec): number[] {
  switch (o.kind) {
    case 'eol':
      return [0];
    case 'nop':
      return [1];
    case 'mss':
      return withLength(2, (o.value >> 8) & 255, o.value & 255);
    case 'wscale':
      return withLength(3, o.value);
    case 'sackOK':
      return withLength(4);
    case 'sack':
      return withLength(5, ...o.blocks.flatMap(([left, right]) => [...word(left), ...word(right)]));
    case 'TS':
      return withLength(8, ...word(o.val), ...word(o.ecr));
    case 'md5':
      return withLength(19, ...hexBytes(o.digest));
    case 'FO':
      return withLength(34, ...hexBytes(o.cookie));
    case 'FOEXP':
      return withLength(254, ...hexBytes(FAST_OPEN_MAGIC + o.cookie));
    case 'ECN':
      return withLength(
        accEcnKind(o.counts[0]![0]),
        ...o.counts.flatMap(([, n]) => word(n).slice(1)),
      );
    default:
      return withLength(o.number, ...hexBytes(o.body));
  }
}

export function decodeOptions(b: Uint8Array): TcpOptionSpec[] {
  const options: TcpOptionSpec[] = [];
  for (let o = 0; o < b.length;) {
    const kind = b[o]!;
    if (kind === 0) {
      options.push({ kind: 'eol' });
      break;
    }
    if (kind === 1) {
      options.push({ kind: 'nop' });
      o++;
      continue;
    }
    const length = b[o + 1] ?? 0;
    if (length < 2 || o + length > b.length) break;
    options.push(decodeOption(kind, new DataView(b.buffer, b.byteOffset + o + 2, length - 2)));
    o += length;
  }
  return options;
}

/** Decodes an option with kind, length and body. */
function decodeOption(kind: number, body: DataView): TcpOptionSpec {
  const hex = Array.from({ length: body.byteLength }, (_, i) =>
    body.getUint8(i).toString(16).padStart(2, '0'),
  ).join('');
  const bytes = body.byteLength;
  const order = ACC_ECN[kind];
  if (kind === 2 && bytes === 2) return { kind: 'mss', value: body.getUint16(0) };
  if (kind === 3 && bytes === 1) return { kind: 'wscale', value: body.getUint8(0) };
  if (kind === 4 && bytes === 0) return { kind: 'sackOK' };
  if (kind === 8 && bytes === 8)
    return { kind: 'TS', val: body.getUint32(0), ecr: body.getUint32(4) };
  if (kind === 5 && bytes % 8 === 0) {
    const blocks = Array.from(
      { length: bytes / 8 },
      (_, i) => [body.getUint32(8 * i), body.getUint32(8 * i + 4)] as const,
    );
    return { kind: 'sack', blocks };
  }
  if (kind === 19 && bytes === MD5_BYTES) return { kind: 'md5', digest: hex };
  if (kind === 34) return { kind: 'FO', cookie: hex };
  if (kind === 254 && hex.startsWith(FAST_OPEN_MAGIC))
    return { kind: 'FOEXP', cookie: hex.slice(4) };
  if (order !== undefined && bytes > 0 && bytes % 3 === 0 && bytes <= 9) {
    const counts = order
      .slice(0, bytes / 3)
      .map((field, i) => [field, count24(body, 3 * i)] as const);
    return { kind: 'ECN', counts };
  }
  return { kind: 'other', number: kind, body: hex };
}

const count24 = (view: DataView, at: number): number =>
  view.getUint16(at) * 256 + view.getUint8(at + 2);
