// @ts-check
/** Sysctls of the machine that also affect the kernel's TCP in a private network namespace. */
import { existsSync, readFileSync } from 'node:fs';

const RMEM_MAX = '/proc/sys/net/core/rmem_max';
/** The largest number in a header's window field. */
export const WINDOW_LIMIT = 65_535;
/** Linux's defaults. */
const USUAL = 212_992;

/**
 * net.core.rmem_max applies to all namespaces. Older kernels show it only in the initial one, where
 * run.mjs reads it.
 */
export function wholeMachinesRmemMax() {
  const told = process.env['TCPLAB_RMEM_MAX'] ?? '';
  if (told !== '') return Number(told);
  return existsSync(RMEM_MAX) ? Number(readFileSync(RMEM_MAX, 'latin1')) : USUAL;
}

/**
 * The window scale that Linux announces for a receive buffer of at most this size. @param {number}
 * bytes
 */
export const scaleOf = (bytes) => Math.min(14, Math.max(0, Math.floor(Math.log2(bytes)) - 15));

/**
 * Why a script that differs only in windows cannot be compared on this machine; null if it can.
 *
 * @param {readonly { field: string }[]} differences @param {number} rmemMax @param {number}
 *   scriptsRmem the third number of the scripts' tcp_rmem
 */
export function whyNotComparable(differences, rmemMax, scriptsRmem) {
  const onlyWindows =
    differences.length > 0 && differences.every(({ field }) => /^(window|options)$/.test(field));
  if (!onlyWindows || scaleOf(rmemMax) <= scaleOf(scriptsRmem)) return null;
  return (
    `net.core.rmem_max is ${rmemMax} on this machine, and with more than ${2 ** 24 - 1} the ` +
    `kernel's windows have another scale than the script's: sudo sysctl -w ` +
    `net.core.rmem_max=${USUAL}`
  );
}
