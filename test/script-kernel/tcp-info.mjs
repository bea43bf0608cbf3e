// @ts-check
/** Reads the kernel's struct tcp_info with the table that also makes our own TCP_INFO. */
import { TCP_INFO_FIELDS } from '../../dist/tcp/tcp-info.js';

const bitsOf = TCP_INFO_FIELDS.reduce((sum, [, bits]) => sum + bits, 0);
export const TCP_INFO_BYTES = bitsOf / 8;

/**
 * An older kernel writes fewer fields; the others are missing from the result. @param {Buffer} b
 * @returns {Record<string, number>}
 */
export function parseTcpInfo(b) {
  /** @type {Record<string, number>} */
  const info = {};
  let at = 0;
  for (const [name, bits] of TCP_INFO_FIELDS) {
    if (name !== '' && at + bits <= 8 * b.length) info[name] = field(b, at, bits);
    at += bits;
  }
  return info;
}

/**
 * @param {Buffer} b @param {number} at in bits; a byte's lowest bit is first @param {number} bits
 */
function field(b, at, bits) {
  const byte = at >> 3;
  switch (bits) {
    case 64:
      return Number(b.readBigUInt64LE(byte));
    case 32:
      return b.readUInt32LE(byte);
    case 16:
      return b.readUInt16LE(byte);
    default:
      return (b.readUInt8(byte) >> (at & 7)) & (2 ** bits - 1);
  }
}
