/**
 * Compares an expected packet with the one that came, by packetdrill's rules. Each difference has
 * the field, the expected and the actual value.
 */
import type { IpInfo, PacketAction, TcpOptionSpec } from './ast.js';
import type { Decoded, DecodedTcp, Segment } from './decode.js';
import { FLAG_BITS, flagBits } from './encode.js';
import type { ScriptFlow } from './flow.js';
import { flagText, optionText, optionsText, relativeOption } from './text.js';

export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

/** FIN and PSH: if a write is cut into several segments, only the last one has them. */
const FLAGS_ON_THE_LAST = 1 | 8;
const CWR = 128;

export interface CompareOptions {
  /** Microseconds for one tick of TSval; 0: TSval is not compared. */
  readonly timestampTick: number;
  /** Tolerance for TSval, in ticks. */
  readonly timestampTolerance: number;
  /** TSval (in milliseconds) and TSecr are compared too. */
  readonly strict: boolean;
}

export function compare(
  want: PacketAction,
  got: Decoded,
  t: DecodedTcp,
  flow: ScriptFlow,
  o: CompareOptions,
): Difference[] {
  const differences: Difference[] = [];
  const check = (
    field: string,
    expected: number | string | null,
    actual: number | string,
  ): void => {
    if (expected !== null && expected !== actual)
      differences.push({ field, expected: String(expected), actual: String(actual) });
  };
  check('source port', want.ports?.source ?? null, t.sourcePort);
  check('destination port', want.ports?.destination ?? null, t.destinationPort);
  compareIp(want.ip, got, check);
  check('flags', flagText(flagBits(want.flags)), flagText(t.flags));
  check('reserved bits', 0, (t.flags >> 9) & 7);
  const bases = flow.outboundBases(t.flags);
  check('seq', want.seq, (t.seq - bases.seq) >>> 0);
  check('payload length', want.bytes, t.payloadBytes);
  // As in packetdrill: without `ack` in the script the number must be 0, whatever the ACK flag is.
  const hasAck = (t.flags & FLAG_BITS['.']!) !== 0;
  check('ack', want.ack ?? 0, hasAck && want.ack !== null ? (t.ack - bases.ack) >>> 0 : t.ack);
  check('window', want.window, t.window);
  check('urgent pointer', want.urgent ?? 0, t.urgent);
  if (!t.payloadIsZero) check('payload', 'zeros', 'other bytes');
  if (!t.checksumHolds) check('checksum', 'right', 'wrong');
  const options = t.options.map((option) => relativeOption(option, bases.ack));
  if (want.options !== null) compareOptions(want.options, options, flow, o, check);
  return differences;
}

type Check = (field: string, expected: number | string | null, actual: number | string) => void;

const ECN_NAMES = ['noecn', 'ect1', 'ect0', 'ce'];

function compareIp(want: IpInfo, got: Decoded, check: Check): void {
  check('TOS', want.tos, got.tos);
  check('TTL', want.ttl, got.ttl);
  check('flow label', want.flowLabel, got.flowLabel);
  const ecn = ECN_NAMES[got.tos & 3]!;
  if (want.ecn === 'ect01')
    check('ECN', 'ect0 or ect1', ecn === 'ect0' || ecn === 'ect1' ? 'ect0 or ect1' : ecn);
  else check('ECN', want.ecn, ecn);
}

function compareOptions(
  want: readonly TcpOptionSpec[],
  got: readonly TcpOptionSpec[],
  flow: ScriptFlow,
  o: CompareOptions,
  check: Check,
): void {
  const differ =
    want.length !== got.length || want.some((w, i) => !sameOption(w, got[i]!, flow, o));
  if (differ) check('options', optionsText(want), optionsText(got));
  for (const [i, w] of want.entries()) {
    const g = got[i];
    if (w.kind === 'TS' && g?.kind === 'TS') flow.learnTimestamp(w.val, g.val);
  }
}

function sameOption(
  want: TcpOptionSpec,
  got: TcpOptionSpec,
  flow: ScriptFlow,
  o: CompareOptions,
): boolean {
  if (want.kind === 'TS' && got.kind === 'TS') {
    if (o.strict && want.ecr !== got.ecr) return false;
    const tick = o.timestampTick === 0 && o.strict ? 1000 : o.timestampTick;
    if (tick === 0) return true;
    const ticks = flow.ticks(want.val, got.val);
    // Our clock ticks each millisecond (RFC 7323 section 5.4).
    return (
      ticks === null || Math.abs((ticks.script * tick) / 1000 - ticks.live) <= o.timestampTolerance
    );
  }
  return optionText(want) === optionText(got);
}

/**
 * True if `b` can be the next part of a write that the MSS cut into segments, after the parts from
 * `first` to `last`. All parts are as long as the first, except that the last may be shorter; so
 * nothing follows a shorter part.
 */
export function continues(first: Segment, last: Segment, b: Segment): boolean {
  const ignored = FLAGS_ON_THE_LAST | CWR;
  const bytes = first.tcp.payloadBytes;
  return (
    b.tcp.seq === (last.tcp.seq + last.tcp.payloadBytes) >>> 0 &&
    last.tcp.payloadBytes === bytes &&
    b.tcp.payloadBytes > 0 &&
    b.tcp.payloadBytes <= bytes &&
    (first.tcp.flags & ~ignored) === (b.tcp.flags & ~ignored) &&
    first.tcp.headerBytes === b.tcp.headerBytes &&
    HEADER_FIELDS.every((field) => first[field] === b[field])
  );
}

/** Fields of the IP header that must be equal in all parts. */
const HEADER_FIELDS = ['version', 'tos', 'ttl', 'flowLabel'] as const;

/** Joins two segments: sequence number and CWR from the first, everything else from the last. */
export const join = (a: DecodedTcp, b: DecodedTcp): DecodedTcp => ({
  ...b,
  seq: a.seq,
  flags: (b.flags & ~CWR) | (a.flags & CWR),
  payloadBytes: a.payloadBytes + b.payloadBytes,
  payloadIsZero: a.payloadIsZero && b.payloadIsZero,
  checksumHolds: a.checksumHolds && b.checksumHolds,
});
