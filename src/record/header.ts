/**
 * The header of a recording: everything that the recorded stack was made of, as JSON. A replay
 * makes the same stack from it.
 */
import type { Device, Offload } from '../device/device.js';
import { Prefix } from '../ip/address.js';
import type { ReassemblyLimits } from '../ip/reassembly.js';
import type { StackOptions } from '../stack/stack.js';
import type { ProfileName, TcpConfig } from '../tcp/config.js';
import { RecordingError } from './errors.js';

export interface RecordingHeader {
  /** Version of the program that wrote it, for people; replays do not look at it. */
  readonly program: string;
  /** Microseconds since 1970 at the stack's time 0; null if unknown. */
  readonly epoch: number | null;
  readonly device: { readonly name: string; readonly mtu: number; readonly offload: Offload };
  readonly addresses: readonly string[];
  /** The stack's secret as hexadecimal digits. */
  readonly secret: string;
  readonly profile: ProfileName;
  readonly config: Partial<TcpConfig>;
  readonly timeWaitLimit: number | null;
  readonly reassembly: ReassemblyLimits | null;
  /** Bytes of each payload that are in the file; null for all. */
  readonly snap: number | null;
}

/** Numbers that JSON does not have are stored as these texts. */
const NUMBERS: Readonly<Record<string, number>> = {
  Infinity: Infinity,
  '-Infinity': -Infinity,
  NaN: NaN,
};

/** Data for JSON.stringify: infinite numbers become texts, and memory becomes a list of bytes. */
export function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, plain(v)]));
}

/** The reverse of `plain`. */
export function unplain(value: unknown): unknown {
  if (typeof value === 'string') return NUMBERS[value] ?? value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(unplain);
  return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, unplain(v)]));
}

export function headerOf(
  o: StackOptions,
  device: Device,
  extra: { program: string; epoch: number | null; snap: number },
): RecordingHeader {
  const { name, mtu, offload } = device;
  const { checksum, tso4, tso6 } = offload;
  return plain({
    program: extra.program,
    epoch: extra.epoch,
    device: { name, mtu, offload: { checksum, tso4, tso6 } },
    addresses: o.addresses.map((a) => a.toString()),
    secret: Array.from(o.secret, (byte) => byte.toString(16).padStart(2, '0')).join(''),
    profile: o.profile ?? 'linux',
    config: o.config ?? {},
    timeWaitLimit: o.timeWaitLimit ?? null,
    reassembly: o.reassembly ?? null,
    snap: Number.isFinite(extra.snap) ? extra.snap : null,
  }) as RecordingHeader;
}

/** Throws RecordingError for a header that does not have what a stack needs. */
export function parseHeader(json: string): RecordingHeader {
  try {
    const header = unplain(JSON.parse(json)) as RecordingHeader;
    if (!/^([0-9a-f]{2}){16}$/.test(header.secret)) throw new Error('its secret is not 16 bytes');
    header.addresses.forEach((text) => Prefix.parse(text));
    if (!(header.device.mtu >= 68)) throw new Error('its device has no MTU');
    return header;
  } catch (error) {
    throw new RecordingError(
      `the header of the recording is invalid: ${(error as Error).message}`,
      'the file was changed or damaged; record again',
    );
  }
}

/** The options of a replayed stack, without device and random source. */
export const optionsOf = (
  h: RecordingHeader,
): Omit<StackOptions, 'device' | 'random' | 'observer'> => ({
  addresses: h.addresses.map((text) => Prefix.parse(text)),
  secret: Uint8Array.from(h.secret.match(/../g)!, (hex) => Number.parseInt(hex, 16)),
  profile: h.profile,
  config: h.config,
  ...(h.timeWaitLimit === null ? {} : { timeWaitLimit: h.timeWaitLimit }),
  ...(h.reassembly === null ? {} : { reassembly: h.reassembly }),
});
