/**
 * IPv4 options (RFC 791 section 3.1): validation, and the options of an echo reply (RFC 1122
 * section 3.2.2.6).
 *
 *     | kind | length | pointer | addresses ...               Record Route, source routes
 *     |  68  | length | pointer | overflow, flag | slots ...  Internet Timestamp
 *
 * The pointer counts from 1 and gives the next free slot. A pointer beyond the length means that
 * the option is full.
 */
import { get32, put32 } from './bytes.js';
import { V4_MAPPED_WORD } from './ip.js';

const END = 0;
const NOP = 1;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;
const ROUTER_ALERT = 148;

/**
 * Flags of Internet Timestamp: times only; each time with an address; only at the addresses that
 * the sender listed.
 */
const TIME_ONLY = 0;
const WITH_ADDRESS = 1;
const PRESPECIFIED = 3;
const FLAG = 0x0f;
const OVERFLOW = 0xf0;
const ONE_OVERFLOW = 0x10;

const ADDRESS = 4;

export const IPV4_MAX_OPTION_BYTES = 40;

/** Results of `ipv4OptionFault` other than the index of an invalid byte. */
export const NO_FAULT = -1;
export const SOURCE_ROUTE = -2;
/** Result of `echoIpv4Options` for a packet to be discarded. */
export const CUT_SLOT = -1;

/**
 * Checks the options at `b[start, end)`. Returns the index of the first invalid byte, else
 * SOURCE_ROUTE if there is a valid source route, else NO_FAULT.
 */
export function ipv4OptionFault(b: Uint8Array, start: number, end: number): number {
  let result = NO_FAULT;
  let routeSeen = false;
  let timestampSeen = false;
  for (let o = start; o < end && b[o] !== END;) {
    const kind = b[o]!;
    if (kind === NOP) {
      o++;
      continue;
    }
    const length = o + 1 < end ? b[o + 1]! : 0;
    if (length < 2 || o + length > end) return o;
    const repeats =
      (kind === RECORD_ROUTE && routeSeen) ||
      (kind === TIMESTAMP && timestampSeen) ||
      (isSourceRoute(kind) && result === SOURCE_ROUTE);
    if (repeats) return o;
    const bad = badByte(b, o, kind, length);
    if (bad > 0) return o + bad;
    if (kind === RECORD_ROUTE) routeSeen = true;
    else if (kind === TIMESTAMP) timestampSeen = true;
    else if (isSourceRoute(kind)) result = SOURCE_ROUTE;
    o += length;
  }
  return result;
}

const isSourceRoute = (kind: number): boolean =>
  kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE;

/** The offset of an invalid byte in the option at `o`, or 0. Other kinds are not checked. */
function badByte(b: Uint8Array, o: number, kind: number, length: number): number {
  if (kind === TIMESTAMP) return badByteOfTimestamp(b, o, length);
  if (kind === ROUTER_ALERT) return length < 4 ? 1 : 0;
  if (kind !== RECORD_ROUTE && !isSourceRoute(kind)) return 0;
  if (length < 3) return 1;
  const pointer = b[o + 2]!;
  const cut = kind === RECORD_ROUTE && pointer <= length && pointer + 3 > length;
  return pointer < 4 || cut ? 2 : 0;
}

function badByteOfTimestamp(b: Uint8Array, o: number, length: number): number {
  if (length < 4) return 1;
  const pointer = b[o + 2]!;
  const flag = b[o + 3]! & FLAG;
  if (pointer < 5) return 2;
  if (pointer <= length) return pointer + slotBytes(flag) - 1 > length ? 2 : 0;
  return flag !== PRESPECIFIED && (b[o + 3]! & OVERFLOW) === OVERFLOW ? 3 : 0;
}

const slotBytes = (flag: number): number =>
  flag === WITH_ADDRESS || flag === PRESPECIFIED ? 8 : 4;

/** The host that adds its entries to an echo reply, and the time. */
export interface Recorder {
  /** An IPv4 address as one int32 word. */
  readonly address: number;
  readonly milliseconds: number;
  isOwn(w0: number, w1: number, w2: number, w3: number): boolean;
}

/**
 * Copies the Record Route and Internet Timestamp options of an echo request into `out`, for the
 * header of the reply. The request's options at `b[start, end)` must be valid. As in Linux the host
 * adds two entries if there is room: one for the request's arrival, one for the reply's departure.
 * Returns the padded length in bytes, or CUT_SLOT if only part of a slot is left for the second
 * entry: such a packet is in error and discarded (RFC 791 section 3.1).
 */
export function echoIpv4Options(
  b: Uint8Array,
  start: number,
  end: number,
  by: Recorder,
  out: Uint8Array,
): number {
  let at = 0;
  for (const wanted of [RECORD_ROUTE, TIMESTAMP]) {
    const o = findOption(b, start, end, wanted);
    if (o < 0) continue;
    const length = b[o + 1]!;
    out.set(b.subarray(o, o + length), at);
    if (wanted === RECORD_ROUTE) {
      const entered = recordAddress(out, at, by.address);
      if (entered && isCut(out, at, ADDRESS)) return CUT_SLOT;
      recordAddress(out, at, by.address);
    } else {
      const flag = out[at + 3]! & FLAG;
      const entered = recordTime(out, at, by);
      if (entered && isCut(out, at, flag === WITH_ADDRESS ? slotBytes(flag) : ADDRESS))
        return CUT_SLOT;
      if (isFull(b, o) && flag !== PRESPECIFIED) out[at + 3]! += ONE_OVERFLOW;
      recordTime(out, at, by);
    }
    at += length;
  }
  while ((at & 3) !== 0) out[at++] = END;
  return at;
}

function findOption(b: Uint8Array, start: number, end: number, wanted: number): number {
  for (let o = start; o < end && b[o] !== END; o += b[o] === NOP ? 1 : b[o + 1]!)
    if (b[o] === wanted) return o;
  return -1;
}

const isFull = (b: Uint8Array, o: number): boolean => b[o + 2]! > b[o + 1]!;

/** True if the remaining room is only part of a slot of `slot` bytes. */
function isCut(b: Uint8Array, o: number, slot: number): boolean {
  const room = b[o + 1]! - b[o + 2]! + 1;
  return room > 0 && room < slot;
}

/** Returns true if there was room. */
function recordAddress(b: Uint8Array, o: number, address: number): boolean {
  const pointer = b[o + 2]!;
  if (pointer + ADDRESS - 1 > b[o + 1]!) return false;
  put32(b, o + pointer - 1, address);
  b[o + 2] = pointer + ADDRESS;
  return true;
}

/**
 * Returns true if a time was added. The high bit marks a time that is not counted from midnight UT
 * (RFC 791 section 3.1).
 */
function recordTime(b: Uint8Array, o: number, by: Recorder): boolean {
  const pointer = b[o + 2]!;
  const flag = b[o + 3]! & FLAG;
  const bytes = slotBytes(flag);
  const slot = o + pointer - 1;
  if (pointer + bytes - 1 > b[o + 1]!) return false;
  if (flag === WITH_ADDRESS) put32(b, slot, by.address);
  else if (
    flag === PRESPECIFIED ? !by.isOwn(0, 0, V4_MAPPED_WORD, get32(b, slot)) : flag !== TIME_ONLY
  )
    return false;
  put32(b, slot + bytes - 4, by.milliseconds | 0x8000_0000);
  b[o + 2] = pointer + bytes;
  return true;
}
