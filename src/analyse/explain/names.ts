/** How ends, times and amounts are written. */
import { Address } from '../../ip/address.js';
import type { Conversation } from '../conversation.js';

/** The addresses and ports of a conversation: `[fd74::1]:80`. */
export function endpoints(conv: Conversation): readonly [a: string, b: string] {
  const text = (address: Address, port: number): string =>
    address.version === 6 ? `[${address.toString()}]:${port}` : `${address.toString()}:${port}`;
  return [
    text(Address.fromWords(conv.a0, conv.a1, conv.a2, conv.a3), conv.aPort),
    text(Address.fromWords(conv.b0, conv.b1, conv.b2, conv.b3), conv.bPort),
  ];
}

/** `the client` or `the server`. */
export const roleOf = (conv: Conversation, end: 0 | 1): 'the client' | 'the server' =>
  end === conv.client ? 'the client' : 'the server';

export const other = (end: 0 | 1): 0 | 1 => (end === 0 ? 1 : 0);

/** Nanoseconds as `40 ms`, with three digits. */
export function duration(nanos: number): string {
  const [value, unit] =
    nanos >= 1e9
      ? [nanos / 1e9, 's']
      : nanos >= 1e6
        ? [nanos / 1e6, 'ms']
        : nanos >= 1e3
          ? [nanos / 1e3, 'us']
          : [nanos, 'ns'];
  return `${threeDigits(value)} ${unit}`;
}

export function byteCount(n: number): string {
  if (n < 10_000) return plural(n, 'byte');
  if (n < 1e6) return `${threeDigits(n / 1e3)} kB`;
  return n < 1e9 ? `${threeDigits(n / 1e6)} MB` : `${threeDigits(n / 1e9)} GB`;
}

export function rate(bytes: number, nanos: number): string {
  const bits = (bytes * 8e9) / nanos;
  if (bits < 1e6) return `${threeDigits(bits / 1e3)} kbit/s`;
  return bits < 1e9 ? `${threeDigits(bits / 1e6)} Mbit/s` : `${threeDigits(bits / 1e9)} Gbit/s`;
}

function threeDigits(value: number): string {
  if (value === 0) return '0';
  const text = value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${n} ${n === 1 ? one : many}`;

export const percent = (share: number): string =>
  share > 0 && share < 0.01 ? 'under 1 %' : `${Math.round(100 * share)} %`;

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
